// Headers as the packet path reads them: RFC 791, RFC 8200, RFC 9293, RFC 768, IEEE 802.3.

import { bytes, wire } from '../bpf/types.ts'

export const Ethernet = wire('ethernet', { dst: bytes(6), src: bytes(6), type: 'be16' })
/** Tags: what follows the first type of a tagged frame: inner type, or a second tag and its type (802.1Q, 802.1ad). */
export const Tags = wire('tags', { tci: 'be16', type: 'be16', tci2: 'be16', type2: 'be16' })
export const Ipv4 = wire('ipv4', {
  versionIhl: 'u8',
  tos: 'u8',
  length: 'be16',
  id: 'be16',
  fragment: 'be16',
  ttl: 'u8',
  protocol: 'u8',
  checksum: 'u16',
  source: 'be32',
  destination: 'be32',
}) // prettier-ignore
/** Ipv6: RFC 8200 3. Addresses are bytes, read in words of 32 or 64 bits. */
export const Ipv6 = wire('ipv6', {
  versionClass: 'u8',
  classLabel: bytes(3),
  length: 'be16',
  next: 'u8',
  hopLimit: 'u8',
  source: bytes(16),
  destination: bytes(16),
}) // prettier-ignore
/** Source4, Source6: IP headers as far as their source goes. */
export const Source4 = wire('source4', { before: bytes(12), source: 'be32' })
export const Source6 = wire('source6', { before: bytes(8), source: bytes(16) })
/** Extension: the first 8 bytes of an extension header (RFC 8200 4); `fragment` where it is a fragment header. */
export const Extension = wire('extension', { next: 'u8', length: 'u8', fragment: 'be16', rest: bytes(4) })
/** Tcp: source and destination port are read together or apart; the last 6 bytes are window, checksum, urgent pointer. */
export const Tcp = wire('tcp', {
  ports: bytes(4),
  sequence: 'be32',
  acknowledgment: 'be32',
  offset: 'u8',
  flags: 'u8',
  rest: bytes(6),
}) // prettier-ignore
/** Ports: what TCP and UDP begin with. */
export const Ports = wire('ports', { source: 'be16', destination: 'be16' })
/** Udp: what TCP has too comes first. */
export const Udp = wire('udp', { ports: bytes(4), lengthChecksum: bytes(4) })

/** TCP_*: flags of a segment (RFC 9293 3.1). */
export const TCP_FIN = 0x01
export const TCP_SYN = 0x02
export const TCP_RST = 0x04
export const TCP_ACK = 0x10
/** Icmp: of ICMP and ICMPv6 (RFC 792, RFC 4443): an error quotes the packet that it is about behind it. */
export const Icmp = wire('icmp', { type: 'u8', code: 'u8', checksum: 'u16', rest: bytes(4) })

export const ETH_P_IP = 0x0800
export const ETH_P_IPV6 = 0x86dd
export const ETH_P_8021Q = 0x8100
export const ETH_P_8021AD = 0x88a8
export const IPPROTO_TCP = 6
export const IPPROTO_UDP = 17
export const IPPROTO_ICMP = 1
export const IPPROTO_ICMPV6 = 58
/** ICMP_ERRORS: destination unreachable, time exceeded, parameter problem; source quench is deprecated (RFC 6633). */
export const ICMP_ERRORS = [3, 11, 12] as const
/** Extension headers that are passed over (RFC 8200 4.1, RFC 4302). */
export const EXTENSION = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destination: 60,
} as const
/** EXTENSIONS: so many are passed over, not more. */
export const EXTENSIONS = 6
/** IP_FRAGMENT: more-fragments flag and offset; IP_OFFSET: the offset. Those of IPv6's fragment header likewise. */
export const IP_FRAGMENT = 0x3fff
export const IP_OFFSET = 0x1fff
export const IP6_FRAGMENT = 0xfff9
export const IP6_OFFSET = 0xfff8
