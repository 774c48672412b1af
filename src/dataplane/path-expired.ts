// Time exceeded: what the sender of a packet is told whose TTL or hop limit has run out, as LVS does (decrement_ttl in
// net/netfilter/ipvs/ip_vs_xmit.c), so that a traceroute to a service ends at it. A function of its own, called for
// packets that are for a listener, no error and no fragment. The message is made around the packet: headers are put in
// before what is quoted. It comes from the service address, as the kernel would send it (icmp_send, icmp6_send: the
// address that the packet was for, where it is the node's).
//
//   [ Ethernet and tags | IP | transport ... ]
//   [ Ethernet and tags | IP, ICMP, 8 bytes | IP | 8 bytes ]          IPv4 (RFC 792)
//   [ Ethernet and tags | IPv6, ICMPv6, 8 bytes | IPv6 | all of it ]  IPv6 (RFC 4443 3.3)
//
// The IPv6 packet is not summed: a sound segment takes away, by its own checksum, all that is behind the header and some
// of the header too. A message about one that is not sound is not sound either, and nobody takes it.

import type { Outcomes } from '../bpf/exit-builder.ts'
import { bytes, wire } from '../bpf/types.ts'
import { anyBits, eq, ge, gt, ne, type Pointer, part, type Val } from '../bpf/values.ts'
import { answeringFunction, type BuiltFunction } from '../bpf/xdp.ts'
import type { Path } from './cell.ts'
import { Icmp, IPPROTO_ICMP, IPPROTO_ICMPV6, Ipv4, Ipv6, Udp } from './headers.ts'
import { has, type Memory } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import { countersOfCpu, macWord } from './path.ts'
import { atMost } from './path-clock.ts'
import type { Shape } from './shape.ts'

/** EXCEEDED_PER_SECOND: of so many packets a CPU tells the senders in a second. */
export const EXCEEDED_PER_SECOND = 100
/** QUOTED: IPv6's minimum MTU less the headers before the quote: longer packets would not be quoted whole. */
const QUOTED = 1_280 - Ipv6.size - Icmp.size
/** Link: Ethernet as far as it may go: both MACs, two tags, a type. */
const Link = wire('link', { dst: bytes(6), src: bytes(6), types: bytes(10) })
/** Message4: a whole message. Message6: up to the part that a sound segment takes away. */
const Message4 = wire('message4', {
  ip: bytes(20),
  icmp: bytes(Icmp.size),
  quoted: bytes(20),
  rest: bytes(Udp.size),
})
const Message6 = wire('message6', {
  start: bytes(8),
  addresses: bytes(32),
  icmp: bytes(Icmp.size),
  quoted: bytes(8),
  addressesQuoted: bytes(32),
}) // prettier-ignore

/** PUT: bytes put in before the quoted packet. */
const PUT = { 4: Ipv4.size + Icmp.size, 6: Ipv6.size + Icmp.size } as const
/** In words as the machine reads them. An IPv4 header's start: version, IHL, precedence 6 (RFC 1812 4.3.2.5), length. */
const IPV4 = [0xc045 | ((Message4.size << 8) << 16), 0x0040_0000, (IPPROTO_ICMP << 8) | 64] as const
/** An IPv6 header's version; next header and hop limit 64. */
const IPV6 = { version: 0x60, hops: (64 << 8) | IPPROTO_ICMPV6 } as const
/** ICMP_TIME_EXCEEDED (11), ICMPV6_TIME_EXCEED (3); code 0. */
const TIME_EXCEEDED = { 4: 11, 6: 3 } as const

/** fold a sum of 32 bits to a checksum. */
function fold(p: Path, sum: Val<'u32'>): Val<'u32'> {
  const once = p.alu('add', p.alu('and', sum, 0xffff), p.alu('rsh', sum, 16))
  const twice = p.alu('add', once, p.alu('rsh', once, 16))
  return p.alu('xor', twice, 0xffff)
}

