// IPv4 headers (RFC 791 3.1, with the DSCP and ECN bits of RFC 2474 and RFC 3168). Encoding writes what the
// header says, lies included; decoding refuses a header that contradicts the bytes it lies in. Options stay
// bytes: nothing here reads them.
//
//   0 version|IHL  1 DSCP|ECN  2 total length   4 identification  6 flags|fragment offset
//   8 TTL          9 protocol  10 checksum     12 source         16 destination            20 options

import type { Ip4 } from '../base/addresses.ts'
import { type Decoded, need, refuse, viewOf } from './decode.ts'

/** Protocol numbers, by the names of linux/in.h without IPPROTO_. */
export const ipProtocol = { ICMP: 1, IPIP: 4, TCP: 6, UDP: 17, IPV6: 41, GRE: 47, VRRP: 112 } as const

/** Ipv4: a header as on the wire; `ihl` in 32-bit words, `fragmentOffset` in units of 8 bytes. */
export interface Ipv4 {
  readonly version: number
  readonly ihl: number
  readonly dscp: number
  readonly ecn: number
  readonly totalLength: number
  readonly identification: number
  /** The bit that must be zero. */
  readonly reserved: boolean
  readonly dontFragment: boolean
  readonly moreFragments: boolean
  readonly fragmentOffset: number
  readonly ttl: number
  readonly protocol: number
  readonly checksum: number
  readonly source: Ip4
  readonly destination: Ip4
  /** A multiple of 4 bytes, at most 40, in an honest header. */
  readonly options: Uint8Array
}

/** encodeIpv4: 20 bytes and the options, whatever `ihl` says. */
export function encodeIpv4(header: Ipv4): Uint8Array {
  const bytes = new Uint8Array(20 + header.options.length)
  const view = viewOf(bytes)
  bytes[0] = (header.version << 4) | header.ihl
  bytes[1] = (header.dscp << 2) | header.ecn
  view.setUint16(2, header.totalLength)
  view.setUint16(4, header.identification)
  const flags =
    (header.reserved ? 0x8000 : 0) | (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0)
  view.setUint16(6, flags | header.fragmentOffset)
  bytes[8] = header.ttl
  bytes[9] = header.protocol
  view.setUint16(10, header.checksum)
  view.setUint32(12, header.source)
  view.setUint32(16, header.destination)
  bytes.set(header.options, 20)
  return bytes
}

/**
 * decodeIpv4 reads a header; the payload ends where the total length says, so padding is cut off. Throws
 * PACKET_INVALID.
 */
export function decodeIpv4(bytes: Uint8Array): Decoded<Ipv4> {
  need(bytes, 20, 'IPv4')
  const view = viewOf(bytes)
  const version = bytes[0]! >> 4
  const ihl = bytes[0]! & 0xf
  const totalLength = view.getUint16(2)
  if (version !== 4) refuse('IPv4', `version ${version}`)
  if (ihl < 5) refuse('IPv4', `header length of ${ihl} words`)
  if (totalLength < 4 * ihl) refuse('IPv4', `total length ${totalLength} ends within the header`)
  need(bytes, totalLength, 'IPv4')
  const fragment = view.getUint16(6)
  const header: Ipv4 = {
    version,
    ihl,
    dscp: bytes[1]! >> 2,
    ecn: bytes[1]! & 3,
    totalLength,
    identification: view.getUint16(4),
    reserved: (fragment & 0x8000) !== 0,
    dontFragment: (fragment & 0x4000) !== 0,
    moreFragments: (fragment & 0x2000) !== 0,
    fragmentOffset: fragment & 0x1fff,
    ttl: bytes[8]!,
    protocol: bytes[9]!,
    checksum: view.getUint16(10),
    source: view.getUint32(12) as Ip4,
    destination: view.getUint32(16) as Ip4,
    options: bytes.subarray(20, 4 * ihl),
  }
  return { header, payload: bytes.subarray(4 * ihl, totalLength) }
}
