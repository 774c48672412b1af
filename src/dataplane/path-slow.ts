// The slow path: frames of any make, step by step, in a function of its own, so that it holds no register of the
// straight path's. What has a flow leaves its facts on the caller's stack and lets it go on where the server is
// chosen; all else is told by its outcome.

import type { Stashed } from '../bpf/emitter.ts'
import type { Outcomes } from '../bpf/exit-builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, be16, eq, lt, ne, type Pointer, part, type Val } from '../bpf/values.ts'
import { answeringFunction, type BuiltFunction } from '../bpf/xdp.ts'
import { type Lender, lend, type Path } from './cell.ts'
import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  Ethernet,
  IP_FRAGMENT,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_UDP,
  Ipv4,
  Ipv6,
  Source6,
  Tags,
  Tcp,
  Udp,
} from './headers.ts'
import { isMixed, lendMatch, matchAddress } from './match.ts'
import { has } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { type Flow, guardProtocol, leastOf, otherHost, type Route } from './path.ts'
import { expiredFunction } from './path-expired.ts'
import { CURSOR, cursorAt, extensionWalk, fragmentOf, nextOf, PLACE, placeOf } from './path-extensions.ts'
import { finishIpv4 } from './path-ipv4.ts'
import { addressWords, finishIpv6, hashIpv6 } from './path-ipv6.ts'
import { quotedIpv4, quotedIpv6 } from './path-quote.ts'
import type { Shape } from './shape.ts'

/** Frame: the packet's start and end. */
export interface Frame {
  readonly data: Pointer
  readonly end: Pointer
}

/** MAX_START: an IP header starts here at most, behind two tags. */
const MAX_START = Ethernet.size + 8

/** parseTags: steps 1 to 3: what type of packet starts where. */
function parseTags(p: Path, { data, end }: Frame) {
  const { eth } = p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, 'short')
  const { tags } = p.checked(data, { eth: Ethernet, tags: Tags })
  const start = p.variable('u32', MAX_START)
  const type = p.variable('be16')
  const [tag, twice, parse] = [p.label('tagged'), p.label('tagged-twice'), p.label('network')]
  p.set(type, p.load(eth.type))
  p.set(start, Ethernet.size)
  p.jumpIf(eq(type, be16(ETH_P_8021Q)), tag)
  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)
  p.bind(tag)
  p.set(type, p.load(tags.type))
  p.set(start, Ethernet.size + 4)
  p.jumpIf(eq(type, be16(ETH_P_8021Q)), twice)
  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)
  p.bind(twice)
  p.set(type, p.load(tags.type2))
  p.set(start, MAX_START)
  p.bind(parse)
  return { eth, start, type }
}

/** portsAt: step 10: the transport header is there, or `truncated`. */
function portsAt(
  p: Path,
  shape: Shape,
  at: Pointer,
  end: Pointer,
  protocol: () => Val<'u8' | 'u32'>,
  truncated: Label,
) {
  const { l4 } = p.headers(at, end, { l4: has(shape, 'udp') ? Udp : Tcp }, truncated)
  if (!isMixed(shape)) return l4.ports
  const enough = p.label('enough')
  p.jumpIf(eq(protocol(), IPPROTO_UDP), enough)
  p.headers(at, end, { l4: Tcp }, truncated)
  p.bind(enough)
  return l4.ports
}

/** Facts: what of a flow the slow path found, on its stack. */
export interface Facts {
  readonly protocol: Stashed<'u32'>
  readonly ports: Stashed<'u32'>
  /** Of IPv4 the client's address; of IPv6 where it is, as if it were a source: from the frame's start. */
  readonly client: Stashed<'u32'>
  readonly least: Stashed<'u32'>
}

/** flowOf: a flow that is told by facts. */
const flowOf = (p: Path, facts: Facts): Flow => ({
  protocol: () => p.unstash(facts.protocol),
  client: () => p.unstash(facts.client),
  ports: () => p.unstash(facts.ports),
  port: () => p.alu('rsh', p.unstash(facts.ports), 16),
  least: () => p.unstash(facts.least),
})

