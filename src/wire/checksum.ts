// The Internet checksum: the ones' complement of the ones' complement sum of 16-bit words (RFC 1071), and its
// update after a word changed (RFC 1624, equation 3, the form without the negative zero of RFC 1141). Words are
// big-endian, as they lie on the wire; an odd last byte is padded with zero on its right.

import type { Ip4 } from '../base/addresses.ts'

/** foldSum adds a sum's carries back in until 16 bits are left. */
export function foldSum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000)
  return folded
}

/** sumWords: the folded ones' complement sum of `bytes`, added to `start`; 0xffff over sound data. */
export function sumWords(bytes: Uint8Array, start = 0): number {
  let sum = start
  const even = bytes.length & ~1
  for (let i = 0; i < even; i += 2) sum += bytes[i]! * 256 + bytes[i + 1]!
  if (even < bytes.length) sum += bytes[even]! * 256
  return foldSum(sum)
}

/** checksum: what goes into the field, computed with the field as zero. `start`: a pseudo-header's sum. */
export const checksum = (bytes: Uint8Array, start = 0): number => ~sumWords(bytes, start) & 0xffff

/** updateChecksum: the field's new value after one 16-bit word went from `before` to `after` (RFC 1624, 3). */
export const updateChecksum = (field: number, before: number, after: number): number =>
  ~foldSum((~field & 0xffff) + (~before & 0xffff) + after) & 0xffff

/** pseudoHeaderSum: the sum that TCP and UDP over IPv4 start from (RFC 9293 3.1); `length` = header + payload. */
export const pseudoHeaderSum = (source: Ip4, destination: Ip4, protocol: number, length: number): number =>
  foldSum(
    (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + protocol + length,
  )
