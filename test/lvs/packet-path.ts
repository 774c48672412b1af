// What our packet path answers to the arrivals that LVS gets: the generated program in this kernel, and the engine's own
// hand on what schedulers go by. Servers have weights in the file that are the greatest they come to have; what a service
// says are weights at run time.

import { parseIp, parseMac } from '../../src/base/addresses.ts'
import { clockOf } from '../../src/dataplane/flow-clock.ts'
import { fixedKeys } from '../../src/dataplane/golden-shapes.ts'
import { memoryOf } from '../../src/dataplane/memory.ts'
import { type CountingScheduler, SLOT_RECORDS, slotWord, TIMEOUTS } from '../../src/dataplane/shape.ts'
import { type EngineSpec, LIMITS } from '../../src/engine/engine.ts'
import { Known } from '../../src/engine/known.ts'
import { type Plan, planOf } from '../../src/engine/plan.ts'
import { Schedules } from '../../src/engine/schedules.ts'
import { assign, NOBODY, reassign } from '../../src/schedule/ranks.ts'
import { ether, ipv4, packet, tcp } from '../../src/wire/packet.ts'
import { KernelPath } from '../path/kernel-path.ts'
import { isPacket, type Packet, SEGMENT, type Service } from './arrivals.ts'

const MAC = parseMac('02:00:00:00:00:01')
const POOL = 'pool'
const nameOf = (member: number): string => `10.1.0.${member + 1}`

function specOf({ scheduler, hash = 'flow', weights, arrivals }: Service): EngineSpec {
  const most = weights.map((weight, member) =>
    Math.max(weight, ...arrivals.map((each) => (isPacket(each) || each.member !== member ? 0 : each.weight))),
  )
  const counts = scheduler === 'mh' || scheduler === 'sh' ? undefined : (scheduler as CountingScheduler)
  return {
    interfaces: [{ name: 'eth0', index: 2, mac: MAC, mtu: 1500 }],
    services: [
      {
        ...{ name: 'service', pool: POOL, track: counts ? 'all' : 'changes', onFailure: 'keep', hash },
        ...(counts && { scheduler: counts }),
        listeners: [{ address: parseIp('10.96.0.1'), port: 80, protocol: 'tcp' }],
        timeouts: TIMEOUTS,
      },
    ],
    pools: [{ name: POOL, members: most.map((weight, member) => ({ server: nameOf(member), weight })) }],
    servers: weights.map((_, member) => ({ name: nameOf(member), address: parseIp(nameOf(member)) })),
    limits: { ...LIMITS, flows: 16_384, newFlows: 1_000_000 },
  }
}

/** Slots of services that hash: who has them, and who had them before. */
class Slots {
  readonly #plan: Plan
  readonly #current: Uint16Array
  readonly #weights: number[]

  constructor(plan: Plan, weights: readonly number[]) {
    this.#plan = plan
    this.#weights = [...weights]
    this.#current = assign(plan.pools[0]!.table, this.#isUp)
  }

  words(before?: Uint32Array): Uint32Array {
    const { ids } = this.#plan.pools[0]!
    return Uint32Array.from(this.#current, (member, slot) => {
      const id = member === NOBODY ? 0 : ids[member]!
      const settled = before ? before[slot]! & 0x7fff : id
      return slotWord(id, settled, settled === id ? 0 : SLOT_RECORDS)
    })
  }

  change(member: number, weight: number): void {
    this.#weights[member] = weight
    const { table } = this.#plan.pools[0]!
    const at = table.members.findIndex(({ name }) => name === nameOf(member))
    reassign(table, this.#current, at, this.#isUp, () => {})
  }

  #isUp = (at: number): boolean => {
    const { name } = this.#plan.pools[0]!.table.members[at]!
    return this.#weights[Number(name.slice(name.lastIndexOf('.') + 1)) - 1]! > 0
  }
}

const frameOf = ({ kind, client, port }: Packet): Uint8Array =>
  packet(
    ether({ destination: MAC, source: '02:00:00:00:02:01' }),
    ipv4({ source: `10.200.${client >> 8}.${client & 0xff}`, destination: '10.96.0.1' }),
    tcp({ source: port, destination: 80, flags: SEGMENT[kind] }),
  )

/** packetPathAnswers: for each packet of a service the server that gets it; -1 = nobody. A refused one sends no more. */
export function packetPathAnswers(service: Service): number[] {
  const plan = planOf(specOf(service), { cpus: 1, clock: clockOf(250, 'word') })
  const known = new Known()
  for (const { name } of plan.spec.servers) known.setNeighbour(name, { mac: MAC, on: 'eth0' })
  const setWeight = (member: number, weight: number) =>
    known.setView(POOL, nameOf(member), { up: true, weight }, 0)
  // LVS puts a new server before the others: the last one comes first
  for (const member of service.weights.keys()) setWeight(member, 0)
  const rows = memoryOf(plan.shape).scheduling?.rows ?? new Map()
  const schedules = Schedules.of(plan, rows, known)
  const slots = new Slots(plan, service.weights)
  const servers = plan.servers.map((name) => ({ mac: MAC, usable: name !== undefined, via: 0 }))
  const tables = { keys: fixedKeys(), servers, slots: [slots.words()] }
  using path = new KernelPath(
    {
      shape: plan.shape,
      tables: schedules ? { ...tables, schedules: schedules.tables() } : tables,
    },
    { anyAlignment: true },
  )
  if (path.schedules) schedules?.bind(path.schedules, () => ({ active: 0, inactive: 0 }))
  const change = (member: number, weight: number) => {
    setWeight(member, weight)
    schedules?.change(known)
  }
  for (const [member, weight] of [...service.weights.entries()].reverse()) change(member, weight)

  const refused = new Set<string>()
  const answers: number[] = []
  for (const arrival of service.arrivals) {
    if (!isPacket(arrival)) {
      const { member, weight } = arrival
      change(member, weight)
      slots.change(member, weight)
      path.slots[0]!.set(slots.words(path.slots[0]!.slice()))
      continue
    }
    const flow = `${arrival.client}:${arrival.port}`
    const outcome = refused.has(flow) ? undefined : path.run(frameOf(arrival))
    if (outcome?.server === undefined) refused.add(flow)
    answers.push(outcome?.server === undefined ? -1 : memberOf(plan, outcome.server))
  }
  return answers
}

const memberOf = (plan: Plan, id: number): number => {
  const name = plan.servers[id]!
  return Number(name.slice(name.lastIndexOf('.') + 1)) - 1
}
