// What the fuzz does about fragments: some packets become first fragments, and later ones of these come afterwards, so
// that they are found, or not quite: by another identification, protocol or sender.

import { insert, octet, put, put16, put32 } from './bytes.ts'
import type { Random } from './random.ts'

/** How many firsts are known at a time. */
const KNOWN = 16
const offsets = [1, 2, 3, 185, 0x1fff]

/** Fragments: makes and follows them. */
export interface Fragments {
  /**
   * first: the packet as a first fragment, which is remembered, or ends within its transport header; only untagged ones
   * without options or headers are.
   */
  first(frame: Uint8Array): Uint8Array
  /** later: a later fragment of one that is remembered; undefined: there is none. */
  later(): Uint8Array | undefined
}

/** createFragments: of this generator of random numbers. */
export function createFragments(random: Random): Fragments {
  const known: Uint8Array[] = []
  const remember = (frame: Uint8Array): Uint8Array => {
    if (known.length < KNOWN) known.push(frame)
    else known[random.below(KNOWN)] = frame
    return frame.slice()
  }
  /** A first fragment that ends within its transport header, UDP's too. */
  const cut = (frame: Uint8Array, isIpv4: boolean): Uint8Array => {
    const part = frame.slice(0, (isIpv4 ? 34 : 62) + random.below(8))
    put16(part, isIpv4 ? 16 : 18, part.length - (isIpv4 ? 14 : 54))
    return part
  }
  return {
    first: (frame) => {
      if (frame.length < 54) return frame
      if (frame[12] === 0x08 && frame[14] === 0x45) {
        const part = frame.slice()
        put16(part, 20, 0x2000)
        return random.oneIn(8) ? cut(part, true) : remember(part)
      }
      if (frame[12] !== 0x86 || (frame[20] !== 6 && frame[20] !== 17)) return frame
      const part = insert(frame, 54, 8)
      part[54] = part[20]!
      part[20] = 44
      put16(part, 56, 1)
      put32(part, 58, random.word())
      put16(part, 18, part.length - 54)
      return random.oneIn(8) ? cut(part, false) : remember(part)
    },
    later: () => {
      if (known.length === 0) return undefined
      const whole = random.pick(known)
      const isIpv4 = whole[12] === 0x08
      const header = isIpv4 ? 34 : 62
      const part = new Uint8Array(header + random.below(60))
      put(part, 0, whole.subarray(0, header))
      const offset = random.oneIn(3) ? 1 + random.below(0x1fff) : random.pick(offsets)
      put16(part, isIpv4 ? 20 : 56, isIpv4 ? offset : offset << 3)
      put16(part, isIpv4 ? 16 : 18, part.length - (isIpv4 ? 14 : 54))
      // as the daemon would run it
      if (random.oneIn(8)) put(part, 6, whole.subarray(0, 6))
      if (random.oneIn(8))
        octet(part, isIpv4 ? 18 + random.below(2) : 58 + random.below(4), random.below(256))
      if (random.oneIn(16)) octet(part, isIpv4 ? 23 : 54, random.pick([6, 17]))
      if (random.oneIn(16)) octet(part, (isIpv4 ? 26 : 22) + random.below(isIpv4 ? 8 : 32), random.below(256))
      return part
    },
  }
}
