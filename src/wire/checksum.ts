// The Internet checksum: the ones' complement of the ones' complement sum of 16-bit words (RFC 1071), and its
// update after a word changed (RFC 1624, equation 3, the form without the negative zero of RFC 1141). Words are
// big-endian, as they lie on the wire; an odd last byte is padded with zero on its right.

import { type Ip, isIp4 } from '../base/addresses.ts'
import { ip6Bytes } from './ipv6.ts'

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

const sumAddress = (ip: Ip): number => (isIp4(ip) ? (ip >>> 16) + (ip & 0xffff) : sumWords(ip6Bytes(ip)))

/**
 * pseudoHeaderSum: the sum that TCP, UDP and ICMPv6 start from (RFC 9293 3.1, RFC 8200 8.1); `length` = header +
 * payload. The addresses are of one family.
 */
export const pseudoHeaderSum = (source: Ip, destination: Ip, protocol: number, length: number): number =>
  foldSum(sumAddress(source) + sumAddress(destination) + protocol + length)