/** checkIpv4: a source that means one host (RFC 1122 3.2.2), and an IPv4 header without options. */
function checkIpv4(p: Path, network: Pointer): void {
  const { ip } = p.checked(network, { ip: Ipv4 })
  p.exitIf(ne(p.load(ip.versionIhl), 0x45), 'ttl')
  const first = p.load({ ...ip.source, type: 'u8' })
  p.exitIf(eq(first, 0), 'ttl')
  p.exitIf(eq(first, 127), 'ttl')
  p.exitIf(ge(first, 224), 'ttl')
}

/** checkIpv6: the same (RFC 4443 2.4 e), and a packet that ends with the frame and is quoted whole. */
function checkIpv6(p: Path, network: Pointer, end: Pointer, held: Val<'u64'>): void {
  const { ip } = p.headers(network, end, { ip: Ipv6 }, 'ttl')
  p.exitIf(eq(p.load(part(ip.source, 0, 'u8')), 0xff), 'ttl')
  p.exitIf(eq(p.load(part(ip.source, 0, 'u64')), 0), 'ttl')
  const said = p.alu('add', p.widen(p.toHost(p.load(ip.length))), Ipv6.size)
  p.exitIf(ne(said, held), 'ttl')
  p.exitIf(gt(held, QUOTED), 'ttl')
}

/** writeIpv4: the message's headers before the quoted one. */
function writeIpv4(p: Path, network: Pointer, end: Pointer): void {
  const { m } = p.headers(network, end, { m: Message4 }, 'ttl')
  for (const [at, word] of IPV4.entries()) p.store(part(m.ip, 4 * at, 'u32'), word)
  p.store(part(m.ip, 12, 'u32'), p.load(part(m.quoted, 16, 'u32')))
  p.store(part(m.ip, 16, 'u32'), p.load(part(m.quoted, 12, 'u32')))
  p.storeLow(part(m.ip, 10, 'u16'), fold(p, p.csumDiff('nothing', m.ip, 0)))
  p.store(part(m.icmp, 0, 'u32'), TIME_EXCEEDED[4])
  p.store(part(m.icmp, 4, 'u32'), 0)
  const summed = { ...m.icmp, type: bytes(Icmp.size + Ipv4.size + Udp.size) }
  p.storeLow(part(m.icmp, 2, 'u16'), fold(p, p.csumDiff('nothing', summed, 0)))
}

/** writeIpv6: the same. Its payload is `held` bytes and the ICMPv6 header. */
function writeIpv6(p: Path, network: Pointer, end: Pointer, held: Val<'u64'>): void {
  const { m } = p.headers(network, end, { m: Message6 }, 'ttl')
  const payload = p.alu('add', held, Icmp.size)
  p.store(part(m.start, 0, 'u32'), IPV6.version)
  p.storeLow(part(m.start, 4, 'u8'), p.alu('rsh', payload, 8))
  p.storeLow(part(m.start, 5, 'u8'), payload)
  p.store(part(m.start, 6, 'u16'), IPV6.hops)
  for (const half of [0, 8]) {
    p.store(part(m.addresses, half, 'u64'), p.load(part(m.addressesQuoted, 16 + half, 'u64')))
    p.store(part(m.addresses, 16 + half, 'u64'), p.load(part(m.addressesQuoted, half, 'u64')))
  }
  p.store(part(m.icmp, 0, 'u32'), TIME_EXCEEDED[6])
  p.store(part(m.icmp, 4, 'u32'), 0)
  // of the quoted packet the first word is left, next header and hop limit, and a protocol too much; 256 times a number
  // is, in such a sum, the number in wire order
  const next = p.load(part(m.quoted, 6, 'u8'))
  const taken = p.alu('xor', p.alu('lsh', next, 8), 0xffff)
  let sum = p.alu('add', p.widen(p.load(part(m.quoted, 0, 'u32'))), p.load(part(m.quoted, 6, 'u16')))
  sum = p.alu(
    'add',
    p.alu('add', sum, p.widen(taken)),
    p.alu('lsh', p.alu('add', payload, IPPROTO_ICMPV6), 8),
  )
  const seed = p.narrow(p.alu('add', p.alu('and', sum, 0xffff), p.alu('rsh', sum, 16)))
  const summed = { ...m.addresses, type: bytes(32 + Icmp.size) }
  p.storeLow(part(m.icmp, 2, 'u16'), fold(p, p.csumDiff('nothing', summed, seed)))
}

