// The functions of the program that pick a new flow's server by turns or by connections, and count connections; for
// services whose scheduler is not the table. LVS does the same at a new connection (schedule/rotation.ts, least.ts).
// Memory: scheduling.ts.

import type { Builder } from '../bpf/builder.ts'
import { eq, fields, le, ne, type Place, type Val, whole } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { ACTIVE_COST, type LeastKind } from '../schedule/least.ts'
import { SERVICE_SHIFT } from './flow-record.ts'
import type { Memory } from './memory.ts'
import { KIND, type Schedule, type Scheduling, type ServerLoad } from './scheduling.ts'
import { SERVER_MASK } from './shape.ts'

/** pickFunction: (service) -> the server that takes a new flow; 0: nobody. The service has a scheduler that counts. */
export const pickFunction = (memory: Memory, scheduling: Scheduling): BuiltFunction =>
  plainFunction('pick', (p) => {
    const [service] = p.parameters('numbers', 'u32')
    const { services } = p.memory(scheduling.map)
    const kept = p.stash(p.alu('and', service, memory.serviceCapacity - 1))
    const schedule = () => p.pin(p.element(services, p.unstash(kept)))
    const ways = [
      ...(scheduling.takesTurns ? [{ kind: KIND.rr, take: takeTurn }] : []),
      ...scheduling.least.map((each) => ({ kind: KIND[each.kind], take: takeLeast.bind(undefined, each) })),
    ]
    for (const { kind, take } of ways.slice(1)) {
      const other = p.label('another-kind')
      p.jumpIf(ne(p.load(fields(schedule()).kind), kind), other)
      take(p, memory, scheduling, schedule())
      p.bind(other)
    }
    ways[0]!.take(p, memory, scheduling, schedule())
  })

const nobody = (p: Builder) => () => p.exitValue(0)

/** takeTurn: the next one, by a cursor that all CPUs count up. Ends by leaving. */
function takeTurn(p: Builder, memory: Memory, { map }: Scheduling, schedule: Place<typeof Schedule>): void {
  const { turns } = p.memory(map)
  const word = p.load(fields(schedule).word)
  const count = p.alu('rsh', word, 32)
  p.exitIf(eq(count, 0), nobody(p))
  const turn = p.narrow(p.alu('mod', p.fetchAdd(fields(schedule).cursor, 1), count))
  const at = p.below(p.alu('add', turn, p.narrow(word)), turns.type.count, nobody(p))
  p.exitValue(p.alu('and', p.load(p.element(turns, at)), memory.serverCapacity - 1))
}

/** notNegative: a count, or 0 where races have made it less. */
const notNegative = (p: Builder, count: Val<'u32'>): Val<'u32'> =>
  p.alu('and', count, p.alu('xor', p.alu('arsh', count, 31), 0xffff_ffff))

/** costOf: what a server's connections cost (schedule/least.ts); an idle one costs nq nothing, so it is the least. */
function costOf(p: Builder, kind: LeastKind, load: Val<'u64'>): Val<'u64'> {
  const active = p.widen(notNegative(p, p.narrow(load)))
  switch (kind) {
    case 'lc':
    case 'wlc': {
      const inactive = p.widen(notNegative(p, p.narrow(p.alu('rsh', load, 32))))
      return p.alu('add', p.alu('mul', active, ACTIVE_COST), inactive)
    }
    case 'sed':
      return p.alu('add', active, 1)
    case 'nq':
      // bit 63 of 0 - active: there are any
      return p.alu('add', active, p.alu('rsh', p.alu('sub', p.const64(0n), active), 63))
  }
}

/** takeLeast: the server with the least cost for its weight, the first of them. Ends by leaving. */
function takeLeast(
  { kind, most }: Scheduling['least'][number],
  p: Builder,
  memory: Memory,
  scheduling: Scheduling,
  schedule: Place<typeof Schedule>,
): void {
  const { serverCapacity } = memory
  const { members, loads } = p.memory(scheduling.map)
  const word = p.load(fields(schedule).word)
  const first = p.below(p.narrow(word), scheduling.members + 1, nobody(p))
  const count = p.below(p.narrow(p.alu('rsh', word, 32)), most + 1, nobody(p))
  const lastRow = loads.type.count - serverCapacity
  const row = p.stash(p.below(p.load(fields(schedule).row), lastRow + 1, nobody(p)))
  // the best so far is nobody, who costs 1 for a weight of 0: any server with a weight costs less
  const [best, bestCost] = [p.variable('u64'), p.variable('u64')]
  p.set(best, 0)
  p.set(bestCost, 1)
  p.loop(count, (index) => {
    const member = p.load(p.element(members, p.alu('add', index, first)))
    const id = p.alu('and', p.narrow(member), serverCapacity - 1)
    const load = p.load(whole(p.element(loads, p.alu('add', id, p.unstash(row))), 'u64'))
    const cost = costOf(p, kind, load)
    // all bits where cost / weight < bestCost / bestWeight, which weight 0 never is; products are below 2^63. Without a
    // jump there is one way through a round, so the verifier has but one to follow
    const [mine, its] = [p.alu('mul', cost, weightOf(p, best)), p.alu('mul', bestCost, weightOf(p, member))]
    const isLess = p.alu('arsh', p.alu('sub', mine, its), 63)
    p.set(best, p.alu('xor', best, p.alu('and', p.alu('xor', best, member), isLess)))
    p.set(bestCost, p.alu('xor', bestCost, p.alu('and', p.alu('xor', bestCost, cost), isLess)))
  })
  p.exitValue(p.alu('and', p.narrow(best), serverCapacity - 1))
}

/** weightOf a member's word (scheduling.ts). */
const weightOf = (p: Builder, member: Val<'u64'>): Val<'u64'> => p.alu('rsh', member, 32)

/** loadOf: where a record's flow is counted, for the stable half of the record; `none` where it is not. */
function loadOf(
  p: Builder,
  memory: Memory,
  { map }: Scheduling,
  stable: Val<'u32'>,
  none: () => void,
): Place<typeof ServerLoad> {
  const { serverCapacity, serviceCapacity } = memory
  const { services, loads } = p.memory(map)
  const service = p.below(p.alu('rsh', stable, SERVICE_SHIFT), serviceCapacity, none)
  const schedule = fields(p.pin(p.element(services, service)))
  p.exitIf(le(p.load(schedule.kind), KIND.rr), none)
  const id = p.below(p.alu('and', stable, SERVER_MASK), serverCapacity, none)
  const row = p.below(p.load(schedule.row), loads.type.count - serverCapacity + 1, none)
  return p.element(loads, p.alu('add', row, id))
}

/** tallyFunction: (stable half of a record, active, inactive): so many connections of its server more. Answers 0. */
export const tallyFunction = (memory: Memory, scheduling: Scheduling): BuiltFunction =>
  plainFunction('tally', (p) => {
    const [stable, active, inactive] = p.parameters('numbers', 'u32', 'u32', 'u32')
    const load = fields(p.pin(loadOf(p, memory, scheduling, stable, nobody(p))))
    p.atomicAdd(load.active, active)
    p.atomicAdd(load.inactive, inactive)
    p.exitValue(0)
  })
