// The recorder in the packet path (docs/packet-path.md, R). A SYN is copied as it came, before anything is decided about
// it, and completed when it leaves, whichever way; what is dropped, or leaves as it is one of many, is copied then. Most
// packets pay for one comparison: whether this window of time has room for their kind.
//
//   record: (struct xdp_md *, kind, how many a window keeps) -> 1 where this CPU has a pending record now
//   settle: (outcome, server, service): the pending record is complete, and one more is written

import type { Builder, StashedContext } from '../bpf/builder.ts'
import { VERDICT } from '../bpf/exit-builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ge, gt, lt, ne, type Place, type Val, type View } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { type Path, put, take } from './cell.ts'
import type { RecorderShape } from './defence-shape.ts'
import { Ethernet, IPPROTO_UDP, TCP_ACK, TCP_SYN, Tcp } from './headers.ts'
import { isMixed } from './match.ts'
import { has, type Memory, timeOf } from './memory.ts'
import { outcomeNames } from './outcomes.ts'
import { countersOfCpu, type Flow, type Route } from './path.ts'
import { jiffies } from './path-clock.ts'
import { WHERE } from './path-where.ts'
import {
  type Budget,
  budgetOf,
  FRAME_BYTES,
  NO_SERVICE,
  RECORD_KINDS,
  type RecorderMemory,
  type RecorderState,
  type RecordKind,
} from './record.ts'
import type { Shape } from './shape.ts'

/** Recording: functions of the program that record. */
export interface Recording {
  readonly record: BuiltFunction
  readonly settle: BuiltFunction
  readonly budget: Budget
  readonly memory: Memory
}

/** recordingOf a shape; undefined where nothing is recorded. */
export function recordingOf(shape: Shape, memory: Memory): Recording | undefined {
  const { recorder } = shape
  const { recorder: rings } = memory
  if (!recorder || !rings) return undefined
  const budget = budgetOf(recorder, timeOf(shape))
  const parts: Parts = { shape, memory, recorder, rings }
  return { record: recordFunction(parts, budget), settle: settleFunction(parts), budget, memory }
}

interface Parts {
  readonly shape: Shape
  readonly memory: Memory
  readonly recorder: RecorderShape
  readonly rings: RecorderMemory
}

type Spent = View<(typeof RecorderState)['fields']>['spent']

/** windowNow: the number of this window, times 256. */
function windowNow<C extends string>(p: Builder<C>, memory: Memory, { shift }: Budget): Val<'u64'> {
  const now = jiffies(p, memory)
  return p.alu('lsh', shift === 0 ? now : p.alu('rsh', now, shift), 8)
}

/** fullAt: what `spent` has where this window has no room for one more of the kind. */
export const fullAt = (p: Path, { memory, budget }: Recording, kind: RecordKind): Val<'u64'> =>
  p.alu('add', windowNow(p, memory, budget), budget.kept[kind])

/** whereDue: goes to the label where this window has room for one more of the kind. */
function whereDue(p: Path, spent: Spent, kind: RecordKind, full: Val<'u64'>, due: Label): void {
  p.jumpIf(lt(p.load(p.element(spent, RECORD_KINDS.indexOf(kind))), full), due)
}

