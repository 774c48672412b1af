// Signature rules: what a rule matches of a packet, as plain data, and the same asked of a packet's bytes (the generated
// program compares by itself: path-rules.ts). All that a match says has to hold; what it leaves out holds always. What it
// says of a transport header holds of no packet without one: a later fragment, an ICMP error.

import type { Ip4, Ip6 } from '../base/addresses.ts'
import { isIn, type Prefix } from '../base/prefix.ts'

/** Range: whole numbers from `first` to `last`, both included. */
export interface Range {
  readonly first: number
  readonly last: number
}

/** TCP_FLAGS: the bits of byte 13 of a TCP header (RFC 9293 3.1). */
export const TCP_FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const
export type TcpFlag = keyof typeof TCP_FLAGS

/** Payload: bytes behind the TCP or UDP header, within the frame. */
export interface Payload {
  /** The first one's offset. */
  readonly at: number
  readonly bytes: readonly number[]
}

/** RuleMatch: what a packet of a listener has to be. One with `flags`, `window` or `options` is of TCP. */
export interface RuleMatch {
  readonly protocol?: 'tcp' | 'udp'
  /** Bits of TCP_FLAGS that are set, and that are not. */
  readonly flags?: { readonly set: number; readonly clear: number }
  /** Of TCP, as it stands in the header, not scaled. */
  readonly window?: Range
  /** Whether the TCP header has any. */
  readonly options?: 'none' | 'some'
  /** Bytes of the IP packet. */
  readonly length?: Range
  /** TTL or hop limit. */
  readonly ttl?: Range
  /** In any of these. */
  readonly source?: readonly Prefix[]
  readonly destination?: readonly Prefix[]
  /** The client's port, and the listener's: in any of these. */
  readonly sourcePorts?: readonly Range[]
  readonly ports?: readonly Range[]
  readonly payload?: readonly Payload[]
}

/** RuledPacket: where the headers are in a frame; without `transport` its transport header is not there. */
export interface RuledPacket {
  readonly frame: Uint8Array
  readonly ip: number
  readonly isIpv6: boolean
  readonly transport?: { readonly protocol: 'tcp' | 'udp'; readonly at: number } | undefined
}

const be16 = (frame: Uint8Array, at: number): number => (frame[at]! << 8) | frame[at + 1]!
const within = (value: number, range: Range | undefined): boolean =>
  range === undefined || (value >= range.first && value <= range.last)
const withinAny = (value: number, ranges: readonly Range[] | undefined): boolean =>
  ranges === undefined || ranges.some((range) => within(value, range))

/** addressAt: an address of a frame. */
export function addressAt(frame: Uint8Array, at: number, isIpv6: boolean): Ip4 | Ip6 {
  const octets = frame.subarray(at, at + (isIpv6 ? 16 : 4))
  return isIpv6
    ? (octets.reduce((value, octet) => (value << 8n) | BigInt(octet), 0n) as Ip6)
    : (octets.reduce((value, octet) => value * 256 + octet, 0) as Ip4)
}

/** isOfTcp, isOfUdp: whether packets of the protocol can match; needsTransport: only such with their transport header. */
export const isOfTcp = ({ protocol }: RuleMatch): boolean => protocol !== 'udp'
export const isOfUdp = ({ protocol, flags, window, options }: RuleMatch): boolean =>
  protocol !== 'tcp' && flags === undefined && window === undefined && options === undefined
export const needsTransport = (match: RuleMatch): boolean =>
  !isOfUdp(match) ||
  !isOfTcp(match) ||
  [match.sourcePorts, match.ports, match.payload].some((each) => each !== undefined)

/** matchesPacket: whether a packet whose headers have been found matches. */
export function matchesPacket(match: RuleMatch, { frame, ip, isIpv6, transport }: RuledPacket): boolean {
  const length = isIpv6 ? be16(frame, ip + 4) + 40 : be16(frame, ip + 2)
  const isFrom = (prefixes: readonly Prefix[] | undefined, at: number): boolean =>
    prefixes === undefined || prefixes.some((prefix) => isIn(addressAt(frame, ip + at, isIpv6), prefix))
  return (
    within(length, match.length) &&
    within(frame[ip + (isIpv6 ? 7 : 8)]!, match.ttl) &&
    isFrom(match.source, isIpv6 ? 8 : 12) &&
    isFrom(match.destination, isIpv6 ? 24 : 16) &&
    (!needsTransport(match) || (transport !== undefined && matchesTransport(match, frame, transport)))
  )
}

function matchesTransport(
  match: RuleMatch,
  frame: Uint8Array,
  { protocol, at }: NonNullable<RuledPacket['transport']>,
): boolean {
  const { flags, options, payload = [] } = match
  if (protocol === 'tcp' ? !isOfTcp(match) : !isOfUdp(match)) return false
  if (!withinAny(be16(frame, at), match.sourcePorts) || !withinAny(be16(frame, at + 2), match.ports))
    return false
  const words = protocol === 'tcp' ? frame[at + 12]! >> 4 : 2
  if (protocol === 'tcp') {
    const bits = frame[at + 13]!
    if (flags && ((bits & flags.set) !== flags.set || (bits & flags.clear) !== 0)) return false
    if (!within(be16(frame, at + 14), match.window)) return false
    if (options !== undefined && (options === 'none' ? words !== 5 : words <= 5)) return false
    if (payload.length > 0 && words < 5) return false
  }
  const start = at + 4 * words
  return payload.every(({ at: offset, bytes }) =>
    bytes.every((octet, i) => frame[start + offset + i] === octet),
  )
}

/** matchesRule: whether a frame matches, from its Ethernet header on; one that is not IP matches nothing. */
export function matchesRule(match: RuleMatch, frame: Uint8Array): boolean {
  let ip = 14
  for (let tags = 0; tags < 2 && [0x8100, 0x88a8].includes(be16(frame, ip - 2)); tags++) ip += 4
  const type = be16(frame, ip - 2)
  const isIpv6 = type === 0x86dd
  if ((!isIpv6 && type !== 0x0800) || frame.length < ip + (isIpv6 ? 40 : 20)) return false
  const found = isIpv6 ? behindIpv6(frame, ip) : behindIpv4(frame, ip)
  const protocol = found?.next === 6 ? 'tcp' : found?.next === 17 ? 'udp' : undefined
  const isThere = protocol && frame.length >= found!.at + (protocol === 'tcp' ? 20 : 8)
  return matchesPacket(match, {
    frame,
    ip,
    isIpv6,
    transport: isThere ? { protocol, at: found!.at } : undefined,
  })
}

/** Behind: which protocol comes where behind an IP header; undefined: a later fragment, or not all of it is there. */
type Behind = { readonly next: number; readonly at: number } | undefined

const behindIpv4 = (frame: Uint8Array, ip: number): Behind =>
  (be16(frame, ip + 6) & 0x1fff) === 0 ? { next: frame[ip + 9]!, at: ip + 4 * (frame[ip]! & 15) } : undefined

function behindIpv6(frame: Uint8Array, ip: number): Behind {
  let [next, at] = [frame[ip + 6]!, ip + 40]
  for (let headers = 0; headers < 6 && [0, 43, 44, 51, 60].includes(next); headers++) {
    if (frame.length < at + 8) return undefined
    if (next === 44 && (be16(frame, at + 2) & 0xfff8) !== 0) return undefined
    const size = next === 44 ? 8 : next === 51 ? 4 * (frame[at + 1]! + 2) : 8 * (frame[at + 1]! + 1)
    next = frame[at]!
    at += size
  }
  return { next, at }
}
