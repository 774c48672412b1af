// Records moved into a flow table of another size while packets go on changing the old one. The first pass copies all;
// each later one what has changed since the pass before, so that the last, after the program has been swapped, has only
// what came in during the one before it. A copy of the old table as the last pass saw it tells what changed.

import type { Records } from './records.ts'

/** Entries that are compared at once. */
const BLOCK = 1024

const bytesOf = (words: Uint32Array, start: number, end: number): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset + 4 * start, 4 * (end - start))

/** Copied: records put into the new table by a pass, and those that had no room there. */
export interface Copied {
  readonly placed: number
  readonly unplaced: number
}

export class FlowCopy {
  readonly #from: Records
  readonly #to: Records
  readonly #seen: Uint32Array

  constructor(from: Records, to: Records) {
    this.#from = from
    this.#to = to
    this.#seen = new Uint32Array(from.words.length)
  }

  /** pass copies what has changed since the one before. `now`: the packet path's tick. */
  pass(now: number): Copied {
    const { words, stride } = this.#from
    let [placed, unplaced] = [0, 0]
    for (let start = 0; start < words.length; start += BLOCK * stride) {
      const end = Math.min(words.length, start + BLOCK * stride)
      if (Buffer.compare(bytesOf(words, start, end), bytesOf(this.#seen, start, end)) === 0) continue
      for (let at = start; at < end; at += stride) {
        if (!this.#isNews(at)) continue
        const record = this.#from.recordAt(at / stride)
        if (!record) continue
        if (this.#to.put(record, now)) placed++
        else unplaced++
      }
    }
    return { placed, unplaced }
  }

  /** #isNews: whether an entry has changed since it was seen; it has been now. */
  #isNews(at: number): boolean {
    const { words, stride } = this.#from
    let isNews = false
    for (let word = at; word < at + stride; word++) {
      if (words[word] === this.#seen[word]) continue
      this.#seen[word] = words[word]!
      isNews = true
    }
    return isNews
  }

  /** missing: how many of the records that were seen are not in the new table as they were. */
  missing(): number {
    let missing = 0
    for (let entry = 0; entry < this.#from.entries; entry++) {
      const record = this.#from.recordAt(entry)
      if (!record) continue
      const found = this.#to.find(record.hash, record.other)
      const copy = found < 0 ? undefined : this.#to.recordAt(found)
      if (copy?.server !== record.server || copy.service !== record.service) missing++
    }
    return missing
  }
}
