// IPv6 headers (RFC 8200 3). Encoding writes what the header says, lies included; decoding refuses a header that
// contradicts the bytes it lies in. Extension headers are the payload's (ipv6-extension.ts); jumbograms (RFC 2675)
// are left out: a payload length of 0 is no payload.
//
//   0 version|traffic class|flow label   4 payload length   6 next header   7 hop limit   8 source   24 destination

import { type Ip, type Ip6, isIp4 } from '../base/addresses.ts'
import { type Decoded, need, refuse, viewOf } from './decode.ts'

/** Next headers of IPv6 alone, by the names of linux/in6.h without IPPROTO_; ipProtocol has the others. */
export const ipv6Next = {
  HOPOPTS: 0,
  ROUTING: 43,
  FRAGMENT: 44,
  ESP: 50,
  AH: 51,
  ICMPV6: 58,
  NONE: 59,
  DSTOPTS: 60,
} as const

/** Ipv6: a header as on the wire; `payloadLength` counts all bytes behind the 40, extension headers too. */
export interface Ipv6 {
  readonly version: number
  readonly trafficClass: number
  /** 20 bits. */
  readonly flowLabel: number
  readonly payloadLength: number
  readonly nextHeader: number
  readonly hopLimit: number
  readonly source: Ip6
  readonly destination: Ip6
}

/** ip6Bytes: the 16 octets in wire order. */
export function ip6Bytes(ip: Ip6): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = viewOf(bytes)
  view.setBigUint64(0, ip >> 64n)
  view.setBigUint64(8, ip & 0xffffffffffffffffn)
  return bytes
}

/** ipBytes: the 4 or 16 octets of an address of either family in wire order. */
export const ipBytes = (ip: Ip): Uint8Array =>
  isIp4(ip) ? Uint8Array.of(ip >>> 24, ip >>> 16, ip >>> 8, ip) : ip6Bytes(ip)

/** ip6FromBytes reads 16 octets in wire order, from `offset`. */
export function ip6FromBytes(bytes: Uint8Array, offset = 0): Ip6 {
  const view = viewOf(bytes)
  return ((view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8)) as Ip6
}

/** encodeIpv6: 40 bytes. */
export function encodeIpv6(header: Ipv6): Uint8Array {
  const bytes = new Uint8Array(40)
  const view = viewOf(bytes)
  view.setUint32(0, header.version * 0x10000000 + header.trafficClass * 0x100000 + header.flowLabel)
  view.setUint16(4, header.payloadLength)
  bytes[6] = header.nextHeader
  bytes[7] = header.hopLimit
  bytes.set(ip6Bytes(header.source), 8)
  bytes.set(ip6Bytes(header.destination), 24)
  return bytes
}

/** decodeIpv6 reads a header; the payload ends where its length says. Throws PACKET_INVALID. */
export function decodeIpv6(bytes: Uint8Array): Decoded<Ipv6> {
  need(bytes, 40, 'IPv6')
  const view = viewOf(bytes)
  const word = view.getUint32(0)
  const payloadLength = view.getUint16(4)
  if (word >>> 28 !== 6) refuse('IPv6', `version ${word >>> 28}`)
  need(bytes, 40 + payloadLength, 'IPv6')
  const header: Ipv6 = {
    version: 6,
    trafficClass: (word >>> 20) & 0xff,
    flowLabel: word & 0xfffff,
    payloadLength,
    nextHeader: bytes[6]!,
    hopLimit: bytes[7]!,
    source: ip6FromBytes(bytes, 8),
    destination: ip6FromBytes(bytes, 24),
  }
  return { header, payload: bytes.subarray(40, 40 + payloadLength) }
}
