// What has changed in a table of records since other nodes were told of it. A record is told when it is new, when its
// server, state or hop is another, and when its time is: but only if that has gone on by an eighth of its time-out, or if
// the flow has been silent for so long. So a flow that sends all the time costs eight records a time-out, and of one that
// has fallen silent others know exactly when it did, long before that matters. Pure but for the memory it is given.

import { ANSWER_WORDS } from '../dataplane/answer-record.ts'
import {
  ageOf,
  FLOW,
  SERVICE_SHIFT,
  STATE_SHIFT,
  TEMPLATE,
  TIME_MASK,
  WORDS,
} from '../dataplane/flow-record.ts'
import type { Records, WholeRecord } from './records.ts'

/** REFRESHES: a time is told anew after this part of a time-out. */
const REFRESHES = 8

/** NewsLives: ticks of silence after which records go: [4 * service + state], and by service of client networks. */
export interface NewsLives {
  readonly idle: Uint32Array
  readonly networks: Uint32Array
}

/** BLOCK: entries that are compared at once. */
const BLOCK = 256

const bytesOf = (words: Uint32Array, start: number, end: number): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset + 4 * start, 4 * (end - start))

export class FlowNews {
  readonly #records: Records
  readonly #refresh: Uint32Array
  readonly #networks: Uint32Array
  /** The table as others know it. */
  readonly #told: Uint32Array
  #at = 0

  /** What is in the table now counts as told: who does not know it is told all of it (bulk). */
  constructor(records: Records, { idle, networks }: NewsLives) {
    this.#records = records
    this.#told = records.words.slice()
    const part = (ticks: number) => Math.max(1, Math.floor(ticks / REFRESHES))
    this.#refresh = idle.map(part)
    this.#networks = networks.map(part)
  }

  /**
   * step looks at the next `entries`, and puts what is news into `into`, which holds `most` at most: it stops where that is
   * full, and goes on there. `tick`: now. Returns whether it has come to the end of the table, and begins anew.
   */
  step(tick: number, entries: number, into: WholeRecord[], most: number): boolean {
    const { words, stride } = this.#records
    const told = this.#told
    const end = Math.min(this.#records.entries, this.#at + entries)
    let entry = this.#at
    for (; entry < end && into.length < most; entry++) {
      if (entry % BLOCK === 0 && this.#isBlockSame(entry)) {
        entry += BLOCK - 1
        continue
      }
      const at = stride * entry
      const changing = words[at + WORDS.changing]!
      const isSame =
        changing === told[at + WORDS.changing] &&
        words[at + WORDS.keyLow] === told[at + WORDS.keyLow] &&
        words[at + WORDS.stable] === told[at + WORDS.stable]
      if (isSame && !this.#hasMoved(at)) continue
      if (changing >>> STATE_SHIFT === FLOW.empty || !this.#isNews(at, tick)) continue
      const record = this.#records.recordAt(entry)
      if (!record) continue
      this.tell(entry)
      into.push(record)
    }
    this.#at = entry >= this.#records.entries ? 0 : entry
    return this.#at === 0
  }

  /** rewind: the next step begins at the table's first entry. */
  rewind(): void {
    this.#at = 0
  }

  /** #isBlockSame: nothing has changed in a block of entries. */
  #isBlockSame(entry: number): boolean {
    const { words, stride } = this.#records
    const [start, end] = [stride * entry, Math.min(words.length, stride * (entry + BLOCK))]
    return Buffer.compare(bytesOf(words, start, end), bytesOf(this.#told, start, end)) === 0
  }

  /** skip: what is in the table now counts as told. */
  skip(): void {
    this.#told.set(this.#records.words)
  }

  /** tell: others know what an entry holds now. */
  tell(entry: number): void {
    const { words, stride } = this.#records
    const at = stride * entry
    for (let word = at; word < at + stride; word++) this.#told[word] = words[word]!
  }

  /** #hasMoved: an answer's hop is another. */
  #hasMoved(at: number): boolean {
    if (this.#records.stride !== ANSWER_WORDS.count) return false
    const { words } = this.#records
    const hop = at + ANSWER_WORDS.hop
    return words[hop] !== this.#told[hop] || words[hop + 1] !== this.#told[hop + 1]
  }

  /** #isNews: whether what differs is more than a time that does not matter yet. */
  #isNews(at: number, tick: number): boolean {
    const { words } = this.#records
    const told = this.#told
    const stable = words[at + WORDS.stable]!
    const changing = words[at + WORDS.changing]!
    const was = told[at + WORDS.changing]!
    if (
      stable !== told[at + WORDS.stable] ||
      words[at + WORDS.keyLow] !== told[at + WORDS.keyLow] ||
      words[at + WORDS.keyHigh] !== told[at + WORDS.keyHigh] ||
      changing >>> STATE_SHIFT !== was >>> STATE_SHIFT ||
      this.#hasMoved(at)
    )
      return true
    const service = (stable >>> SERVICE_SHIFT) & 0xffff
    const isNetwork = (stable & TEMPLATE) !== 0
    const part =
      (isNetwork ? this.#networks[service] : this.#refresh[4 * service + (changing >>> STATE_SHIFT)]) ?? 1
    const time = changing & TIME_MASK
    return ((time - was) & TIME_MASK) >= part || ageOf(tick, time) >= part
  }
}