/** writeLink: back to where the packet came from, whose own link header is at `old`; tags stay as they were. */
function writeLink(p: Path, { mac }: Shape, data: Pointer, old: Pointer, end: Pointer): void {
  const { was } = p.headers(old, end, { was: Link }, 'ttl')
  const { link } = p.headers(data, end, { link: Link }, 'ttl')
  p.copy(link.dst, was.src)
  p.store(part(link.src, 0, 'u32'), macWord(mac, 0))
  p.store(part(link.src, 4, 'u16'), macWord(mac, 4))
  p.copy(link.types, was.types)
}

/** expiredFunction: a function (context, where the IP header is) that answers `time-exceeded` or `ttl`. */
export function expiredFunction(
  shape: Shape,
  memory: Memory,
  outcomes: Outcomes<OutcomeName>,
): BuiltFunction {
  const [four, six] = [has(shape, 4), has(shape, 6)]
  return answeringFunction('expired', outcomes, (p) => {
    const [passed] = p.parameters('context', 'u32')
    const kept = p.stash(p.alu('and', passed, 31))
    const start = () => p.alu('and', p.unstash(kept), 31)
    atMost(p, shape, memory, countersOfCpu(p, shape, memory).exceeded, EXCEEDED_PER_SECOND, 'ttl')
    const all = shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined
    const { data, end } = p.packet()
    const held = p.stash(p.alu('sub', all ?? p.length(data, end), start()))
    // everybody whom a group's MAC means would get the message
    const { link } = p.headers(data, end, { link: Link }, 'ttl')
    p.exitIf(anyBits(p.load(part(link.src, 0, 'u8')), 1), 'ttl')

    // what is quoted is as long as what is put in before it, or the whole packet
    const put = p.slot('u64', PUT[6])
    const quoted = p.slot('u64')
    const [wide, checked, writeWide] = [p.label('expired-ipv6'), p.label('expired'), p.label('write-ipv6')]
    const network = p.advance(data, start())
    p.setSlot(put, PUT[four ? 4 : 6])
    p.setSlot(quoted, four ? p.unstash(put) : p.unstash(held))
    if (four) {
      const { ip } = p.headers(network, end, { ip: Ipv4 }, 'ttl')
      if (six) p.jumpIf(eq(p.alu('rsh', p.load(ip.versionIhl), 4), 6), wide)
      checkIpv4(p, network)
      if (six) p.goto(checked)
    }
    if (six) {
      p.bind(wide)
      checkIpv6(p, network, end, p.unstash(held))
      if (four) {
        p.setSlot(put, PUT[6])
        p.setSlot(quoted, p.unstash(held))
      }
    }
    p.bind(checked)
    p.adjustTail(p.alu('sub', p.unstash(quoted), p.unstash(held)), 'ttl')
    p.adjustHead(p.alu('sub', p.const64(0n), p.unstash(put)), 'ttl')

    const frame = p.packet()
    const size = p.alu('and', p.unstash(put), 63)
    writeLink(p, shape, frame.data, p.advance(frame.data, size), frame.end)
    const message = p.advance(frame.data, start())
    if (four && six) p.jumpIf(eq(size, PUT[6]), writeWide)
    if (four) {
      writeIpv4(p, message, frame.end)
      p.leave('time-exceeded')
    }
    if (six) {
      p.bind(writeWide)
      writeIpv6(p, message, frame.end, p.unstash(held))
      p.leave('time-exceeded')
    }
  })
}
