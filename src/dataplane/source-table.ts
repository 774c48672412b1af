// The tables of sources as the model has them, word for word as the program (path-sources.ts): lines of eight words of 64
// bits, in which a source is found by its print, or takes the place of the word with the least rank.
//
//   sources   bits 36..63 upper bits of the print | 20..35 in which second | 0..19 how often in it
//   banned    bits 32..63 the print | 0..31 the tick from which on it is banned no longer
//   known     likewise of flows of UDP, and the tick from which on a flow is a new one

import { type Ip, isIp4 } from '../base/addresses.ts'
import { prefixOf } from '../base/prefix.ts'
import { wordsOfAddress } from './answer-sources.ts'
import { SOURCE_KEY } from './defence-keys.ts'
import { WAYS } from './defence-memory.ts'

/** COUNT_BITS, SECOND_BITS: of a word of `sources`. */
export const COUNT_BITS = 20
export const SECOND_BITS = 16
/** PRINT_SHIFT: where the print is in a word of `sources`. */
export const PRINT_SHIFT = COUNT_BITS + SECOND_BITS
/** MOST: what a source can be counted up to. */
export const MOST = 2 ** COUNT_BITS - 1

const MASK = 0xffff_ffff_ffff_ffffn

/** Source: where it is in a table, and what it is told by: 32 bits each. */
export interface Source {
  readonly place: number
  readonly print: number
}

/** FlowOf: what tells a flow of UDP beside its client's address; `ports`: as they lie in a packet. */
export interface FlowOf {
  readonly ports: number
  readonly service: number
}

/** sourceOf an address: of the network of so many bits that it is in, or of a flow of UDP. `keys`: sourceKeys. */
export function sourceOf(keys: BigUint64Array, address: Ip, bits: number, flow?: FlowOf): Source {
  const key = (index: number) => keys[index]!
  const words = wordsOfAddress(prefixOf(address, bits).address)
  let sum = key(isIp4(address) ? SOURCE_KEY.four : SOURCE_KEY.six)
  for (const [index, word] of words.entries()) sum += key(SOURCE_KEY.word + index) * BigInt(word)
  if (flow) sum += key(SOURCE_KEY.ports) * BigInt(flow.ports) + key(SOURCE_KEY.service) * BigInt(flow.service)
  const folded = (sum & MASK) ^ ((sum & MASK) >> 32n)
  const mixed = (by: number) => Number(((folded * key(by)) & MASK) >> 32n)
  return { place: mixed(SOURCE_KEY.place), print: mixed(SOURCE_KEY.print) }
}

/** SourceTable: of so many words, a multiple of eight. What has an end has it by `ban`, whatever it is there for. */
export class SourceTable {
  readonly #words: BigUint64Array

  constructor(entries: number) {
    this.#words = new BigUint64Array(entries)
  }

  /** meter: whether the source has sent `most` in this second already; else this one is counted. */
  meter({ place, print }: Source, most: number, now: number): boolean {
    const line = this.#lineOf(place)
    const [own, second] = [print >>> (PRINT_SHIFT - 32), now % 2 ** SECOND_BITS]
    const at = line.findIndex((word) => Number(word >> BigInt(PRINT_SHIFT)) === own)
    const secondOf = (word: bigint) => Number((word >> BigInt(COUNT_BITS)) & 0xffffn)
    const sent = (word: bigint) => Number(word & BigInt(MOST))
    const countOf = (word: bigint) => (secondOf(word) === second ? sent(word) : 0)
    if (at >= 0 && secondOf(line[at]!) === second) {
      if (sent(line[at]!) >= most) return true
      line[at]!++
      return false
    }
    line[at >= 0 ? at : leastOf(line, own, countOf)] =
      (BigInt(own) << BigInt(PRINT_SHIFT)) | (BigInt(second) << BigInt(COUNT_BITS)) | 1n
    return false
  }

  /** isBanned at a tick. */
  isBanned({ place, print }: Source, now: number): boolean {
    const word = this.#lineOf(place).find((each) => Number(each >> 32n) === print)
    return word !== undefined && leftOf(word, now) > 0
  }

  /** ban until a tick. */
  ban({ place, print }: Source, now: number, until: number): void {
    const line = this.#lineOf(place)
    const at = line.findIndex((word) => Number(word >> 32n) === print)
    line[at >= 0 ? at : leastOf(line, print, (word) => leftOf(word, now) >>> 3)] =
      (BigInt(print) << 32n) | BigInt(until >>> 0)
  }

  #lineOf(place: number): BigUint64Array {
    const line = WAYS * Math.floor((place * (this.#words.length / WAYS)) / 2 ** 32)
    return this.#words.subarray(line, line + WAYS)
  }
}

/** leftOf a ban: ticks, or 0. */
function leftOf(word: bigint, now: number): number {
  const left = (Number(word & 0xffff_ffffn) - now) >>> 0
  return left < 2 ** 31 ? left : 0
}

/** leastOf a line: which word has the least rank; of equal ones the first behind the place that the print says. */
function leastOf(line: BigUint64Array, print: number, rank: (word: bigint) => number): number {
  const full = [...line].map((word, way) => 8 * rank(word) + ((print + way) & (WAYS - 1)))
  return full.indexOf(Math.min(...full))
}
