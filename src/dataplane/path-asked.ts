// What is asked of the function that decides about a flow, and what its parts share: how a question is put in numbers,
// where they wait while registers are short, events, the health of a server.

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ne, type Place, type Val } from '../bpf/values.ts'
import { type FlowLimits, limitsOf } from './flow-clock.ts'
import { FlowEntry, STATE_SHIFT, TIME_MASK } from './flow-record.ts'
import { answersReset, type Memory, SETTING, uniformUse } from './memory.ts'
import { type EventName, eventNames } from './outcomes.ts'
import { jiffies } from './path-clock.ts'
import type { FlowsShape, Shape } from './shape.ts'

/**
 * ABOUT: bits of `about`. The lowest 16 are the service, the upper half is the pool. `syn`: a SYN without ACK, FIN and
 * RST; `end`: FIN or RST; `segment`: any other of TCP. `peek`: nothing is to change (with `segment` or `udp`).
 * `moves`: the flow goes to the word's current server, whatever its record says (with `syn` or `udp`).
 * Of a service that persists (path-question.ts): `network`: KEEP is to be answered; `asks`: ASK is, where no record holds;
 * `again`: it has been, and what has been counted is; `kept`: the word's server is that of the client's network.
 */
export const ABOUT = {
  syn: 1 << 16,
  end: 1 << 17,
  segment: 1 << 18,
  udp: 1 << 19,
  peek: 1 << 20,
  moves: 1 << 21,
  network: 1 << 22,
  asks: 1 << 23,
  again: 1 << 24,
  kept: 1 << 25,
} as const
/** ABOUT_POOL: how far the pool is to the left. */
export const ABOUT_POOL = 32
const SERVICE_MASK = 0xffff

/** stateBits: a state where an entry has it. */
export const stateBits = (state: number): number => (state << STATE_SHIFT) >>> 0

/**
 * Question: what is asked about a flow; what is not needed at once waits on the stack. `kind`: bits of ABOUT, in a slot of
 * which the verifier does not know what is in it: else it would go on once for each kind, service and pool.
 */
export interface Question {
  readonly flow: Val<'u64'>
  readonly word: Stashed<'u32'>
  readonly about: Stashed<'u64'>
  readonly kind: Stashed<'u32'> | Stashed<'u64'>
}

/** questionOf a function's parameters: flow, word, about. */
export function questionOf(p: Builder): Question {
  const [flow, word, about] = p.parameters('numbers', 'u64', 'u32', 'u64')
  const kept = p.stash(about)
  return { flow, word: p.stash(word), about: kept, kind: kept }
}

/** Asked: the question, and what every part of the answer needs. */
export interface Asked {
  readonly shape: Shape
  readonly memory: Memory
  readonly flows: FlowsShape
  readonly limits: FlowLimits
  readonly flow: Val<'u64'>
  readonly word: () => Val<'u32'>
  readonly about: () => Val<'u64'>
  readonly kind: () => Val<'u32' | 'u64'>
  /** Ticks. */
  readonly now: Val<'u32'>
  /** This CPU's counters. */
  readonly block: () => Place<Memory['Block']>
  /** Where the flow's record is, or is going to be. */
  readonly entry: Place<typeof FlowEntry>
  /** 1: the record in `entry` is the flow's own. */
  readonly own: Stashed<'u32'>
  /** Answers 0. */
  readonly nobody: Label
}

/** askedOf a question. */
export function askedOf(
  p: Builder,
  shape: Shape,
  memory: Memory,
  flows: FlowsShape,
  { flow, word, about, kind }: Question,
): Asked {
  const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
  const block = p.stashPlace(p.element(p.memory(memory.counters).blocks, cpu))
  return {
    shape,
    memory,
    flows,
    limits: limitsOf(flows),
    flow,
    word: () => p.unstash(word),
    about: () => p.unstash(about),
    kind: () => p.unstash<'u32' | 'u64'>(kind),
    now: ticks(p, memory, flows),
    block: () => p.unstashPlace(block),
    entry: p.placeVariable(FlowEntry),
    own: p.slot('u32', 1),
    nobody: p.label('nobody'),
  }
}

