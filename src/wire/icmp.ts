// ICMP headers (RFC 792), and those of ICMPv6 (RFC 4443), which are the same: 0 type, 1 code, 2 checksum, 4 four bytes that depend on the type (identifier and
// sequence number of an echo, next-hop MTU of a "fragmentation needed").

import { type Decoded, need, viewOf } from './decode.ts'

/** Types, by the names of linux/icmp.h without ICMP_. */
export const icmpType = {
  ECHOREPLY: 0,
  DEST_UNREACH: 3,
  ECHO: 8,
  TIME_EXCEEDED: 11,
  PARAMETERPROB: 12,
} as const

/** Types of ICMPv6, by the names of linux/icmpv6.h without ICMPV6_, and RFC 4861's neighbour messages. */
export const icmp6Type = {
  DEST_UNREACH: 1,
  PKT_TOOBIG: 2,
  TIME_EXCEED: 3,
  PARAMPROB: 4,
  ECHO_REQUEST: 128,
  ECHO_REPLY: 129,
  NEIGHBOUR_SOLICITATION: 135,
  NEIGHBOUR_ADVERTISEMENT: 136,
} as const

/** Icmp: a header as on the wire; `rest` is the 32-bit word at 4. */
export interface Icmp {
  readonly type: number
  readonly code: number
  readonly checksum: number
  readonly rest: number
}

/** encodeIcmp: 8 bytes. */
export function encodeIcmp(header: Icmp): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = viewOf(bytes)
  bytes[0] = header.type
  bytes[1] = header.code
  view.setUint16(2, header.checksum)
  view.setUint32(4, header.rest)
  return bytes
}

/** decodeIcmp reads a header. Throws PACKET_INVALID. */
export function decodeIcmp(bytes: Uint8Array): Decoded<Icmp> {
  need(bytes, 8, 'ICMP')
  const view = viewOf(bytes)
  const header = { type: bytes[0]!, code: bytes[1]!, checksum: view.getUint16(2), rest: view.getUint32(4) }
  return { header, payload: bytes.subarray(8) }
}
