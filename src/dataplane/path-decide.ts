// Which server a flow has, where flows are tracked: docs/packet-path.md, "Flows". It takes numbers and touches no packet, so
// that whoever knows a flow can ask, in line or by a call: `flow` is A << 32 | B (flow-record.ts), `word` that of its slot,
// `about` what else matters (ABOUT). It answers with a server's id (0: nobody), or RESET.
//
//   look-up ── a record ── follow ── its server
//      └ none ─┐   └ does not hold ─┐
//              └────────────────────┴ begin ── current or settled server, recorded

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ge, gt, lt, ne, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { AWAIT } from './awaiting.ts'
import { secondTicks } from './flow-clock.ts'
import { FLOW, SERVICE_SHIFT, SLACK, STATE_SHIFT, TIME_MASK } from './flow-record.ts'
import { answersReset, awaitsRequests, has, type Memory, persists, usesNat } from './memory.ts'
import {
  ABOUT,
  type Asked,
  askedOf,
  count,
  countRecord,
  isReachable,
  poolOf,
  type Question,
  questionOf,
  serviceOf,
  stateBits,
  unlessHealthy,
  valueIn,
  whereReset,
} from './path-asked.ts'
import { unlessAwaited } from './path-awaiting.ts'
import {
  allCount,
  type Closing,
  type Counting,
  closingOf,
  countingOf,
  pickServer,
  tallyReplaced,
  tellClosed,
  unlessCounts,
  whereClosed,
} from './path-counting.ts'
import { lookUp } from './path-look-up.ts'
import { scanFunction } from './path-scan.ts'
import { ASK_BEFORE, type FlowsShape, SERVER_MASK, SETTLED_SHIFT, type Shape, SLOT_LEARN } from './shape.ts'

/** UNTOLD: nothing but a record tells the server of this segment, and another node may be about to. No server's id has the bit. */
export const UNTOLD = 0x8000
/** RESET: the client of this segment is to be told that its connection is no more. */
export const RESET = 0x10000
/** UNRECORDED: a flow's server, though there is no record of it, as there should be. Only where a shape has nat. */
export const UNRECORDED = 0x20000

/** ASK: nothing was decided: who keeps the client's network has to be found out. KEEP: the network stays with the server. */
export const ASK = 0x40000
export const KEEP = 0x80000

/** Called: functions that are called, by others as well. */
export interface Called {
  readonly scan: BuiltFunction
  readonly counting: Counting | undefined
}

export const calledOf = (memory: Memory): Called => ({
  scan: scanFunction(memory.tracking!.flows),
  counting: countingOf(memory),
})

/** Deciding: whoever is asked needs of the program. */
export interface Deciding {
  readonly shape: Shape
  readonly memory: Memory
  readonly flows: FlowsShape
  readonly called: Called
}

/** decision: `decide` as a function of the program: (flow, word, about) -> server or RESET. */
export const decision = (deciding: Deciding): BuiltFunction =>
  plainFunction('decide', (p) => decide(p, deciding, questionOf(p)))

/** decide the question: answers with server or RESET. Ends by leaving. */
export function decide(p: Builder, { shape, memory, flows, called }: Deciding, question: Question): void {
  const { scan, counting } = called
  const asked = askedOf(p, shape, memory, flows, question)
  const [missed, stale, unheld] = [p.label('no-record'), p.label('stale'), p.label('unheld')]
  const [counted, begin, reset] = [p.label('count-miss'), p.label('begin'), p.label('reset')]
  const closing = counting?.tally && closingOf(p, memory)
  const value = lookUp(p, asked, scan, missed)
  follow(p, asked, value, { stale, begin: unheld, reset }, closing)
  p.bind(unheld)
  p.setSlot(asked.own, 1)
  p.goto(begin)
  p.bind(stale)
  p.setSlot(asked.own, 1)
  p.goto(counted)
  p.bind(missed)
  p.setSlot(asked.own, 0)
  p.bind(counted)
  const ask = persists(shape) ? p.label('ask') : undefined
  if (ask) p.jumpIf(anyBits(asked.kind(), ABOUT.asks), ask)
  count(p, asked, 'flow-miss')
  p.bind(begin)
  if (ask) p.jumpIf(anyBits(asked.kind(), ABOUT.asks), ask)
  const untold = awaitsRequests(shape) ? p.label('untold') : undefined
  beginFlow(p, asked, counting, { reset, untold })
  if (closing) tellClosed(p, counting.tally, closing)
  if (shape.pools.length > 1 || counting) {
    p.bind(asked.nobody)
    p.exitValue(0)
  }
  if (answersReset(shape)) {
    p.bind(reset)
    p.exitValue(RESET)
  }
  if (ask) {
    p.bind(ask)
    p.exitValue(ASK)
  }
  if (untold) {
    p.bind(untold)
    p.exitValue(UNTOLD)
  }
}

