// What the fuzz does to a frame, aimed at what the packet path decides by. Mutations pile up, and one that comes
// after another may hit what it no longer was; that is wanted. IPv6's are in mutations6.ts.

import { insert, octet, put, put16, put32 } from './bytes.ts'
import type { Random } from './random.ts'

/** Mutation: writes to the frame and returns it, or returns a new one. */
export type Mutation = (frame: Uint8Array, random: Random) => Uint8Array

/** inPlace: a mutation that keeps the length. */
export const inPlace =
  (change: (frame: Uint8Array, random: Random) => void): Mutation =>
  (frame, random) => {
    change(frame, random)
    return frame
  }

/** flip one bit of the octet at `at`. */
export const flip = (frame: Uint8Array, at: number, random: Random): void => {
  if (at < frame.length) frame[at]! ^= 1 << random.below(8)
}

/** Words at the ends of their range, in both byte orders. */
export const ends: readonly number[] = [0, 0xffffffff, 0x01000000, 0x00000001, 0xffffff00]
const types = [0x0800, 0x8100, 0x88a8, 0x0806, 0x86dd, 0x9100, 0x0008]
const fragments = [0x2000, 0x4000, 0x8000, 0x0001, 0x00ff, 0x0100, 0x1000, 0x1fff, 0x3fff, 0xc000]
const checksums = [0x0000, 0x0001, 0xfeff, 0xfefe, 0xff00, 0xff01, 0xfffe, 0xffff, 0x7fff]
const protocols = [6, 17, 6, 17, 1, 112, 4, 0, 41, 44, 58, 255, 134]

/** linkMutations: Ethernet, and anything anywhere. */
export const linkMutations: readonly Mutation[] = [
  // destination beside ours, or a group's; types; tags
  inPlace((frame, random) => flip(frame, random.below(6), random)),
  inPlace((frame, random) => put(frame, 0, new Uint8Array(6).fill(random.pick([0xff, 0x00, 0x01])))),
  inPlace((frame, random) => put16(frame, 12, random.oneIn(3) ? random.word() & 0xffff : random.pick(types))),
  (frame, random) => {
    let tagged = frame
    for (let tags = 1 + random.below(3); tags > 0 && tagged.length >= 12; tags--) {
      tagged = insert(tagged, 12, 4)
      put16(tagged, 12, random.pick([0x8100, 0x88a8]))
      put16(tagged, 14, random.pick([0, 7, 0x0800, 0x8100, 0x86dd, random.word() & 0xffff]))
    }
    return tagged
  },
  inPlace((frame, random) => flip(frame, random.below(frame.length), random)),
  inPlace((frame, random) => octet(frame, random.below(frame.length), random.below(256))),
  (frame, random) => frame.slice(0, random.below(Math.min(frame.length, 100) + 1)),
  (frame, random) => insert(frame, frame.length, 1 + random.below(60)),
]

/** ipv4Mutations: for untagged IPv4 frames. */
export const ipv4Mutations: readonly Mutation[] = [
  // version and header length, with and without the bytes that it speaks of
  inPlace((frame, random) => octet(frame, 14, 0x40 | random.below(16))),
  inPlace((frame, random) => octet(frame, 14, random.below(256))),
  (frame, random) => {
    const words = 1 + random.below(10)
    if (frame.length < 34) return frame
    const longer = insert(frame, 34, 4 * words)
    longer[14] = 0x45 + words
    put16(longer, 16, longer.length - 14 - random.pick([0, 0, 0, 1, 4, 4 * words]))
    return longer
  },
  inPlace((frame, random) => {
    const rest = frame.length - 14
    const lengths = [0, 19, 20, 27, 28, 39, 40, 41, rest - 1, rest, rest + 1, 65_535, random.word() & 0xffff]
    put16(frame, 16, random.pick(lengths) & 0xffff)
  }),
  inPlace((frame, random) =>
    put16(frame, 20, random.oneIn(3) ? random.word() & 0xffff : random.pick(fragments)),
  ),
  inPlace((frame, random) => octet(frame, 22, random.pick([0, 1, 2, 255, random.below(256)]))),
  inPlace((frame, random) => octet(frame, 23, random.pick(protocols))),
  inPlace((frame, random) =>
    put16(frame, 24, random.oneIn(3) ? random.word() & 0xffff : random.pick(checksums)),
  ),
  inPlace((frame, random) => put32(frame, 26, random.pick(ends))),
  // destinations beside a listener's
  inPlace((frame, random) => flip(frame, 30 + random.below(4), random)),
  inPlace((frame, random) => flip(frame, 36 + random.below(2), random)),
  inPlace((frame, random) => put32(frame, 30, random.oneIn(2) ? random.pick(ends) : random.word())),
  inPlace((frame, random) =>
    put16(frame, 36, random.pick([0, 1, 80, 0x5000, 65_535, random.word() & 0xffff])),
  ),
]
