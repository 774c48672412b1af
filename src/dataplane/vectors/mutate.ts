// Frames for the differential fuzz: mostly a sound TCP segment to one of the fixture's listeners, with one or more
// mutations that aim at what the packet path decides by. It writes bytes directly, without the packet builder,
// because a run wants a million of them; checksums are sound, or one of RFC 1624's corners, or random.

import { macBytes } from '../../base/addresses.ts'
import { checksum } from '../../wire/checksum.ts'
import type { Fixture } from './fixture.ts'
import { createRandom, type Random } from './random.ts'

/** FrameOptions: lengths in bytes. A test run takes no frame below 14. */
export interface FrameOptions {
  readonly shortest?: number
  readonly longest?: number
}

const put16 = (frame: Uint8Array, at: number, value: number): void => {
  if (at + 1 >= frame.length) return
  frame[at] = value >> 8
  frame[at + 1] = value & 0xff
}
const put32 = (frame: Uint8Array, at: number, value: number): void => {
  put16(frame, at, value >>> 16)
  put16(frame, at + 2, value & 0xffff)
}
const put = (frame: Uint8Array, at: number, bytes: Uint8Array): void =>
  frame.set(bytes.subarray(0, Math.max(0, frame.length - at)), Math.min(at, frame.length))

/** insert: zeros between what was before and from `at` on. */
function insert(frame: Uint8Array, at: number, length: number): Uint8Array {
  const longer = new Uint8Array(frame.length + length)
  longer.set(frame.subarray(0, at))
  longer.set(frame.subarray(at), at + length)
  return longer
}

const types = [0x0800, 0x8100, 0x88a8, 0x0806, 0x86dd, 0x9100, 0x0008]
const fragments = [0x2000, 0x4000, 0x8000, 0x0001, 0x00ff, 0x0100, 0x1000, 0x1fff, 0x3fff, 0xc000]
const checksums = [0x0000, 0x0001, 0xfeff, 0xfefe, 0xff00, 0xff01, 0xfffe, 0xffff, 0x7fff]
const protocols = [6, 1, 17, 112, 4, 0, 255, 134]
const ends = [0, 0xffffffff, 0x01000000, 0x00000001, 0xffffff00]

type Mutation = (frame: Uint8Array, random: Random) => Uint8Array
const inPlace =
  (change: (frame: Uint8Array, random: Random) => void): Mutation =>
  (frame, random) => {
    change(frame, random)
    return frame
  }

const octet = (frame: Uint8Array, at: number, value: number): void => {
  if (at < frame.length) frame[at] = value
}
const flip = (frame: Uint8Array, at: number, random: Random): void => {
  if (at < frame.length) frame[at]! ^= 1 << random.below(8)
}

const mutations: readonly Mutation[] = [
  // Ethernet: destination beside ours, or a group's; types; tags
  inPlace((frame, random) => flip(frame, random.below(6), random)),
  inPlace((frame, random) => put(frame, 0, new Uint8Array(6).fill(random.pick([0xff, 0x00, 0x01])))),
  inPlace((frame, random) => put16(frame, 12, random.oneIn(3) ? random.word() & 0xffff : random.pick(types))),
  (frame, random) => {
    let tagged = frame
    for (let tags = 1 + random.below(3); tags > 0 && tagged.length >= 12; tags--) {
      tagged = insert(tagged, 12, 4)
      put16(tagged, 12, random.pick([0x8100, 0x88a8]))
      put16(tagged, 14, random.pick([0, 7, 0x0800, 0x8100, random.word() & 0xffff]))
    }
    return tagged
  },
  // IPv4: version and header length, with and without the bytes that it speaks of
  inPlace((frame, random) => octet(frame, 14, 0x40 | random.below(16))),
  inPlace((frame, random) => octet(frame, 14, random.below(256))),
  (frame, random) => {
    const words = 1 + random.below(10)
    if (frame.length < 34) return frame
    const longer = insert(frame, 34, 4 * words)
    longer[14] = 0x45 + words
    put16(longer, 16, longer.length - 14)
    return longer
  },
  inPlace((frame, random) => {
    const rest = frame.length - 14
    const lengths = [0, 19, 20, 39, 40, 41, rest - 1, rest, rest + 1, 65_535, random.word() & 0xffff]
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
  // anything anywhere
  inPlace((frame, random) => flip(frame, random.below(frame.length), random)),
  inPlace((frame, random) => octet(frame, random.below(frame.length), random.below(256))),
  (frame, random) => frame.slice(0, random.below(Math.min(frame.length, 80) + 1)),
  (frame, random) => insert(frame, frame.length, 1 + random.below(60)),
]

/** createFrames: each call gives the next frame, a new array; the same seed gives the same frames. */
export function createFrames(fixture: Fixture, seed: number, options: FrameOptions = {}): () => Uint8Array {
  const { shortest = 14, longest = 1_514 } = options
  const { listeners, mac } = fixture.shape
  const random = createRandom(seed)
  const own = macBytes(mac)

  const sound = (): Uint8Array => {
    const payload = random.pick([0, 0, 0, 6, 1, random.below(64), random.oneIn(8) ? 1_460 : 10])
    const frame = new Uint8Array(54 + payload)
    const { address, port } = random.pick(listeners)
    put(frame, 0, own)
    put32(frame, 6, random.word())
    put16(frame, 12, 0x0800)
    frame[14] = 0x45
    // short payloads may be padding, which no length covers
    put16(frame, 16, random.oneIn(4) ? 40 : 40 + payload)
    put16(frame, 18, random.word() & 0xffff)
    put16(frame, 20, random.oneIn(2) ? 0x4000 : 0)
    frame[22] = 2 + random.below(254)
    frame[23] = 6
    put32(frame, 26, random.word())
    put32(frame, 30, address)
    put16(frame, 34, random.word() & 0xffff)
    put16(frame, 36, port)
    put32(frame, 38, random.word())
    frame[46] = 0x50
    frame[47] = random.below(256)
    put16(frame, 24, checksum(frame.subarray(14, 34)))
    return frame
  }

  const noise = (): Uint8Array => {
    const frame = Uint8Array.from({ length: random.below(120) }, () => random.below(256))
    if (random.oneIn(2)) put(frame, 0, own)
    if (random.oneIn(2)) put16(frame, 12, 0x0800)
    return frame
  }

  return () => {
    let frame = random.oneIn(50) ? noise() : sound()
    while (!random.oneIn(3)) frame = random.pick(mutations)(frame, random)
    if (frame.length < shortest) return insert(frame, frame.length, shortest - frame.length)
    return frame.length > longest ? frame.slice(0, longest) : frame
  }
}