/** silentFor: ticks since a record's time are more than so many; both are modulo 2^30. */
const silentFor = (p: Builder, { now }: Asked, changing: Val<'u32'>, ticks: number) =>
  gt(p.alu('and', p.alu('sub', p.alu('add', now, SLACK), changing), TIME_MASK), ticks + SLACK)

/** follow the record, where it holds: its time and state change. Ends by leaving. */
function follow(
  p: Builder,
  asked: Asked,
  value: Val<'u64'>,
  { stale, begin, reset }: { readonly stale: Label; readonly begin: Label; readonly reset: Label },
  closing: Closing | undefined,
): void {
  const { shape, memory, kind, now, entry, limits } = asked
  const server = p.below(p.alu('and', p.narrow(value), SERVER_MASK), memory.serverCapacity, stale)
  const again = persists(shape) ? p.label('again') : undefined
  if (again) p.jumpIf(anyBits(kind(), ABOUT.again), again)
  count(p, asked, 'flow-hit')
  if (again) p.bind(again)
  const changing = () => p.narrow(p.alu('rsh', value, 32))
  const state = () => p.alu('rsh', value, 32 + STATE_SHIFT)
  const next = p.variable('u32')
  const [opening, touch, answer] = [p.label('seen-opening'), p.label('touch'), p.label('follow')]
  const known = kind()
  if (has(shape, 'tcp')) {
    const [special, closed] = [p.label('seen-end'), p.label('closed')]
    p.jumpIf(anyBits(known, ABOUT.syn | ABOUT.udp), opening)
    whereReset(p, asked, server, reset)
    p.jumpIf(anyBits(known, ABOUT.end | ABOUT.peek), special)
    p.set(next, stateBits(FLOW.established))
    p.jumpIf(eq(state(), FLOW.closed), closed)
    p.goto(touch)
    p.cold(special, () => {
      p.jumpIf(anyBits(known, ABOUT.peek), answer)
      p.bind(closed)
      p.set(next, stateBits(FLOW.closed))
      p.goto(touch)
    })
    p.bind(opening)
  }

  // what begins a flow, or has no connection, leaves a server that is not healthy
  if (usesNat(shape)) p.jumpIf(anyBits(known, ABOUT.moves), begin)
  unlessHealthy(p, asked, server, begin)
  p.set(next, stateBits(FLOW.established))
  if (has(shape, 'udp')) {
    p.jumpIf(anyBits(known, ABOUT.peek), answer)
    if (has(shape, 'tcp')) p.jumpIf(anyBits(known, ABOUT.udp), touch)
  }
  if (has(shape, 'tcp')) {
    p.jumpIf(ne(state(), FLOW.syn), begin)
    p.jumpIf(silentFor(p, asked, changing(), limits.syn), begin)
    p.set(next, stateBits(FLOW.syn))
  }

  p.bind(touch)
  const touched = p.alu('or', p.alu('lsh', p.widen(p.alu('or', next, now)), 32), p.narrow(value))
  p.jumpIf(eq(touched, value), answer)
  p.store(valueIn(entry), touched)
  if (closing) whereClosed(p, closing, { server, value, next })
  if (persists(shape)) {
    p.jumpIf(eq(next, stateBits(FLOW.closed)), answer)
    keepNetwork(p, asked, server, answer)
  }
  p.bind(answer)
  p.exitValue(server)
}

/** keepNetwork: the flow's record is of now: the client's network is to stay with its server. Leaves so, or for `answer`. */
function keepNetwork(p: Builder, { kind }: Asked, server: Val<'u32'>, answer: Label): void {
  p.jumpIf(eq(p.alu('and', kind(), ABOUT.network), 0), answer)
  p.exitValue(p.alu('or', server, KEEP))
}

/** settledServer: by the table before where the word says so; an id that nobody can have is nobody. */
function settledServer(p: Builder, asked: Asked): Val<'u32'> {
  const { word, memory, flow } = asked
  const settledOf = (bits: Val<'u32'>) => p.alu('and', p.alu('rsh', bits, SETTLED_SHIFT), SERVER_MASK)
  const settled = p.variable('u32', SERVER_MASK)
  const [known, nobody, done] = [p.label('settled-known'), p.label('settled-nobody'), p.label('settled')]
  const before = memory.tracking?.before
  p.set(settled, settledOf(word()))
  if (before) {
    p.jumpIf(ne(settled, ASK_BEFORE), known)
    const { tables, words } = p.memory(before)
    const table = fields(p.pin(p.element(tables, poolOf(p, asked))))
    const slots = p.load(table.slots)
    p.jumpIf(eq(slots, 0), nobody)
    const slot = p.alu('rsh', p.alu('mul', p.alu('rsh', flow, 32), p.widen(slots)), 32)
    const index = p.below(p.alu('add', p.narrow(slot), p.load(table.base)), words.type.count, nobody)
    p.set(settled, settledOf(p.load(p.element(words, index))))
    p.bind(known)
  }
  p.jumpIf(lt(settled, memory.serverCapacity), done)
  p.bind(nobody)
  p.set(settled, 0)
  p.bind(done)
  return p.alu('and', settled, memory.serverCapacity - 1)
}

