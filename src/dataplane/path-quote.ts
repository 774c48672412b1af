// ICMP and ICMPv6 errors about a flow of ours (RFC 792, RFC 4443 3): they quote what a server answered, so the service
// is the quoted source and the client the quoted destination. What is no error, or quotes nothing of ours, is passed.
// Quoted errors are none of ours, as ICMP is no listener's protocol; RFC 1122 3.2.2 forbids them, too.

import { anyBits, be16, eq, gt, lt, ne, type Pointer, part, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import type { Path } from './cell.ts'
import { ICMP_ERRORS, Icmp, IP_FRAGMENT, IP_OFFSET, Ipv4, Ipv6, Source6, Udp } from './headers.ts'
import { guardProtocol } from './path.ts'
import { cursorAt, nextOf, placeOf } from './path-extensions.ts'
import type { Ipv4View } from './path-ipv4.ts'
import type { Ipv6View } from './path-ipv6.ts'
import type { Shape } from './shape.ts'
import type { Facts } from './slow-facts.ts'

/** swapped: source and destination port in each other's place: an answer's as its request's. */
const swapped = (p: Path, ports: Val<'u32'>): Val<'u32'> =>
  p.alu('or', p.alu('lsh', ports, 16), p.alu('rsh', ports, 16))

/** Where an IP header, what is behind it and the frame's end are. */
interface Places {
  readonly network: Pointer
  readonly at: Pointer
  readonly end: Pointer
}

/** quotedIpv4: the flow that an ICMP packet is about, into the facts; else `other-protocol`. */
export function quotedIpv4(
  p: Path,
  shape: Shape,
  facts: Facts,
  ip: Ipv4View,
  { network, at, end }: Places,
): void {
  p.exitIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), 'other-protocol')
  const { icmp, quoted } = p.headers(at, end, { icmp: Icmp, quoted: Ipv4 }, 'other-protocol')
  const error = p.label('is-error')
  const [unreachable, exceeded, parameter] = ICMP_ERRORS
  const type = p.load(icmp.type)
  p.jumpIf(eq(type, unreachable), error)
  p.jumpIf(eq(type, exceeded), error)
  p.exitIf(ne(type, parameter), 'other-protocol')
  p.bind(error)
  const first = () => p.load(quoted.versionIhl)
  const size = () => p.alu('lsh', p.alu('and', first(), 15), 2)
  p.exitIf(ne(p.alu('rsh', first(), 4), 4), 'other-protocol')
  p.exitIf(lt(size(), Ipv4.size), 'other-protocol')
  p.exitIf(anyBits(p.load(quoted.fragment), be16(IP_OFFSET)), 'other-protocol')
  p.exitIf(ne(p.load(quoted.source), p.load(ip.destination)), 'other-protocol')
  const protocol = p.load(quoted.protocol)
  guardProtocol(p, shape, protocol, 'other-protocol')
  p.setSlot(facts.protocol, p.narrow(p.widen(protocol)))
  p.setSlot(facts.client, p.bits(p.load(quoted.destination)))
  const upper = p.advance(p.advance(at, Icmp.size), size())
  const { l4 } = p.headers(upper, end, { l4: Udp }, 'other-protocol')
  p.setSlot(facts.ports, swapped(p, p.load(part(l4.ports, 0, 'u32'))))
  p.setSlot(facts.least, p.alu('add', p.narrow(p.length(network, upper)), Udp.size))
}

/** Quoting6: an ICMPv6 packet: its IP header and start, where it is itself, the frame's end, and the walk. */
interface Quoting6 {
  readonly ip: Ipv6View
  readonly at: Pointer
  readonly end: Pointer
  readonly place: Val<'u64'>
  readonly walk: BuiltFunction
  readonly start: () => Val<'u32'>
}

/** quotedIpv6: the same of an ICMPv6 packet. */
export function quotedIpv6(
  p: Path,
  shape: Shape,
  facts: Facts,
  { ip, at, end, place, walk, start }: Quoting6,
): void {
  const { icmp, quoted } = p.headers(at, end, { icmp: Icmp, quoted: Ipv6 }, 'other-protocol')
  // 1 to 4 are the errors that are known
  p.exitIf(gt(p.alu('sub', p.load(icmp.type), 1), 3), 'other-protocol')
  p.exitIf(ne(p.alu('rsh', p.load(quoted.versionClass), 4), 6), 'other-protocol')
  for (const half of [0, 8])
    p.exitIf(
      ne(p.load(part(quoted.source, half, 'u64')), p.load(part(ip.destination, half, 'u64'))),
      'other-protocol',
    )
  const header = p.alu('add', p.narrow(place), Icmp.size)
  // the client is the quoted destination, which lies where a source would lie, 16 bytes further on
  p.setSlot(facts.client, p.alu('add', header, Source6.fields.source.count))
  const cursor = p.callWide(walk, p.ctx, cursorAt(p, header, Ipv6.size, p.load(quoted.next)))
  p.setSlot(facts.protocol, nextOf(p, cursor))
  guardProtocol(p, shape, p.unstash(facts.protocol), 'other-protocol')
  const frame = p.packet()
  const upper = placeOf(p, cursor)
  const { l4 } = p.headers(p.advance(frame.data, upper), frame.end, { l4: Udp }, 'other-protocol')
  p.setSlot(facts.ports, swapped(p, p.load(part(l4.ports, 0, 'u32'))))
  const payload = p.alu('sub', p.alu('sub', p.narrow(upper), start()), Ipv6.size)
  p.setSlot(facts.least, p.alu('add', payload, Udp.size))
}
