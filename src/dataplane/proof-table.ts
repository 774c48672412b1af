// Sources that have proved that they are real: an IPv4 address, or the first half of an IPv6 one. Fixed in size: sets of
// eight words of 64 bits, one cache line each; a keyed hash says which set, so nobody can aim at another's.
//
//   bits 0..31   the tick when it was proved (flow-clock.ts); it comes round after 8.7 years
//   bits 32..63  the hash's upper half, never 0; a word that is 0 is empty
//
// Who comes anew takes its own place, an empty one or that of who proved itself longest ago. So only sources that are real
// put others out, and who is put out proves itself again. This is the plain form; path-proven.ts is the program's.

import { invariant } from '../base/errors.ts'
import { type Secret, sipHash } from './siphash.ts'

/** PROVEN_WAYS: words of a set. */
export const PROVEN_WAYS = 8

/** provenSource: what of an address is proved: its message for the hash. */
export const provenSource = (address: Uint8Array): Uint8Array =>
  address.subarray(0, address.length === 4 ? 4 : 8)

/** ProvenTable: in memory of its own or the program's. */
export class ProvenTable {
  readonly words: BigUint64Array
  readonly #secret: Secret

  constructor(secret: Secret, words: BigUint64Array) {
    invariant(
      words.length > 0 && words.length % PROVEN_WAYS === 0,
      `${words.length} proven sources: whole sets`,
    )
    this.#secret = secret
    this.words = words
  }

  /** isProven: whether an address' source proved itself at most `remember` ticks before `now`. */
  isProven(address: Uint8Array, now: number, remember: number): boolean {
    const { set, print } = this.#placeOf(address)
    const found = this.words.subarray(set, set + PROVEN_WAYS).find((word) => word >> 32n === print)
    return found !== undefined && (now - Number(found & 0xffffffffn)) >>> 0 <= remember
  }

  /** prove an address' source. */
  prove(address: Uint8Array, now: number): void {
    const { set, print } = this.#placeOf(address)
    const words = this.words.subarray(set, set + PROVEN_WAYS)
    const age = (word: bigint) =>
      word >> 32n === print ? 2 ** 34 : word === 0n ? 2 ** 33 : (now - Number(word & 0xffffffffn)) >>> 0
    let oldest = 0
    for (let i = 1; i < PROVEN_WAYS; i++) if (age(words[i]!) > age(words[oldest]!)) oldest = i
    words[oldest] = (print << 32n) | BigInt(now >>> 0)
  }

  #placeOf(address: Uint8Array): { readonly set: number; readonly print: bigint } {
    const hash = sipHash(this.#secret, provenSource(address))
    const sets = BigInt(this.words.length / PROVEN_WAYS)
    const upper = hash >> 32n
    return {
      set: Number(((hash & 0xffffffffn) * sets) >> 32n) * PROVEN_WAYS,
      print: upper === 0n ? 1n : upper,
    }
  }
}
