// Translation of one frame, for the model: an address and a port are replaced, and the checksums that cover them follow
// by RFC 1624. A UDP checksum of 0 stays 0, and none becomes 0 (RFC 768).

import { updateChecksum } from '../wire/checksum.ts'

/** Side: which address and port are replaced. */
export type Side = 'source' | 'destination'

/** Replacement: 4 or 16 bytes, and two of a port in wire order. */
export interface Replacement {
  readonly address: Uint8Array
  readonly port: Uint8Array
}

const be16 = (frame: Uint8Array, at: number): number => frame[at]! * 0x100 + frame[at + 1]!
const putBe16 = (frame: Uint8Array, at: number, value: number): void => {
  frame[at] = value >> 8
  frame[at + 1] = value & 0xff
}

/** replace bytes; the 16-bit checksums at `sums` follow. */
function replace(frame: Uint8Array, at: number, by: Uint8Array, sums: readonly number[]): void {
  for (let i = 0; i < by.length; i += 2) {
    const [before, after] = [be16(frame, at + i), be16(by, i)]
    for (const sum of sums) putBe16(frame, sum, updateChecksum(be16(frame, sum), before, after))
    putBe16(frame, at + i, after)
  }
}

/** translate a frame in place, whose IP header is at `ip` and whose transport header at `at`. */
export function translate(
  frame: Uint8Array,
  ip: number,
  at: number,
  protocol: 'tcp' | 'udp',
  side: Side,
  { address, port }: Replacement,
): void {
  const isIpv6 = address.length === 16
  const sum = at + (protocol === 'tcp' ? 16 : 6)
  const isSummed = protocol === 'tcp' || be16(frame, sum) !== 0
  const upper = isSummed ? [sum] : []
  const first = isIpv6 ? ip + 8 : ip + 12
  replace(frame, first + (side === 'source' ? 0 : address.length), address, [
    ...(isIpv6 ? [] : [ip + 10]),
    ...upper,
  ])
  replace(frame, at + (side === 'source' ? 0 : 2), port, upper)
  if (protocol === 'udp' && isSummed && be16(frame, sum) === 0) putBe16(frame, sum, 0xffff)
}

/** decrementHops: TTL or hop limit one less, in place. */
export function decrementHops(frame: Uint8Array, ip: number, isIpv6: boolean): void {
  if (isIpv6) frame[ip + 7]! -= 1
  else replace(frame, ip + 8, Uint8Array.of(frame[ip + 8]! - 1, frame[ip + 9]!), [ip + 10])
}

/** translateFragment: the address alone of a later fragment, which has no transport header. */
export function translateFragment(frame: Uint8Array, ip: number, side: Side, address: Uint8Array): undefined {
  const isIpv6 = address.length === 16
  const at = (isIpv6 ? ip + 8 : ip + 12) + (side === 'source' ? 0 : address.length)
  replace(frame, at, address, isIpv6 ? [] : [ip + 10])
}

/** Quote: an ICMP error at `ip` that quotes a packet at `quoted`. */
export interface Quote {
  readonly ip: number
  readonly quoted: number
  readonly isIpv6: boolean
  /** Which address of the error's own header becomes `address`; absent: none. */
  readonly outer?: Side
  /** Which address and port of the quoted packet do. */
  readonly side: Side
  readonly address: Uint8Array
  /** Absent: the port stays. */
  readonly port?: Uint8Array | undefined
}

/**
 * translateQuote: an error and what it quotes. A quoted transport header is translated where it follows the quoted IP
 * header at once, and its checksum if the frame has it; the error's checksum follows all of that.
 */
export function translateQuote(frame: Uint8Array, quote: Quote): undefined {
  const { ip, quoted, isIpv6, outer, side, address, port } = quote
  const icmp = quoted - 8 + 2
  const from = (header: number, which: Side) =>
    (isIpv6 ? header + 8 : header + 12) + (which === 'source' ? 0 : address.length)
  if (outer) replace(frame, from(ip, outer), address, [isIpv6 ? icmp : ip + 10])

  const number = frame[quoted + (isIpv6 ? 6 : 9)]!
  const at = isIpv6 ? quoted + 40 : quoted + 4 * (frame[quoted]! & 0xf)
  const field = number === 6 ? at + 16 : number === 17 ? at + 6 : undefined
  const has = field !== undefined && frame.length >= field + 2 && (number === 6 || be16(frame, field) !== 0)
  const sums = [...(isIpv6 ? [] : [quoted + 10]), ...(has ? [field] : [])]
  const before = sums.map((sum) => be16(frame, sum))
  replace(frame, from(quoted, side), address, [icmp, ...sums])
  if (port && field !== undefined)
    replace(frame, at + (side === 'source' ? 0 : 2), port, [icmp, ...(has ? [field] : [])])
  if (number === 17 && has && be16(frame, field) === 0) putBe16(frame, field, 0xffff)
  for (const [i, sum] of sums.entries())
    putBe16(frame, icmp, updateChecksum(be16(frame, icmp), before[i]!, be16(frame, sum)))
}
