// Whether a listener's packet is let in, before its server is chosen (docs/packet-path.md, D). Its idea: what an
// established flow sends has nothing to fear as a rule, so it is told apart by a bit that the parsing leaves and by two
// words that say whether anybody is listed or banned at all; all else is asked about, in a function of its own.
//
//   choose ── a flag of OPENING, or something listed ──> admit ── 0 ──> its slot's server
//                                                          └── an outcome
//
//   (struct xdp_md *, where its headers are, service) -> an outcome, or 0

import type { StashedContext } from '../bpf/builder.ts'
import type { Outcomes } from '../bpf/exit-builder.ts'
import type { Bytes } from '../bpf/types.ts'
import { anyBits, eq, fields, isVal, ne, type Place, part, type Val } from '../bpf/values.ts'
import { answeringFunction, type BuiltFunction } from '../bpf/xdp.ts'
import { asksOf, OPENING } from './admit-asks.ts'
import { type Cell, type CellKind, type Home, move, type Path, take } from './cell.ts'
import { LIST } from './defence-memory.ts'
import { Ethernet, IPPROTO_UDP, Tcp, Udp } from './headers.ts'
import { isMixed } from './match.ts'
import { has, type Memory } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import type { Route } from './path.ts'
import { type Admitting, flowSteps, knowingOf, limitsOf, transportOf } from './path-admit-flows.ts'
import { askLists } from './path-lists.ts'
import { proofOf } from './path-proof.ts'
import type { Recording } from './path-record.ts'
import { askRules } from './path-rules.ts'
import type { Frame } from './path-slow.ts'
import { WHERE, whereIs } from './path-where.ts'
import type { Shape } from './shape.ts'

/** ASK_SHIFT: how far flags of OPENING are to the left in the cell that says where headers are. */
const ASK_SHIFT = 23

/**
 * straightWhere: the cell's value for a packet of the straight path; with a defence, bits of WHERE.asks where it is asked
 * about, and WHERE.udp where the shape has both protocols. A TCP header begins with the ports, and is there where the
 * shape has TCP.
 */
export function straightWhere(
  p: Path,
  shape: Shape,
  headers: { readonly network: number; readonly transport: number },
  protocol: () => Val<'u8' | 'u32'>,
  ports: Place<Bytes<4>>,
): Val<'u64'> | number {
  const where = whereIs(headers.network, headers.transport)
  if (!shape.defence) return where
  const asks = asksOf(shape.defence)
  const ofTcp = (): Val<'u64'> | number => {
    if (asks.tcp === 'all') return where | WHERE.ask
    const flags = p.load({ ...ports, offset: ports.offset + Tcp.offsets.flags, type: 'u8' as const })
    return p.widen(p.alu('or', p.alu('lsh', p.alu('and', flags, OPENING), ASK_SHIFT), where))
  }
  const ofUdp = where | (asks.udp ? WHERE.ask : 0)
  if (!isMixed(shape)) return has(shape, 'tcp') ? ofTcp() : ofUdp
  const known = p.label('asks-known')
  const value = p.variable('u64')
  p.set(value, ofUdp | WHERE.udp)
  p.jumpIf(eq(protocol(), IPPROTO_UDP), known)
  p.set(value, ofTcp())
  p.bind(known)
  return value
}

/** askAdmit: step 14 comes after it: who is not let in leaves by the outcome. The frame begins at `data`. */
export function askAdmit(
  p: Path,
  { register: route, stack }: Readonly<Record<Home, Route>>,
  { admit, remember }: { readonly admit: BuiltFunction; readonly remember: BuiltFunction },
  context: StashedContext,
  { data }: Frame,
): void {
  const { memory, match, where } = route
  const { settings } = p.memory(memory.defence!.settings)
  const [asked, admitted] = [p.label('admit'), p.label('admitted')]
  p.jumpIf(anyBits(take(p, where!) as Val<'u64'>, WHERE.asks), asked)
  // `listed` and `banned` as one word
  p.jumpIf(ne(p.load({ ...fields(settings).listed, type: 'u64' as const }), 0), asked)
  p.cold(asked, () => {
    // nothing lives in registers across the call: all of them are needed
    const back = [
      keep(p, match.base, stack.match.base),
      keep(p, match.slots, stack.match.slots),
      keep(p, route.hash, stack.hash),
      keep(p, route.bytes, stack.bytes),
    ]
    const service = take(p, match.service)
    const code = p.callSub(
      admit,
      p.contextOf(context),
      take(p, where!) as Val<'u64'>,
      isVal(service as Val) ? (service as Val<'u32'>) : p.constant(service as number),
    )
    p.exitIf(ne(code, 0), () => p.leaveAs(code))
    // F2: whoever follows a first fragment that was not let in finds nothing
    const [first, whole] = [p.label('let-in-first'), p.label('let-in')]
    const at = take(p, where!) as Val<'u64'>
    p.jumpIf(anyBits(at, WHERE.first), first)
    p.cold(first, () => {
      const { data, end } = p.packet(p.contextOf(context))
      const { l4 } = p.headers(transportOf(p, data, at), end, { l4: Udp }, whole)
      p.callSub(remember, p.alu('rsh', at, WHERE.ports), p.widen(p.load(part(l4.ports, 0, 'u32'))))
      p.goto(whole)
    })
    p.bind(whole)
    for (const bring of back) bring()
    const frame = p.packet(p.contextOf(context))
    p.headers(frame.data, frame.end, { eth: Ethernet }, 'short')
    p.setPointer(data, frame.data)
    p.goto(admitted)
  })
  p.bind(admitted)
}

