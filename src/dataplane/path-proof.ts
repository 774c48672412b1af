// Proof of source, as functions of the program that path-admit.ts calls (docs/packet-path.md, D; decision 0032): a RST that
// answers a challenge is taken, a SYN is counted, and challenged where its service asks for proof and its source is not
// proven. proof.ts is the plain form.

import type { Builder, StashedContext } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { eq, fields, ge, lt, ne, type Val, type View } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import type { DefenceService } from './defence-memory.ts'
import { PROOF } from './defence-shape.ts'
import type { Memory } from './memory.ts'
import { challengeFunction } from './path-challenge.ts'
import { secondNow, tickNow } from './path-clock.ts'
import { askCookie, cookieFunction, epochNow, readOpening, sourceOf } from './path-opening.ts'
import { type ProvenFunctions, provenFunctions } from './path-proven.ts'
import { COOKIE_MASK } from './proof-cookie.ts'
import type { Shape } from './shape.ts'

/** Proof: the functions; `where` is of path-where.ts, and of a TCP segment. */
export interface Proof {
  /** (context, where, service) of a RST -> 1 where it proves its source, which is remembered; else 0. */
  readonly take: BuiltFunction
  /** (context, where, service) of a SYN, which is counted -> 1 where it has to be challenged, else 0. */
  readonly wanted: BuiltFunction
  /** (context, where) of a SYN -> 1: the frame is the challenge now; 0 where its headers are not there. */
  readonly challenge: BuiltFunction
  /** (context, where) of any segment -> 1 where its source is proven, else 0. */
  readonly standing: BuiltFunction
}

/** proofOf a shape that has it. */
export function proofOf(shape: Shape, memory: Memory): Proof {
  const defence = memory.defence!
  const cookie = cookieFunction(shape, defence)
  const proven = provenFunctions(shape, defence)
  return {
    take: takeFunction(shape, memory, cookie, proven),
    wanted: wantedFunction(shape, memory, proven),
    challenge: challengeFunction(shape, memory, cookie),
    standing: standingFunction(shape, memory, proven),
  }
}

/** serviceOf the defence's memory. */
const serviceOf = (p: Builder, { defence, serviceCapacity }: Memory, service: Val<'u32'>) =>
  p.pin(p.element(p.memory(defence!.settings).services, p.alu('and', service, serviceCapacity - 1)))

/** unlessAsked: where the service does not ask for proof. */
function unlessAsked(
  p: Builder,
  shape: Shape,
  memory: Memory,
  { proof, proofUntil, holdTicks }: View<(typeof DefenceService)['fields']>,
  { off, not }: { readonly off: Label; readonly not: Label },
): void {
  const asked = p.label('asked')
  const mode = p.load(proof)
  p.jumpIf(eq(mode, PROOF.on), asked)
  p.jumpIf(ne(mode, PROOF.auto), off)
  const left = p.alu('sub', p.alu('sub', p.load(proofUntil), tickNow(p, shape, memory)), 1)
  p.jumpIf(ge(left, p.load(holdTicks)), not)
  p.bind(asked)
}

/** takeFunction: a RST that has the number of a challenge of this epoch or the one before. */
const takeFunction = (
  shape: Shape,
  memory: Memory,
  cookie: BuiltFunction,
  { prove }: ProvenFunctions,
): BuiltFunction =>
  plainFunction('take', (p) => {
    const [where, service] = p.parameters('context', 'u64', 'u32')
    const context = p.stashContext()
    const none = p.label('no-proof')
    const at = p.stash(where)
    const own = fields(serviceOf(p, memory, service))
    // who is challenged for sending too much proves itself, whether the service asks or not
    if (shape.defence?.sources?.new) p.jumpIf(eq(p.load(own.proof), PROOF.off), none)
    else unlessAsked(p, shape, memory, own, { off: none, not: none })
    const { opening, tcp } = readOpening(p, shape, context, p.unstash(at), none)
    const sequence = p.stash(p.toHost(p.load(tcp.sequence)))
    const proves = p.label('proves')
    const differs = (cookie: Val<'u32'>) =>
      p.alu('and', p.alu('xor', cookie, p.unstash(sequence)), COOKIE_MASK)
    p.jumpIf(eq(differs(askCookie(p, cookie, opening, epochNow(p, shape, memory))), 0), proves)
    const before = p.alu('sub', epochNow(p, shape, memory), 1)
    p.jumpIf(ne(differs(askCookie(p, cookie, opening, before)), 0), none)
    p.bind(proves)
    p.callSub(prove, sourceOf(p, shape, opening), p.unstash(opening.isIpv6), tickNow(p, shape, memory))
    p.exitValue(1)
    p.bind(none)
    p.exitValue(0)
  })

