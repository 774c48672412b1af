// Unkeyed hashes that tables are built from: MurmurHash3 x86_32 (Austin Appleby, public domain) over a name's
// bytes, and its finalizer over a word. A table must be the same on every node, so nothing here depends on a
// key, a clock or the machine. They keep nobody from choosing names that collide: names come from our own file.

/** mix32: the finalizer of MurmurHash3, a bijection of 32-bit words that leaves no bit where it was. */
export function mix32(word: number): number {
  let h = word | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))
const scramble = (word: number): number => Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593)

const encoder = new TextEncoder()

/** hashName: MurmurHash3 x86_32 of the name's UTF-8 bytes, 0..2^32-1. */
export function hashName(name: string, seed: number): number {
  const bytes = encoder.encode(name)
  const whole = bytes.length & ~3
  let h = seed | 0
  for (let i = 0; i < whole; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    h = Math.imul(rotate(h ^ scramble(word), 13), 5) + 0xe6546b64
  }
  let tail = 0
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!
  return mix32(h ^ scramble(tail) ^ bytes.length)
}
