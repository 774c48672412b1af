// The flow table in plain TypeScript, for the model: the same layout in memory as the program's (flow-record.ts), the
// same places tried in the same order, so that both tables can be compared byte for byte. Left out: other CPUs.

import {
  BUCKET_ENTRIES,
  bucketsOfFlow,
  FLOW,
  type FlowRecord,
  type FlowState,
  flowRecordAt,
  rankOf,
  storeFlowRecord,
  WORDS,
} from './flow-record.ts'

/** FlowId: both hashes of a flow. */
export interface FlowId {
  readonly hash: number
  readonly other: number
}

/** Found: a record and the entry that it is in. */
export interface Found extends FlowRecord {
  readonly entry: number
}

export class FlowTable {
  /** words: the table as the kernel has it, four words an entry. */
  readonly words: Uint32Array
  readonly #buckets: number

  constructor(buckets: number) {
    this.#buckets = buckets
    this.words = new Uint32Array(buckets * BUCKET_ENTRIES * WORDS.count)
  }

  /** find a flow's record, in the first bucket or the second. */
  find({ hash, other }: FlowId): Found | undefined {
    for (const entry of this.#entries(hash, other)) {
      const record = flowRecordAt(this.words, entry)
      if (record?.hash === hash && record.other === other) return { ...record, entry }
    }
    return undefined
  }

  /**
   * candidate: the entry that a new record of a flow goes to, with what is there now: of the least rank; of several the
   * nearest to its bucket's start; of these the first bucket's.
   */
  candidate(
    { hash, other }: FlowId,
    now: number,
  ): { readonly entry: number; readonly is: FlowRecord | undefined } {
    let best = -1
    let least = Number.POSITIVE_INFINITY
    for (const entry of this.#entries(hash, other)) {
      const rank = rankOf(this.words[WORDS.count * entry + WORDS.changing]!, now) + (entry % BUCKET_ENTRIES)
      if (rank >= least) continue
      least = rank
      best = entry
    }
    return { entry: best, is: flowRecordAt(this.words, best) }
  }

  /** write a record. */
  write(entry: number, record: FlowRecord): void {
    storeFlowRecord(this.words, entry, record)
  }

  /** touch: a packet of the record's flow came. */
  touch(entry: number, state: FlowState, now: number): void {
    this.words[WORDS.count * entry + WORDS.changing] = (state << 30) | now
  }

  *#entries(hash: number, other: number): Generator<number> {
    for (const bucket of bucketsOfFlow(hash, other, this.#buckets))
      for (let place = 0; place < BUCKET_ENTRIES; place++) yield bucket * BUCKET_ENTRIES + place
  }
}

/** isEstablished: whether a record is in the state of flows that a SYN must not push out. */
export const isEstablished = (record: FlowRecord | undefined): record is FlowRecord =>
  record?.state === FLOW.established
