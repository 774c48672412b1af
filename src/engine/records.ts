// The flow table as the daemon writes to it, beside a packet path that does the same: single records are taken away, or
// put in, by 64-bit stores in an order in which no reader takes half a record for a whole one of another flow (the key
// holds the stable half of the value, flow-record.ts). Reading is plain: a record read while it is written is judged by
// what it was, and taken away only if it is still that.

import { ANSWER_WORDS } from '../dataplane/answer-record.ts'
import {
  ageOf,
  BUCKET_ENTRIES,
  bucketsOfFlow,
  FLOW,
  type FlowRecord,
  flowRecordAt,
  SERVICE_SHIFT,
  STATE_SHIFT,
  stableOf,
  TIME_MASK,
  WORDS,
} from '../dataplane/flow-record.ts'

/** WholeRecord: what an entry holds. `tail`: its words behind key and value, of the table of answers. */
export interface WholeRecord extends FlowRecord {
  readonly tail?: Uint32Array
}

/** Records: a view of the memory of the map `flows`, or `answers`, whose entries have more `words`; `entries` records. */
export class Records {
  readonly words: Uint32Array
  readonly entries: number
  /** Words of an entry. */
  readonly stride: number
  readonly #halves: BigUint64Array

  constructor(words: Uint32Array, entries: number, stride: number = WORDS.count) {
    this.words = words.subarray(0, stride * entries)
    this.entries = entries
    this.stride = stride
    this.#halves = new BigUint64Array(words.buffer, words.byteOffset, (stride / 2) * entries)
  }

  /** recordAt: undefined where the entry is empty. */
  recordAt(entry: number): WholeRecord | undefined {
    const { stride, words } = this
    const record = flowRecordAt(words, entry, stride)
    if (!record || stride === WORDS.count) return record
    return { ...record, tail: words.slice(stride * entry + WORDS.count, stride * (entry + 1)) }
  }

  /** find the record of a flow by its two hashes: its entry, or -1. */
  find(hash: number, other: number): number {
    const { words } = this
    for (const bucket of bucketsOfFlow(hash, other, this.entries / BUCKET_ENTRIES)) {
      for (let entry = BUCKET_ENTRIES * bucket; entry < BUCKET_ENTRIES * (bucket + 1); entry++) {
        const at = this.stride * entry
        if (words[at + WORDS.changing]! >>> STATE_SHIFT === FLOW.empty) continue
        const stable = words[at + WORDS.stable]!
        if ((words[at + WORDS.keyHigh]! ^ stable) >>> 0 !== hash) continue
        if ((words[at + WORDS.keyLow]! ^ stable) >>> 0 === other) return entry
      }
    }
    return -1
  }

  /** clear an entry, unless a packet has changed it since its words were `stable` and `changing`. */
  clear(entry: number, stable: number, changing: number): boolean {
    const value = (BigInt(changing) << 32n) | BigInt(stable)
    return Atomics.compareExchange(this.#halves, (this.stride / 2) * entry + 1, value, 0n) === value
  }

  /** clearWhere: takes away every record that `isGone` says so of; how many. `via`: of an answer the number of its hop's interface. */
  clearWhere(isGone: (server: number, service: number, via: number) => boolean): number {
    let cleared = 0
    for (let entry = 0; entry < this.entries; entry++) {
      const at = this.stride * entry
      const changing = this.words[at + WORDS.changing]!
      if (changing >>> STATE_SHIFT === FLOW.empty) continue
      const stable = this.words[at + WORDS.stable]!
      const via = this.stride === ANSWER_WORDS.count ? this.words[at + ANSWER_WORDS.hop + 1]! >>> 16 : 0
      if (!isGone(stable & 0x7fff, (stable >>> SERVICE_SHIFT) & 0xffff, via)) continue
      // a packet that is on its way through the entry brings it back: once more takes it away
      if (this.clear(entry, stable, changing)) cleared++
      else entry--
    }
    return cleared
  }

  /**
   * put a record where its flow's is, or in place of what matters least of both its buckets, by the packet path's own
   * order: empty, closed, SYN only, established; the oldest of each. False: there are eight that matter more.
   */
  put(record: WholeRecord, now: number): boolean {
    let place = this.find(record.hash, record.other)
    if (place < 0) {
      let least = rankOf((record.state << STATE_SHIFT) | record.time, now)
      for (const bucket of bucketsOfFlow(record.hash, record.other, this.entries / BUCKET_ENTRIES)) {
        for (let entry = BUCKET_ENTRIES * bucket; entry < BUCKET_ENTRIES * (bucket + 1); entry++) {
          const rank = rankOf(this.words[this.stride * entry + WORDS.changing]!, now)
          if (rank >= least) continue
          least = rank
          place = entry
        }
      }
    }
    if (place < 0) return false
    const { hash, other, time, state } = record
    const stable = stableOf(record)
    const key = (BigInt((hash ^ stable) >>> 0) << 32n) | BigInt((other ^ stable) >>> 0)
    const value = (BigInt(((state << STATE_SHIFT) | time) >>> 0) << 32n) | BigInt(stable >>> 0)
    const at = (this.stride / 2) * place
    Atomics.store(this.#halves, at + 1, 0n)
    if (record.tail) this.words.set(record.tail, this.stride * place + WORDS.count)
    Atomics.store(this.#halves, at, key)
    Atomics.store(this.#halves, at + 1, value)
    return true
  }
}

/** rankOf an entry by its time and state: what matters least has the lowest. */
function rankOf(changing: number, now: number): number {
  const state = changing >>> STATE_SHIFT
  return state === FLOW.empty ? -1 : state * 0x40000000 + (0x3fffffff - ageOf(now, changing & TIME_MASK))
}