/** ticks: now, as records have it. */
export const ticks = (p: Builder, memory: Memory, { clock }: FlowsShape): Val<'u32'> =>
  p.alu('and', p.narrow(p.alu('rsh', jiffies(p, memory), clock.shift)), TIME_MASK)

/** valueIn: both halves of an entry's value, read and written as one. */
export const valueIn = (entry: Asked['entry']): Place<'u64'> => ({ ...fields(entry).stable, type: 'u64' })

/** count an event. */
export const count = (p: Builder, { block }: Asked, name: EventName): void =>
  p.increment(p.element(fields(block()).events, eventNames.indexOf(name)), 1)

/**
 * countRecord: a record is about to be made, with this key; where other nodes are told of records, word is left of it. `block`:
 * this CPU's.
 */
export function countRecord(
  p: Builder,
  { fresh }: FlowsShape,
  block: () => Place<Memory['Block']>,
  table: 'flow' | 'answer',
  key: () => Val<'u64'>,
): void {
  const event = eventNames.indexOf(`${table}-insert`)
  if (fresh === undefined) {
    p.increment(p.element(fields(block()).events, event), 1)
    return
  }
  const here = p.pin(block())
  const { events, fresh: rings } = fields(here)
  const ring = table === 'flow' ? fields(rings).flows : fields(rings).answers
  const number = p.alu('and', p.load(p.element(events, event)), fresh - 1)
  p.store(p.element(ring, number), key())
  p.increment(p.element(events, event), 1)
}

/** serviceOf the packet: its index. */
export const serviceOf = (p: Builder, { about }: Asked): Val<'u32'> =>
  p.alu('and', p.narrow(about()), SERVICE_MASK)

/** poolOf the packet: its index, which is one of the shape's. */
export const poolOf = (p: Builder, { about, shape, nobody }: Asked): Val<'u32'> | 0 =>
  shape.pools.length === 1
    ? 0
    : p.below(p.narrow(p.alu('rsh', about(), ABOUT_POOL)), shape.pools.length, nobody)

/** isReachable: not 0 where the server's MAC is known. */
export const isReachable = (p: Builder, { memory }: Asked, id: Val<'u32'>): Val<'u32'> =>
  p.alu('and', p.load(fields(p.element(p.memory(memory.tables).servers, id)).state), 1)

/** hasFailed: not 0 where the server has failed in the packet's pool. */
export const hasFailed = (p: Builder, asked: Asked, id: Val<'u32'>): Val<'u32'> =>
  hasBit(p, asked, asked.memory.tracking!.failed, id)

/** hasBit: not 0 where the server's bit of the packet's pool is set. */
export function hasBit(
  p: Builder,
  asked: Asked,
  bits: NonNullable<Memory['tracking']>['failed'],
  id: Val<'u32'>,
): Val<'u32'> {
  const { serverCapacity } = asked.memory
  const { words } = p.memory(bits)
  const pool = poolOf(p, asked)
  const bit = pool === 0 ? id : p.alu('add', p.alu('lsh', pool, Math.log2(serverCapacity)), id)
  const word = p.load(p.element(words, p.alu('rsh', bit, 5)))
  // a shift of 32 bits takes the lowest five of its count
  return p.alu('and', p.alu('rsh', word, bit), 1)
}

/** unlessHealthy: where the server has failed or is not reachable. */
export function unlessHealthy(p: Builder, asked: Asked, id: Val<'u32'>, not: Label): void {
  p.jumpIf(eq(isReachable(p, asked, id), 0), not)
  p.jumpIf(eq(hasFailed(p, asked, id), 1), not)
}

/** whereReset: where the server has failed and the service answers that with a RST. */
export function whereReset(p: Builder, asked: Asked, id: Val<'u32'>, reset: Label): void {
  const { shape, memory } = asked
  if (!answersReset(shape)) return
  const failed = hasFailed(p, asked, id)
  if (uniformUse(shape)) {
    p.jumpIf(ne(failed, 0), reset)
    return
  }
  const keeps = p.label('keeps-its-server')
  p.jumpIf(eq(failed, 0), keeps)
  const service = p.alu('and', serviceOf(p, asked), memory.serviceCapacity - 1)
  const settings = p.load(p.element(p.memory(memory.tables).settings, service))
  p.jumpIf(anyBits(settings, SETTING.resets), reset)
  p.bind(keeps)
}