/** beginFlow: no record holds: the current or the settled server, recorded. Ends by leaving, or at `nobody`. */
function beginFlow(
  p: Builder,
  asked: Asked,
  counting: Counting | undefined,
  { reset, untold }: { readonly reset: Label; readonly untold: Label | undefined },
): void {
  const { shape, memory, kind, word } = asked
  const server = p.variable('u32', memory.serverCapacity - 1)
  const spare = p.slot('u32', memory.serverCapacity - 1)
  const state = p.variable('u32')
  const [opening, healthy, unhealthy, record, answer] = [
    p.label('opening'),
    p.label('spare-healthy'),
    p.label('spare-unhealthy'),
    p.label('record'),
    p.label('answer'),
  ]
  const picked = counting && pickServer(p, asked, counting)
  const settled = settledServer(p, asked)
  p.set(server, p.alu('and', word(), memory.serverCapacity - 1))
  p.setSlot(spare, settled)
  p.set(state, stateBits(FLOW.established))
  if (has(shape, 'tcp')) {
    p.jumpIf(anyBits(kind(), ABOUT.syn | ABOUT.udp), opening)
    if (untold) unlessTold(p, asked, counting, { current: server, settled, untold })
    const current = p.label('current')
    p.jumpIf(eq(settled, 0), current)
    whereReset(p, asked, settled, reset)
    p.set(server, settled)
    p.bind(current)
    p.jumpIf(anyBits(kind(), ABOUT.end), answer)
    p.goto(record)
    p.bind(opening)
  }
  unlessHealthy(p, asked, settled, unhealthy)
  p.goto(healthy)
  p.bind(unhealthy)
  p.setSlot(spare, 0)
  p.bind(healthy)
  if (picked) {
    const bySlot = p.label('by-slot')
    const other = p.unstash(picked)
    p.jumpIf(eq(other, 0), bySlot)
    spareIsSomebody(p, asked, spare)
    p.set(server, other)
    if (has(shape, 'udp') && has(shape, 'tcp')) p.jumpIf(anyBits(kind(), ABOUT.udp), record)
    if (has(shape, 'tcp')) p.set(state, stateBits(FLOW.syn))
    p.goto(record)
    p.bind(bySlot)
  }
  if (has(shape, 'tcp')) {
    const datagram = p.label('datagram')
    if (has(shape, 'udp')) p.jumpIf(anyBits(kind(), ABOUT.udp), datagram)
    p.set(state, stateBits(FLOW.syn))
    p.goto(record)
    p.bind(datagram)
  }
  if (has(shape, 'udp')) {
    p.jumpIf(eq(p.alu('and', word(), SLOT_LEARN), 0), record)
    const other = p.unstash(spare)
    p.jumpIf(eq(other, 0), record)
    p.set(server, other)
  }
  p.bind(record)
  remember(p, asked, { server, spare, state, picked }, counting, answer)
}

/**
 * unlessTold: a segment goes on where no other node may be about to tell of its flow, or where the slot tells its server: flows
 * of before a change and of after it have the same.
 */
function unlessTold(
  p: Builder,
  asked: Asked,
  counting: Counting | undefined,
  {
    current,
    settled,
    untold,
  }: { readonly current: Val<'u32'>; readonly settled: Val<'u32'>; readonly untold: Label },
): void {
  const { shape, memory, flows, kind, now } = asked
  const [told, byRecord, bySlot] = [p.label('told'), p.label('told-by-record'), p.label('told-by-slot')]
  p.jumpIf(eq(p.load(p.memory(memory.awaiting!).word), AWAIT.nothing), told)
  if (persists(shape)) {
    p.jumpIf(anyBits(kind(), ABOUT.kept), told)
    p.jumpIf(anyBits(kind(), ABOUT.network), byRecord)
  }
  if (counting) {
    unlessCounts(p, asked, bySlot)
    p.goto(byRecord)
    p.bind(bySlot)
  }
  if (!counting || !allCount(shape)) {
    p.jumpIf(eq(settled, 0), told)
    p.jumpIf(eq(settled, current), told)
  }
  p.bind(byRecord)
  unlessAwaited(p, memory, flows, now, told)
  p.goto(untold)
  p.bind(told)
}

