// The keyed hash of the packet path: multilinear over 32-bit words with 64-bit random multipliers, the top 32
// bits of the sum taken. It is strongly universal (Lemire and Kaser, "Strongly universal string hashing is
// fast", 2014, theorem 3.1), so for random multipliers no set of flows fixed beforehand is bad, and it costs one
// multiplication a word. That is of two flows; of many it is linear, and one client's ports in a row lie unevenly for
// some multipliers. So the hash that chooses a slot mixes the sum once more. Neither is proof against one who sees which
// server answers. The multipliers are kept in halves here, because doubles hold 48-bit products exactly and BigInt takes
// three times as long.

/** Multipliers: 64-bit keys as their upper and lower 32-bit halves, index for index. */
export interface Multipliers {
  readonly high: Uint32Array
  readonly low: Uint32Array
}

/** splitMultipliers copies the keys into halves; do it once, not once a packet. */
export function splitMultipliers(keys: BigUint64Array): Multipliers {
  return {
    high: Uint32Array.from(keys, (key) => Number(key >> 32n)),
    low: Uint32Array.from(keys, (key) => Number(key & 0xffffffffn)),
  }
}

/** upperHalf of the product of a 32-bit number and a 32-bit number. */
function upperHalf(a: number, b: number): number {
  // two 48-bit products: `upper` counts 2^16, `lower` ones
  const lower = (a & 0xffff) * b
  const upper = (a >>> 16) * b + Math.floor(lower / 0x10000)
  return Math.floor(upper / 0x10000)
}

/** hashWords: the upper half of sumWords. */
export const hashWords = (multipliers: Multipliers, first: number, words: readonly number[]): number =>
  sumWords(multipliers, first, words)[0]

/**
 * mixWords: ((s xor s >> 32) * keys[mixer]) mod 2^64 >> 32 for s of sumWords, a number of 0..2^32-1.
 */
export function mixWords(
  multipliers: Multipliers,
  first: number,
  words: readonly number[],
  mixer: number,
): number {
  const [top, bottom] = sumWords(multipliers, first, words)
  const folded = (top ^ bottom) >>> 0
  const [high, low] = [multipliers.high[mixer]!, multipliers.low[mixer]!]
  return (upperHalf(low, folded) + Math.imul(high, folded) + Math.imul(low, top)) >>> 0
}

/**
 * sumWords: (keys[first] + keys[first+1]*words[0] + keys[first+2]*words[1] + ...) mod 2^64, its upper and lower half.
 * Words are 0..2^32-1; there must be words.length + 1 multipliers from `first` on.
 */
function sumWords(
  { high, low }: Multipliers,
  first: number,
  words: readonly number[],
): readonly [top: number, bottom: number] {
  let top = high[first]!
  let bottom = low[first]!
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    const multiplier = low[first + 1 + i]!
    // low half times word as two 48-bit products: `upper` counts 2^16, `lower` ones
    const lower = (multiplier & 0xffff) * word
    const upper = (multiplier >>> 16) * word + Math.floor(lower / 0x10000)
    bottom += (upper % 0x10000) * 0x10000 + (lower % 0x10000)
    const carry = bottom > 0xffffffff ? 1 : 0
    bottom -= carry * 0x100000000
    top = (top + Math.imul(high[first + 1 + i]!, word) + Math.floor(upper / 0x10000) + carry) >>> 0
  }
  return [top, bottom]
}

/** scaleHash: hash * n >> 32, an index of 0..n-1. `n` is at most 2^21, so that the product is exact. */
export const scaleHash = (hash: number, n: number): number => Math.floor((hash * n) / 0x100000000)