function recordFunction({ shape, memory, recorder, rings }: Parts, budget: Budget): BuiltFunction {
  return plainFunction('record', (p) => {
    const [asked, most] = p.parameters('context', 'u32', 'u32')
    const [none, whole] = [p.label('unrecorded'), p.label('whole-record')]
    const kind = p.stash(p.alu('and', asked, RECORD_KINDS.length - 1))
    const kept = p.stash(most)
    const state = fields(countersOfCpu(p, shape, memory).recorder)
    p.jumpIf(ne(p.load(state.pending), 0), none)
    const pending = p.stashPlace(state.pending)

    // this window has room, or none of this window was kept yet
    const spent = p.stashPlace(p.element(state.spent, { ...p.unstash(kind), max: RECORD_KINDS.length - 1 }))
    const now = windowNow(p, memory, budget)
    const next = p.variable('u64')
    const same = p.label('same-window')
    p.set(next, p.load(p.unstashPlace(spent)))
    p.jumpIf(gt(next, now), same)
    p.set(next, now)
    p.bind(same)
    p.jumpIf(ge(next, p.alu('add', now, p.unstash(kept))), none)
    p.store(p.unstashPlace(spent), p.alu('add', next, 1))

    // the next record of this CPU's ring
    const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
    const { heads, records } = p.memory(rings)
    const written = p.narrow(p.load(fields(p.element(heads, cpu)).written))
    const own = p.alu('and', written, recorder.records - 1)
    const at = p.alu('add', p.alu('mul', cpu, recorder.records), own)
    const index = p.stash(at)
    const place = p.stashPlace(p.element(records, at))
    const record = () => fields(p.unstashPlace(place))
    p.store(record().sequence, 0)

    const all = shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined
    const frame = p.packet()
    const length = p.stash(all ?? p.length(frame.data, frame.end))
    const captured = p.variable('u64', FRAME_BYTES)
    p.set(captured, FRAME_BYTES)
    const part = p.below(p.unstash(length), FRAME_BYTES, whole)
    p.jumpIf(lt(part, Ethernet.size), none)
    p.set(captured, part)
    p.bind(whole)
    const held = p.stash(captured)
    p.loadBytes(0, record().frame, captured, () => p.exitValue(0))
    const time = p.call('ktime_get_ns')
    const { time: when, ...rest } = record()
    p.store(when, time)
    p.storeLow(rest.length, p.unstash(length))
    p.storeLow(rest.captured, p.unstash(held))
    p.storeLow(rest.kind, p.unstash(kind))
    p.store(rest.interface, shape.own)
    p.store(p.unstashPlace(pending), p.alu('add', p.widen(p.unstash(index)), 1))
    p.exitValue(1)
    p.bind(none)
    p.exitValue(0)
  })
}

function settleFunction({ shape, memory, recorder, rings }: Parts): BuiltFunction {
  return plainFunction('settle', (p) => {
    const [outcome, server, service] = p.parameters('numbers', 'u32', 'u32', 'u32')
    const kept = { outcome: p.stash(outcome), server: p.stash(server), service: p.stash(service) }
    const none = p.label('nothing-pending')
    const state = fields(countersOfCpu(p, shape, memory).recorder)
    const pending = p.narrow(p.load(state.pending))
    p.jumpIf(eq(pending, 0), none)
    p.store(state.pending, 0)
    const { heads, records } = p.memory(rings)
    const last = shape.cpus * recorder.records - 1
    const place = p.stashPlace(p.element(records, p.alu('and', p.alu('sub', pending, 1), last)))
    const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
    const { written } = fields(p.pin(p.element(heads, cpu)))
    const number = p.alu('add', p.load(written), 1)
    const record = fields(p.unstashPlace(place))
    p.storeLow(record.outcome, p.unstash(kept.outcome))
    p.storeLow(record.server, p.unstash(kept.server))
    p.storeLow(record.service, p.unstash(kept.service))
    p.storeLow(record.sequence, number)
    p.store(written, number)
    p.bind(none)
    p.exitValue(0)
  })
}

/** recordNow: this packet, as it is now, where the window has room for its kind. It is settled when it leaves. */
export function recordNow(
  p: Path,
  { record, budget }: Recording,
  context: StashedContext,
  kind: RecordKind,
): void {
  const number = p.constant(RECORD_KINDS.indexOf(kind))
  p.callSub(record, p.contextOf(context), number, p.constant(budget.kept[kind]))
}

/** recordSyn: a SYN, where the window has room: asked here, as most of a flood finds none; such a one is no other kind, either. */
export function recordSyn(
  p: Path,
  recording: Recording,
  { shape, where }: Pick<Route, 'shape' | 'where'>,
  context: StashedContext,
): void {
  const [due, done] = [p.label('record-syn'), p.label('syn-recorded')]
  const { spent } = fields(countersOfCpu(p, shape, recording.memory).recorder)
  const kept = p.stashPlace(spent)
  const full = fullAt(p, recording, 'new')
  whereDue(p, p.unstashPlace(kept), 'new', full, due)
  put(p, where!, p.alu('or', take(p, where!) as Val<'u64'>, WHERE.unkept))
  p.goto(done)
  p.bind(due)
  recordNow(p, recording, context, 'new')
  p.bind(done)
}

/** recordRule: the same of a packet that a rule has matched, in a function that is called with the context. */
export function recordRule<C extends string>(p: Builder<C>, { record, budget }: Recording): void {
  p.callSub(record, p.ctx, p.constant(RECORD_KINDS.indexOf('rule')), p.constant(budget.kept.rule))
}

/** jumpIfSyn: SYN without ACK. */
function jumpIfSyn(p: Path, flags: Place<'u8'>, syn: Label): void {
  p.jumpIf(eq(p.alu('and', p.load(flags), TCP_SYN | TCP_ACK), TCP_SYN), syn)
}

