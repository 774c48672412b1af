// A seeded generator of random numbers: xoshiro128** 1.1 (Blackman and Vigna, public domain), so that a fuzz run
// can be repeated from the seed it prints. Not for keys.

/** Random draws whole numbers; the same seed gives the same ones. */
export interface Random {
  /** 0..2^32-1. */
  word(): number
  /** 0..n-1, for n up to 2^32. */
  below(n: number): number
  /** True once in n. */
  oneIn(n: number): boolean
  pick<T>(list: readonly T[]): T
}

const rotate = (word: number, by: number): number => (word << by) | (word >>> (32 - by))

/**
 * createTimes: each call gives the jiffies of one packet more: the time starts near the end of a clock's range, stands
 * still for most packets, goes on by a little, and now and then by much.
 */
export function createTimes(random: Random): () => number {
  let now = random.pick([0, 2 ** 32 - 50, 2 ** 40 - 50, 1_000])
  return () => {
    if (random.oneIn(200)) now += random.oneIn(10) ? random.below(5_000) : random.below(8)
    return now
  }
}

/** createRandom: `seed` is 0..2^32-1. */
export function createRandom(seed: number): Random {
  // splitmix32 spreads the seed over the state, which must not be all zeros
  const spread = (i: number): number => {
    let z = (seed + Math.imul(i + 1, 0x9e3779b9)) | 0
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return z ^ (z >>> 16)
  }
  let [a, b, c, d] = [spread(0), spread(1), spread(2), spread(3)]
  const word = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9)
    const shifted = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = rotate(d, 11)
    return result >>> 0
  }
  const below = (n: number): number => Math.floor((word() / 0x100000000) * n)
  return { word, below, oneIn: (n) => below(n) === 0, pick: (list) => list[below(list.length)]! }
}