/** spareIsSomebody: where the settled server is none to fall back on, the slot's current one is. */
function spareIsSomebody(p: Builder, { word, memory }: Asked, spare: Stashed<'u32'>): void {
  const somebody = p.label('spare-is-somebody')
  p.jumpIf(ne(p.unstash(spare), 0), somebody)
  p.setSlot(spare, p.alu('and', word(), memory.serverCapacity - 1))
  p.bind(somebody)
}

/** Remembered: what a record is to hold; `spare`: who gets a SYN that could not be recorded; `mark`: more bits of S. */
interface Remembered {
  readonly server: Val<'u32'>
  readonly state: Val<'u32'>
  readonly spare?: Stashed<'u32'>
  /** Not 0: the server was picked for the flow. */
  readonly picked?: Stashed<'u32'> | undefined
  readonly mark?: number
}

/** remember makes a record, or tells why not, and leaves with the server; at `answer` without a record. */
export function remember(
  p: Builder,
  asked: Asked,
  { server, spare, state, picked, mark = 0 }: Remembered,
  counting: Counting | undefined,
  answer: Label,
): void {
  const { kind, block, entry, flows, limits, now, own, shape } = asked
  const [write, free, capped, full, unrecorded] = [
    p.label('write'),
    p.label('free-entry'),
    p.label('capped'),
    p.label('full'),
    p.label('unrecorded'),
  ]
  p.jumpIf(anyBits(kind(), ABOUT.peek), answer)
  p.jumpIf(eq(isReachable(p, asked, server), 0), answer)
  p.jumpIf(ne(p.unstash(own), 0), write)

  // a new place: no more of them in a second than is allowed, and none of a flow that is worth more
  const made = fields(fields(block()).newFlows)
  const second = p.alu('rsh', now, secondTicks(flows.clock))
  const number = p.variable('u32')
  const sameSecond = p.label('same-second')
  p.set(number, p.load(made.count))
  p.jumpIf(eq(p.load(made.second), second), sameSecond)
  p.set(number, 0)
  p.bind(sameSecond)
  p.jumpIf(ge(number, limits.newFlows), capped)
  const held = p.load(fields(entry).changing)
  p.jumpIf(lt(held, stateBits(FLOW.established)), free)
  p.jumpIf(silentFor(p, asked, held, limits.established), free)
  p.jumpIf(eq(state, stateBits(FLOW.syn)), full)
  count(p, asked, 'flow-evicted')
  p.bind(free)
  p.store(made.second, second)
  p.store(made.count, p.alu('add', number, 1))
  countRecord(p, flows, block, 'flow', () => asked.flow)
  p.cold(capped, () => {
    count(p, asked, 'flow-capped')
    p.goto(unrecorded)
    p.bind(full)
    count(p, asked, 'flow-full')
    p.bind(unrecorded)
    if (!spare) {
      p.goto(answer)
      return
    }
    // later packets of a SYN's flow will go to the settled server, having no record; all of a flow that has been picked for
    const told = usesNat(shape) ? p.label('told-unrecorded') : answer
    const toSpare = p.label('to-spare')
    if (picked) p.jumpIf(ne(p.unstash(picked), 0), toSpare)
    p.jumpIf(ne(state, stateBits(FLOW.syn)), told)
    if (picked) p.bind(toSpare)
    const other = p.unstash(spare)
    p.jumpIf(eq(other, 0), told)
    p.exitValue(usesNat(shape) ? p.alu('or', other, UNRECORDED) : other)
    if (told === answer) return
    p.bind(told)
    p.exitValue(p.alu('or', server, UNRECORDED))
  })

  p.bind(write)
  const upper = p.alu('lsh', serviceOf(p, asked), SERVICE_SHIFT)
  const stable = p.alu('or', p.widen(mark === 0 ? upper : p.alu('or', upper, mark | 0)), server)
  const halves = p.alu('or', p.alu('lsh', stable, 32), stable)
  const was = counting?.tally && p.stash(p.load(valueIn(entry)))
  p.store(valueIn(entry), p.alu('or', p.alu('lsh', p.widen(p.alu('or', state, now)), 32), stable))
  p.store(fields(entry).key, p.alu('xor', halves, asked.flow))
  if (was && counting?.tally) tallyReplaced(p, counting.tally, was, p.narrow(stable))
  if (persists(shape) && mark === 0) keepNetwork(p, asked, server, answer)
  p.bind(answer)
  p.exitValue(server)
}
