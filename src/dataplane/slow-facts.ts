// What the two families of the slow path have in common: facts of a packet on the function's stack, the transport header,
// fragments (docs/packet-path.md, F), packets whose ports cannot be read.

import type { Stashed } from '../bpf/emitter.ts'
import { Label } from '../bpf/isa.ts'
import { eq, gt, type Pointer, part, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import type { Path } from './cell.ts'
import { IPPROTO_UDP, Tcp, Udp } from './headers.ts'
import { isMixed } from './match.ts'
import { has } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { type Flow, guardProtocol, type Route } from './path.ts'
import { putWhere, WHERE, whereAt } from './path-where.ts'
import type { Shape } from './shape.ts'

/** Facts: what of a flow the slow path found. */
export interface Facts {
  readonly protocol: Stashed<'u32'>
  readonly ports: Stashed<'u32'>
  /** Of IPv4 the client's address; of IPv6 where it is, as if it were a source: from the frame's start. */
  readonly client: Stashed<'u32'>
  readonly least: Stashed<'u32'>
  /** Where the IP header is. */
  readonly start: Stashed<'u32'>
  /** Where the transport header is; with `peek` an IP header whose source is the client's, or would be one. */
  readonly at: Stashed<'u32'>
  /** WHERE.peek for what only belongs to a flow; where the shape has a defence WHERE.ask, and WHERE.first of a first fragment. */
  readonly peek: Stashed<'u32'>
  /** Not 0: the sender is told nothing when TTL or hop limit has run out. */
  readonly isSilent: Stashed<'u32'>
  /** Not 0: a first fragment, to be remembered by `fragment`, its hash. */
  readonly isFirst: Stashed<'u32'>
  readonly fragment: Stashed<'u64'>
  /** Why ports cannot be read: WHY. */
  readonly why: Stashed<'u32'>
}

/** Slow: what a family's part of the slow path works with. */
export interface Slow {
  readonly route: Route
  readonly facts: Facts
  /** Recalls a first fragment's ports by its hash. */
  readonly recall: BuiltFunction
  /** A later fragment, whose ports are not known; and such a one that is for no listener. */
  readonly hold: Label
  readonly stray: OutcomeName | Label
}

/**
 * WHY ports cannot be read: the frame ends before; the packet is a fragment that should have them, or must not be there;
 * they are in none that came; nobody can tell in which they are.
 */
export const WHY = { truncated: 0, tiny: 1, later: 2, stray: 3 } as const

/** MAX_START: an IP header starts here at most, behind two tags. */
export const MAX_START = 22
/** startOf: where the IP header is. */
export const startOf = (p: Path, { start }: Facts): Val<'u32'> => p.unstash(start)

/** askOf: on this way, whoever is a listener's is asked about. */
const askOf = ({ defence }: Shape): number => (defence ? WHERE.ask : 0)

/** makeFacts: slots on the stack. `isFirst` and `isSilent` are set where nothing else is known. */
export function makeFacts(p: Path, shape: Shape): Facts {
  const facts: Facts = {
    protocol: p.slot('u32'),
    ports: p.slot('u32'),
    client: p.slot('u32'),
    least: p.slot('u32'),
    start: p.slot('u32', 31),
    at: p.slot('u32'),
    peek: p.slot('u32'),
    isSilent: p.slot('u32'),
    isFirst: p.slot('u32'),
    fragment: p.slot('u64'),
    why: p.slot('u32'),
  }
  for (const slot of [facts.isSilent, facts.isFirst, facts.why, facts.ports, facts.at]) p.setSlot(slot, 0)
  p.setSlot(facts.peek, askOf(shape))
  p.setSlot(facts.fragment, 0)
  return facts
}

/** flowOf: the flow that facts tell; of IPv6 without the client. */
export const flowOf = (p: Path, facts: Facts): Flow => ({
  protocol: () => p.unstash(facts.protocol),
  client: () => p.unstash(facts.client),
  ports: () => p.unstash(facts.ports),
  port: () => p.alu('rsh', p.unstash(facts.ports), 16),
  least: () => p.unstash(facts.least),
  where: () =>
    whereAt(p, startOf(p, facts), p.unstash(facts.at), {
      protocol: p.unstash(facts.protocol),
      ports: p.unstash(facts.ports),
      peek: p.unstash(facts.peek),
    }),
})

/** readPorts: step 10: the transport header is there, or `truncated`. */
export function readPorts(p: Path, shape: Shape, facts: Facts, at: Pointer, end: Pointer, truncated: Label) {
  const { l4 } = p.headers(at, end, { l4: has(shape, 'udp') ? Udp : Tcp }, truncated)
  if (isMixed(shape)) {
    const enough = p.label('enough')
    p.jumpIf(eq(p.unstash(facts.protocol), IPPROTO_UDP), enough)
    p.headers(at, end, { l4: Tcp }, truncated)
    p.bind(enough)
  }
  p.setSlot(facts.ports, p.load(part(l4.ports, 0, 'u32')))
}

/** Ways on for a fragment: the first has ports; a later one's flow is known; its ports cannot be read. */
export interface FragmentWays {
  readonly first: Label
  readonly known: Label
  readonly unreadable: Label
}

/**
 * followFirst: F1 to F3 for a fragment at `units` of 8 bytes, whose hash and protocol are among the facts: the first is
 * as any packet, but that nobody hears of its TTL; a later one gets the ports of its first.
 */
export function followFirst(
  p: Path,
  { route, facts, recall }: Slow,
  units: Val<'u32'>,
  { first, known, unreadable }: FragmentWays,
): void {
  const { shape } = route
  p.setSlot(facts.isSilent, 1)
  p.setSlot(facts.isFirst, 1)
  if (shape.defence) p.setSlot(facts.peek, WHERE.ask | WHERE.first)
  p.setSlot(facts.why, WHY.tiny)
  p.jumpIf(eq(units, 0), first)
  p.setSlot(facts.isFirst, 0)
  guardProtocol(p, shape, p.unstash(facts.protocol), 'other-protocol')
  if (has(shape, 'tcp')) {
    // the first bytes of a TCP header must not be overwritten by a later fragment (RFC 1858, RFC 3128)
    const behind = p.label('behind-header')
    p.jumpIf(gt(units, (Tcp.size - 1) >> 3), behind)
    if (has(shape, 'udp')) p.jumpIf(eq(p.unstash(facts.protocol), IPPROTO_UDP), behind)
    p.goto(unreadable)
    p.bind(behind)
  }
  p.setSlot(facts.why, WHY.later)
  const ports = p.callSub(recall, p.unstash(facts.fragment))
  p.setSlot(facts.ports, ports)
  p.jumpIf(eq(ports, 0), unreadable)
  belongs(p, route, facts, () => startOf(p, facts))
  p.goto(known)
}

/** belongs: the packet only belongs to the flow, whose client's address is a source of what is at `client`. */
export function belongs(p: Path, { shape, where }: Route, facts: Facts, client: () => Val<'u32'>): void {
  if (!where) return
  p.setSlot(facts.peek, WHERE.peek | askOf(shape))
  p.setSlot(facts.at, client())
}

/** tellWhere: with nat, whoever turns answers back is told where headers are before it is known that there is no listener. */
export function tellWhere(p: Path, route: Route, flow: Flow): Route {
  if (!route.where || !(route.unserved instanceof Label)) return route
  putWhere(p, route.where, flow.where())
  return { ...route, where: undefined }
}

/** addressOnly: a packet whose ports cannot be read: dropped where the address is a service's, which `match` finds out. */
export function addressOnly(
  p: Path,
  { route, facts, hold, stray }: Slow,
  match: (none: OutcomeName | Label) => void,
): void {
  match(stray)
  const why = p.unstash(facts.why)
  p.exitIf(eq(why, WHY.tiny), 'tiny-fragment')
  p.jumpIf(eq(why, WHY.later), hold)
  if (has(route.shape, 6)) p.exitIf(eq(why, WHY.stray), 'fragment')
  p.leave('truncated')
}