/** keep a cell's register where the ways behind the straight one have the same, which are over; gives what brings it back. */
function keep<K extends CellKind>(p: Path, cell: Cell<K>, spare: Cell<K>): () => void {
  if (typeof cell === 'number' || !('reg' in cell)) return () => {}
  move(p, cell, spare)
  return () => move(p, spare, cell)
}

/** admitFunction of a shape with a defence. */
export function admitFunction(
  shape: Shape,
  memory: Memory,
  outcomes: Outcomes<OutcomeName>,
  recording: Recording | undefined,
): BuiltFunction {
  const { rules, sources } = shape.defence!
  const proof = has(shape, 'tcp') && shape.defence!.proof ? proofOf(shape, memory) : undefined
  const limits = sources && limitsOf(shape, memory)
  const known = has(shape, 'udp') && shape.defence!.known ? knowingOf(shape, memory) : undefined
  return answeringFunction('admit', outcomes, (p) => {
    const taken = p.parameters('context', 'u64', 'u32')
    const kept = { where: p.stash(taken[0]), service: p.stash(taken[1]) }
    const allowed = p.slot('u32')
    const admitting: Admitting = {
      shape,
      memory,
      where: () => p.unstash(kept.where),
      service: () => p.alu('and', p.unstash(kept.service), memory.serviceCapacity - 1),
      isAllowed: () => p.unstash(allowed),
    }
    const { where, service } = admitting
    const settings = () => fields(p.memory(memory.defence!.settings).settings)
    const [listing, unlisted] = [p.label('listing'), p.label('unlisted')]
    const [banning, passes, admitted] = [p.label('banning'), p.label('not-banned'), p.label('admitted')]
    /** Who is asked about for lists and bans alone goes on; the others fall out. */
    const leaveUnasked = (): void => {
      const asked = p.label('asks')
      p.jumpIf(anyBits(where(), WHERE.asks), asked)
      p.resume()
      p.bind(asked)
    }

    p.setSlot(allowed, 0)
    p.jumpIf(ne(p.load(settings().tries), 0), listing)
    p.cold(listing, () => {
      askLists(p, shape, memory, where(), allowed)
      const [says, isSaid] = [p.unstash(allowed), p.label('listed')]
      p.exitIf(eq(says, LIST.deny), 'denied')
      p.exitIf(eq(says, LIST.ban), 'banned')
      p.jumpIf(ne(says, 0), isSaid)
      p.exitIf(ne(p.load(settings().only), 0), 'denied')
      p.bind(isSaid)
      if (limits?.banned) p.jumpIf(ne(p.load(settings().banned), 0), unlisted)
      leaveUnasked()
      p.goto(unlisted)
    })
    p.bind(unlisted)
    if (limits?.banned) {
      const { source, banned } = limits
      p.jumpIf(ne(p.load(settings().banned), 0), banning)
      p.cold(banning, () => {
        const free = p.label('free')
        p.jumpIf(ne(p.unstash(allowed), 0), free)
        p.exitIf(ne(p.callSub(banned, p.callWide(source, p.ctx, where())), 0), 'banned')
        p.bind(free)
        leaveUnasked()
        p.goto(passes)
      })
      p.bind(passes)
    }
    if (rules.length > 0) askRules(p, { shape, memory, recording, where, service })
    const challenge = p.label('challenge')
    const asks = proof && { ...proof, challenge }
    if (has(shape, 'tcp') || sources?.udp || known)
      flowSteps(p, admitting, { limits, proof: asks, known }, admitted)
    p.bind(admitted)
    p.resume()
    // behind all that goes on, as the packet is another one then
    if (!proof) return
    p.bind(challenge)
    p.exitIf(ne(p.callSub(proof.challenge, p.ctx, where()), 0), 'challenged')
    p.leave('short')
  })
}
