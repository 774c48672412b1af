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