/** Ways: what the families of the slow path have in common. */
interface Common {
  readonly route: Route
  readonly frame: Frame
  readonly start: Stashed<'u32'>
  readonly facts: Facts
  /** Why ports cannot be read: the packet is a fragment, or truncated. */
  readonly isFragment: Stashed<'u32'>
  /** Not 0: the sender is told nothing when TTL or hop limit has run out. */
  readonly isSilent: Stashed<'u32'>
}

/** addressOnly: a packet whose ports cannot be read: dropped where the address is a service's. */
function addressOnly(p: Path, { isFragment }: Common, match: () => void): void {
  match()
  p.exitIf(ne(p.unstash(isFragment), 0), 'fragment')
  p.leave('truncated')
}

function slowIpv4(p: Path, common: Common, network: Pointer): void {
  const { route, frame, facts, isFragment, isSilent } = common
  const { shape, memory } = route
  const { end } = frame
  const { ip } = p.checked(network, { ip: Ipv4 })
  const first = () => p.load(ip.versionIhl)
  const protocol = () => p.load(ip.protocol)
  const size = () => p.alu('lsh', p.alu('and', first(), 15), 2)
  p.exitIf(ne(p.alu('rsh', first(), 4), 4), 'malformed')
  p.exitIf(lt(size(), Ipv4.size), 'malformed')
  if (!has(shape, 4)) {
    guardProtocol(p, shape, protocol(), 'other-protocol')
    p.leave('no-listener')
    return
  }
  const [error, known, unreadable] = [p.label('error'), p.label('flow-known'), p.label('ports-unreadable')]
  const at = p.advance(network, size())
  p.jumpIf(eq(protocol(), IPPROTO_ICMP), error)
  guardProtocol(p, shape, protocol(), 'other-protocol')
  p.setSlot(isFragment, p.constant(1))
  p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), unreadable)
  p.setSlot(isFragment, p.constant(0))
  const ports = portsAt(p, shape, at, end, protocol, unreadable)
  p.setSlot(facts.protocol, p.narrow(p.widen(protocol())))
  p.setSlot(facts.ports, p.load(part(ports, 0, 'u32')))
  p.setSlot(facts.client, p.bits(p.load(ip.source)))
  p.setSlot(facts.least, p.alu('add', size(), leastOf(p, shape, protocol)))
  p.setSlot(isSilent, p.constant(0))
  p.cold(error, () => {
    p.setSlot(isSilent, p.constant(1))
    quotedIpv4(p, shape, facts, ip, { network, at, end })
    p.goto(known)
  })
  p.bind(known)
  finishIpv4(p, route, ip, flowOf(p, facts))
  p.goto(route.join)
  p.bind(unreadable)
  addressOnly(p, common, () =>
    matchAddress(p, shape, memory, { family: 4, place: ip.destination }, 'no-listener'),
  )
}

const startOf = (p: Path, { start }: Common): Val<'u32'> => p.alu('and', p.unstash(start), 31)

/** reread: the frame again, after a call in which no pointer was kept. */
function reread(p: Path, common: Common) {
  const { data, end } = p.packet()
  const network = p.advance(data, startOf(p, common))
  return { data, end, network, ...p.headers(network, end, { ip: Ipv6 }, 'short') }
}

