// Numbers that only look random: the same seed gives the same ones on every machine, so that a failing random test
// is repeated by its seed. The generator is mulberry32 (public domain, Tommy Ettinger).

/** Corner values that uniform numbers hardly ever hit. */
const CORNERS = [
  0n,
  1n,
  2n,
  0x7fffn,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 63n,
  (1n << 64n) - 1n,
]

/** Seeded: numbers from one seed. */
export class Seeded {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** u32: uniform in [0, 2^32). */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return (t ^ (t >>> 14)) >>> 0
  }

  /** below: an integer in [0, n). */
  below(n: number): number {
    return Math.floor((this.u32() / 2 ** 32) * n)
  }

  /** chance: true in `percent` of 100 cases. */
  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** u64: half of them uniform, half at or next to a corner. */
  u64(): bigint {
    const uniform = (BigInt(this.u32()) << 32n) | BigInt(this.u32())
    return this.chance(50) ? uniform : BigInt.asUintN(64, this.pick(CORNERS) + BigInt(this.below(3) - 1))
  }

  /** i32: the low half of u64, signed, as immediates are. */
  i32(): number {
    return Number(BigInt.asIntN(32, this.u64()))
  }

  /** bytes: n of them, in words of u64. */
  bytes(n: number): Uint8Array {
    const words = new BigUint64Array(Math.ceil(n / 8)).map(() => this.u64())
    return new Uint8Array(words.buffer).slice(0, n)
  }
}