/** askProven of the segment's source: 0 where its headers are not there. */
function askProven(
  p: Builder,
  shape: Shape,
  memory: Memory,
  { isProven }: ProvenFunctions,
  segment: { readonly context: StashedContext; readonly where: Val<'u64'> },
  missing: Label,
): Val<'u32'> {
  const { opening } = readOpening(p, shape, segment.context, segment.where, missing)
  return p.callSub(
    isProven,
    sourceOf(p, shape, opening),
    p.unstash(opening.isIpv6),
    tickNow(p, shape, memory),
  )
}

/** wantedFunction: proof-switch.ts, takeSyn. */
const wantedFunction = (shape: Shape, memory: Memory, proven: ProvenFunctions): BuiltFunction =>
  plainFunction('wanted', (p) => {
    const [where, number] = p.parameters('context', 'u64', 'u32')
    const context = p.stashContext()
    const at = p.stash(where)
    const [off, peace, look, admitted] = [
      p.label('proof-off'),
      p.label('peace'),
      p.label('look-up'),
      p.label('admitted'),
    ]
    const kept = p.stashPlace(serviceOf(p, memory, number))
    const service = () => fields(p.unstashPlace(kept))
    const asked = p.slot('u32', 1)
    const before = p.slot('u32')
    countedIn(service())
    p.setSlot(before, p.load(fields(service().unproven).count))
    p.setSlot(asked, 0)
    unlessAsked(p, shape, memory, service(), { off, not: peace })
    p.setSlot(asked, 1)
    p.goto(look)
    // in peace the first of a second are counted whoever they are
    p.bind(peace)
    p.jumpIf(ge(p.unstash(before), p.load(service().below)), look)
    count()
    p.exitValue(0)

    p.bind(look)
    p.jumpIf(ne(askProven(p, shape, memory, proven, { context, where: p.unstash(at) }, off), 0), admitted)
    count()
    const most = p.variable('u32')
    const known = p.label('threshold')
    p.set(most, p.load(service().below))
    p.jumpIf(eq(p.unstash(asked), 1), known)
    p.set(most, p.load(service().above))
    p.bind(known)
    const within = p.label('within')
    p.jumpIf(lt(p.unstash(before), most), within)
    prolong(service())
    p.exitValue(1)
    p.bind(within)
    p.exitValue(p.unstash(asked))
    p.bind(admitted)
    p.exitValue(0)
    p.bind(off)
    p.exitValue(0)

    /** The window that it is begins, where another was counted last. */
    function countedIn({ unproven }: View<(typeof DefenceService)['fields']>): void {
      const { second, count } = fields(unproven)
      const same = p.label('same-window')
      const now = secondNow(p, shape, memory)
      p.jumpIf(eq(p.load(second), now), same)
      p.store(second, now)
      p.store(count, 0)
      p.bind(same)
    }
    function count(): void {
      p.atomicAdd(fields(service().unproven).count, 1)
    }
    /** Written once a tick, not once a packet: all CPUs read it. */
    function prolong({ proofUntil, holdTicks }: View<(typeof DefenceService)['fields']>): void {
      const until = p.alu('add', tickNow(p, shape, memory), p.load(holdTicks))
      const same = p.label('same-until')
      p.jumpIf(eq(p.load(proofUntil), until), same)
      p.store(proofUntil, until)
      p.bind(same)
    }
  })

const standingFunction = (shape: Shape, memory: Memory, proven: ProvenFunctions): BuiltFunction =>
  plainFunction('standing', (p) => {
    const [where] = p.parameters('context', 'u64')
    const context = p.stashContext()
    const missing = p.label('headers-missing')
    p.exitValue(askProven(p, shape, memory, proven, { context, where }, missing))
    p.bind(missing)
    p.exitValue(0)
  })
