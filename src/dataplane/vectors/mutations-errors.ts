// What the fuzz does about errors: a packet of a client becomes an ICMP or ICMPv6 error about the answer to it, sound
// or with something wrong in the quote.

import { insert, octet, put, put16 } from './bytes.ts'
import { inPlace, type Mutation } from './mutations.ts'
import type { Random } from './random.ts'

const types4 = [3, 3, 3, 11, 12, 0, 4, 5, 8]
const types6 = [1, 2, 2, 3, 4, 0, 5, 128, 135]

/** swap two fields of `length` bytes, `length` apart. */
function swap(frame: Uint8Array, at: number, length: number): void {
  const first = frame.slice(at, at + length)
  put(frame, at, frame.slice(at + length, at + 2 * length))
  put(frame, at + length, first)
}

/** about: the frame, of a header of `size` bytes with addresses of `address` at `at`, as an error about its answer. */
function about(frame: Uint8Array, size: number, at: number, address: number, random: Random): Uint8Array {
  const start = 14 + size
  if (frame.length < start + 8) return frame
  const longer = insert(frame, start, 8 + size)
  put(longer, start + 8, frame.subarray(14, start))
  swap(longer, start + 8 + at, address)
  swap(longer, start + 8 + size, 2)
  // who tells the error is somebody else, most often
  if (!random.oneIn(4)) octet(longer, 14 + at, random.below(256))
  put16(longer, start, (random.pick(address === 4 ? types4 : types6) << 8) | random.below(16))
  return random.oneIn(3) ? longer.slice(0, start + 8 + size + 8 + random.below(3)) : longer
}

/** errors4: for untagged IPv4 frames without options. */
export const errors4: readonly Mutation[] = [
  (frame, random) => {
    const error = about(frame, 20, 12, 4, random)
    if (error === frame) return frame
    octet(error, 23, 1)
    put16(error, 16, error.length - 14)
    return error
  },
  // within the quote: version and header length, fragment, protocol, addresses
  inPlace((frame, random) => octet(frame, 42, random.pick([0x45, 0x46, 0x44, 0x65, 0x4f, 0x55]))),
  inPlace((frame, random) => put16(frame, 48, random.pick([0x2000, 0x1000, 1, 0x4000, 0]))),
  inPlace((frame, random) => octet(frame, 51, random.pick([1, 6, 17, random.below(256)]))),
  inPlace((frame, random) => octet(frame, 54 + random.below(8), random.below(256))),
  (frame, random) => frame.slice(0, 34 + random.pick([0, 7, 8, 27, 28, 35, 36, 37])),
]

/** errors6: for untagged IPv6 frames without extension headers. */
export const errors6: readonly Mutation[] = [
  (frame, random) => {
    const error = about(frame, 40, 8, 16, random)
    if (error === frame) return frame
    octet(error, 20, 58)
    put16(error, 18, error.length - 54)
    return error
  },
  inPlace((frame, random) => octet(frame, 62, random.pick([0x60, 0x6f, 0x45, random.below(256)]))),
  inPlace((frame, random) => octet(frame, 68, random.pick([6, 17, 58, 0, 44, 60, random.below(256)]))),
  inPlace((frame, random) => octet(frame, 70 + random.below(32), random.below(256))),
  (frame, random) => frame.slice(0, 54 + random.pick([0, 7, 8, 47, 48, 55, 56, 57])),
]