function slowIpv6(p: Path, common: Common): void {
  const { route, facts, isFragment, isSilent } = common
  const { shape, memory } = route
  const walk = extensionWalk()
  const before = reread(p, common)
  p.exitIf(ne(p.alu('rsh', p.load(before.ip.versionClass), 4), 6), 'malformed')
  const first = cursorAt(p, startOf(p, common), Ipv6.size, p.load(before.ip.next))
  const cursor = p.callWide(walk, p.ctx, first)
  const { data, end, ip } = reread(p, common)
  const [error, known, unreadable] = [p.label('error6'), p.label('flow-known6'), p.label('unreadable6')]
  const next = nextOf(p, cursor)
  const place = placeOf(p, cursor)
  const at = p.advance(data, place)
  p.setSlot(facts.protocol, next)
  p.setSlot(isFragment, p.narrow(fragmentOf(p, cursor)))
  p.jumpIf(eq(next, CURSOR.truncated), unreadable)
  p.jumpIf(ne(p.unstash(isFragment), 0), unreadable)
  p.jumpIf(eq(next, IPPROTO_ICMPV6), error)
  const protocol = () => p.unstash(facts.protocol)
  guardProtocol(p, shape, protocol(), 'other-protocol')
  const ports = portsAt(p, shape, at, end, protocol, unreadable)
  p.setSlot(facts.ports, p.load(part(ports, 0, 'u32')))
  p.setSlot(facts.client, startOf(p, common))
  const extensions = p.alu('sub', p.alu('sub', p.narrow(place), startOf(p, common)), Ipv6.size)
  p.setSlot(facts.least, p.alu('add', extensions, leastOf(p, shape, protocol)))
  p.setSlot(isSilent, extensions)
  p.cold(error, () => {
    p.setSlot(isSilent, p.constant(1))
    quotedIpv6(p, shape, facts, { ip, at, end, place, walk, start: () => startOf(p, common) })
    p.goto(known)
  })
  p.bind(known)
  finish()
  p.bind(unreadable)
  addressOnly(p, common, () => {
    const place = reread(p, common).ip.destination
    matchAddress(p, shape, memory, { family: 6, place }, 'no-listener')
  })

  function finish(): void {
    const { data, end, ip } = reread(p, common)
    const client = p.advance(data, p.alu('and', p.unstash(facts.client), PLACE))
    const { who } = p.headers(client, end, { who: Source6 }, 'short')
    const flow = { ...flowOf(p, facts), client: addressWords(p, who.source) }
    // first, as looking an address up in a table takes every register
    hashIpv6(p, route, flow)
    finishIpv6(p, route, ip, flow)
    p.goto(route.join)
  }
}

/**
 * slowPath: steps 1 to 14 for any frame, but for the server: a function (context, the caller's stack at `origin`) that
 * answers an outcome, or lets the caller go on with `main`'s cells set.
 */
export function slowPath(main: Route, origin: number, outcomes: Outcomes<OutcomeName>): BuiltFunction {
  const { shape, memory } = main
  return answeringFunction('slow', outcomes, (p) => {
    const [, pointer] = p.parameters('u64', 'u64')
    const lender: Lender = { pointer, origin }
    const all = shape.jumbo ? p.stash(p.call('xdp_get_buff_len', p.ctx)) : undefined
    const frame = p.packet()
    const { data, end } = frame
    const { eth, start, type } = parseTags(p, frame)
    const network = p.advance(data, start)
    p.headers(network, end, { ip: Ipv4 }, 'short')
    const held = p.stash(p.alu('sub', all ? p.unstash(all) : p.length(data, end), start))
    const route: Route = {
      ...main,
      match: lendMatch(main.match, lender),
      hash: lend(main.hash, lender),
      bytes: lend(main.bytes, lender),
      held: () => p.unstash(held),
      join: p.label('resume'),
      expired: p.label('expired'),
    }
    const common: Common = {
      route,
      frame,
      start: p.slot('u32', MAX_START),
      facts: { protocol: p.slot('u32'), ports: p.slot('u32'), client: p.slot('u32'), least: p.slot('u32') },
      isFragment: p.slot('u32'),
      isSilent: p.slot('u32'),
    }
    const six = p.label('slow-ipv6')
    p.setSlot(common.start, start)
    if (has(shape, 6)) p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
    p.exitIf(ne(type, be16(ETH_P_IP)), 'not-ip')
    otherHost(p, shape, eth)
    slowIpv4(p, common, network)
    if (has(shape, 6)) {
      p.bind(six)
      p.headers(network, end, { ip: Ipv6 }, 'short')
      otherHost(p, shape, eth)
      slowIpv6(p, common)
    }
    p.bind(route.join)
    p.resume()
    p.bind(route.expired)
    p.exitIf(ne(p.unstash(common.isSilent), 0), 'ttl')
    p.leaveAs(p.callSub(expiredFunction(shape, memory, outcomes), p.ctx, startOf(p, common)))
  })
}
