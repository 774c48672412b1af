// What the fuzz does to IPv6 frames: fields of the header, and extension headers put in, cut and made to lie.

import { insert, octet, put16, put32 } from './bytes.ts'
import { ends, flip, inPlace, type Mutation } from './mutations.ts'
import type { Random } from './random.ts'

const FRAGMENT = 44
const AH = 51
const extensions = [0, 43, FRAGMENT, AH, 60]
const nexts = [6, 17, 6, 17, ...extensions, 58, 59, 50, 135, 253]
const fragments = [0x0001, 0x0008, 0x0100, 0x8000, 0xfff8, 0xfff9, 0xffff, 0x0009]

/** One more extension header at 54, before what was there; its length is honest, its body random. */
function extend(frame: Uint8Array, random: Random, kind: number): Uint8Array {
  if (frame.length < 54) return frame
  const length = random.pick([0, 0, 0, 1, 2, random.below(8), random.oneIn(10) ? random.below(40) : 1])
  const size = kind === FRAGMENT ? 8 : kind === AH ? 4 * (length + 2) : 8 * (length + 1)
  const longer = insert(frame, 54, size)
  for (let at = 56; at < 54 + size; at++) longer[at] = random.below(256)
  longer[54] = frame[20]!
  longer[55] = kind === FRAGMENT && random.oneIn(2) ? random.below(256) : length
  longer[20] = kind
  if (kind === FRAGMENT) put16(longer, 56, random.pick([0, 0, 0, 2, 6, random.pick(fragments)]))
  put16(longer, 18, ((longer[18]! << 8) + longer[19]! + size) & 0xffff)
  return longer
}

/** ipv6Mutations: for untagged IPv6 frames. */
export const ipv6Mutations: readonly Mutation[] = [
  inPlace((frame, random) => octet(frame, 14, random.below(256))),
  inPlace((frame, random) => octet(frame, 14, 0x60 | random.below(16))),
  inPlace((frame, random) => {
    const rest = frame.length - 54
    const lengths = [0, 7, 8, 19, 20, 21, 28, rest - 1, rest, rest + 1, rest - 20, 65_535, random.word()]
    put16(frame, 18, random.pick(lengths) & 0xffff)
  }),
  inPlace((frame, random) => octet(frame, 20, random.oneIn(4) ? random.below(256) : random.pick(nexts))),
  inPlace((frame, random) => octet(frame, 21, random.pick([0, 1, 2, 255, random.below(256)]))),
  inPlace((frame, random) => put32(frame, 22 + 4 * random.below(4), random.pick(ends))),
  // extension headers: one, several, about as many as are passed over and more
  (frame, random) => extend(frame, random, random.pick(extensions)),
  (frame, random) => extend(frame, random, random.pick(extensions)),
  (frame, random) => {
    let longer = frame
    for (let count = random.pick([2, 3, 4, 5, 6, 6, 7, 8]); count > 0; count--)
      longer = extend(longer, random, random.pick(random.oneIn(2) ? [0, 60] : extensions))
    return longer
  },
  (frame, random) => {
    const fragment = extend(frame, random, FRAGMENT)
    put16(fragment, 56, random.oneIn(3) ? random.word() & 0xffff : random.pick(fragments))
    return fragment
  },
  // a length that lies, or leads far, and what comes next
  inPlace((frame, random) => octet(frame, 55, random.pick([0, 1, 2, 3, 255, random.below(256)]))),
  inPlace((frame, random) => octet(frame, 54, random.pick(nexts))),
  // cut near the ends of headers
  (frame, random) => frame.slice(0, 54 + random.pick([0, 7, 8, 15, 16, 19, 20, 27, 28, random.below(80)])),
  // destinations beside a listener's
  inPlace((frame, random) => flip(frame, 38 + random.below(16), random)),
  inPlace((frame, random) => flip(frame, 56 + random.below(2), random)),
  inPlace((frame, random) =>
    put32(frame, 38 + 4 * random.below(4), random.oneIn(2) ? random.pick(ends) : random.word()),
  ),
  inPlace((frame, random) =>
    put16(frame, 56, random.pick([0, 1, 80, 0x5000, 65_535, random.word() & 0xffff])),
  ),
]
