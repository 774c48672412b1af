// How many different sources there were, in a kilobyte, however many there are: HyperLogLog (Flajolet and others, 2007) with 1,024
// registers, whose error is 3 %. What it hashes by has a secret seed, so that nobody chooses addresses that deceive it.

import { type Ip, isIp4 } from '../base/addresses.ts'

const BITS = 10
const REGISTERS = 1 << BITS
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)

/** mix: the finalizer of MurmurHash3: every bit of what goes in changes half of what comes out. */
function mix(word: number): number {
  let h = word >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** hashOf an address and a number beside it, by a secret seed: 32 bits. */
export function hashOf(address: Ip, beside: number, seed: number): number {
  let hash = mix(seed ^ beside)
  if (isIp4(address)) return mix(Math.imul(hash, 0x9e3779b1) ^ address)
  for (let rest: bigint = address; rest > 0n; rest >>= 32n)
    hash = mix(Math.imul(hash, 0x9e3779b1) ^ Number(rest & 0xffffffffn))
  return hash
}

/** Sketch of different hashes. One that has seen none takes no memory. */
export class Sketch {
  #registers: Uint8Array | undefined

  /** add a hash of 32 bits. */
  add(hash: number): void {
    this.#registers ??= new Uint8Array(REGISTERS)
    const at = hash >>> (32 - BITS)
    const rank = Math.min(32 - BITS, Math.clz32((hash << BITS) >>> 0)) + 1
    if (rank > this.#registers[at]!) this.#registers[at] = rank
  }

  /** merge what another one has seen. */
  merge(other: Sketch): void {
    const theirs = other.#registers
    if (!theirs) return
    this.#registers ??= new Uint8Array(REGISTERS)
    const ours = this.#registers
    for (let i = 0; i < REGISTERS; i++) ours[i] = Math.max(ours[i]!, theirs[i]!)
  }

  /** count: about how many there were. */
  get count(): number {
    if (!this.#registers) return 0
    let [sum, empty] = [0, 0]
    for (const register of this.#registers) {
      sum += 2 ** -register
      if (register === 0) empty++
    }
    const estimate = (ALPHA * REGISTERS * REGISTERS) / sum
    const few = estimate <= 2.5 * REGISTERS && empty > 0
    return Math.round(few ? REGISTERS * Math.log(REGISTERS / empty) : estimate)
  }
}