/** whereSyn: a packet of the straight path, whose transport header is there, goes to the label if it is a SYN. */
export function whereSyn(
  p: Path,
  shape: Shape,
  { protocol }: Pick<Flow, 'protocol'>,
  flags: Place<'u8'>,
  syn: Label,
): void {
  const datagram = p.label('no-segment')
  if (isMixed(shape)) p.jumpIf(eq(protocol(), IPPROTO_UDP), datagram)
  jumpIfSyn(p, flags, syn)
  p.bind(datagram)
}

/** recordSlow: a packet of the slow path, by where its headers are: a SYN of a flow is recorded. */
export function recordSlow(p: Path, recording: Recording, route: Route, context: StashedContext): void {
  if (!has(route.shape, 'tcp')) return
  const [other, syn] = [p.label('no-syn'), p.label('slow-syn')]
  const where = p.narrow(take(p, route.where!) as Val<'u64'>)
  p.jumpIf({ op: 'jset', reg: where.reg, operand: WHERE.peek | WHERE.udp, bits: 32 }, other)
  const { data, end } = p.packet(p.contextOf(context))
  const at = p.advance(data, p.alu('and', p.alu('rsh', where, WHERE.offset), WHERE.mask))
  const { tcp } = p.headers(at, end, { tcp: Tcp }, other)
  jumpIfSyn(p, tcp.flags, syn)
  p.goto(other)
  p.bind(syn)
  recordSyn(p, recording, route, context)
  p.bind(other)
}

type Counters = ReturnType<typeof countersOfCpu>

/** settled: the pending record is told what became of its packet. */
const settled = (p: Path, { settle }: Recording, ...told: readonly (Val<'u32'> | number)[]): void => {
  p.callSub(settle, ...told.map((each) => (typeof each === 'number' ? p.constant(each) : each)))
}

/** recordForwarded: behind the counters of a packet that goes to a server; `full` is fullAt of `established`. */
export function recordForwarded(
  p: Path,
  { shape, where }: Pick<Route, 'shape' | 'where'>,
  recording: Recording,
  { recorder }: Counters,
  context: StashedContext,
  full: Val<'u64'>,
  told: {
    readonly outcome: number
    readonly server: Val<'u32'>
    readonly service: () => Val<'u32'> | number
  },
): void {
  const [waiting, due, done] = [p.label('settle'), p.label('record'), p.label('recorded')]
  const { pending, spent } = fields(recorder)
  p.jumpIf(ne(p.load(pending), 0), waiting)
  whereDue(p, spent, 'established', full, due)
  p.cold(due, () => {
    if (has(shape, 'tcp')) p.jumpIf(anyBits(take(p, where!) as Val<'u64'>, WHERE.unkept), done)
    recordNow(p, recording, context, 'established')
    p.bind(waiting)
    settled(p, recording, told.outcome, told.server, told.service())
    p.goto(done)
  })
  p.bind(done)
}

/** recordLeft: behind the counter of any other way out, whose code has the verdict: what is passed is not recorded. */
export function recordLeft(
  p: Path,
  recording: Recording,
  { recorder }: Counters,
  context: StashedContext,
  left: { readonly index: Val<'u32'>; readonly code: Val<'u32'> },
): void {
  const [waiting, done, sent] = [p.label('settle'), p.label('recorded'), p.label('sent')]
  const [due, dueSent] = [p.label('record-dropped'), p.label('record-sent')]
  const { pending, spent } = fields(recorder)
  p.jumpIf(ne(p.load(pending), 0), waiting)
  const verdict = p.alu('and', left.code, 0xff)
  p.jumpIf(eq(verdict, VERDICT.pass), done)
  p.jumpIf(ne(verdict, VERDICT.drop), sent)
  whereDue(p, spent, 'dropped', fullAt(p, recording, 'dropped'), due)
  p.goto(done)
  p.cold(sent, () => {
    whereDue(p, spent, 'established', fullAt(p, recording, 'established'), dueSent)
    p.goto(done)
  })
  const settling = p.label('settle-recorded')
  p.cold(due, () => {
    recordNow(p, recording, context, 'dropped')
    p.goto(settling)
  })
  p.cold(dueSent, () => {
    // its SYN had no room, or it would be waiting
    if (recording.memory.defence?.proven) p.jumpIf(eq(left.index, outcomeNames.indexOf('challenged')), done)
    recordNow(p, recording, context, 'established')
    p.bind(settling)
    p.bind(waiting)
    settled(p, recording, left.index, 0, NO_SERVICE)
    p.goto(done)
  })
  p.bind(done)
}
