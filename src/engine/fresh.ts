// The newest records, by the word that packets leave of them (dataplane/memory.ts, freshOf): each CPU writes the key of a
// record that it is about to make into a ring, so that whoever tells other nodes need not look through a table to find it.
// A ring is a hint and no more: of more than it holds the oldest are forgotten, and a record that is not there yet, or not
// any more, is passed over; the walk through the table (flow-news.ts) finds each in its time. Pure but for the memory.

import type { Memory } from '../dataplane/memory.ts'
import { type EventName, eventNames } from '../dataplane/outcomes.ts'
import type { FlowTableName } from './flow-exchange.ts'

/** FRESH: keys in each ring: between two looks of 4 ms, 64,000 new records a second of one CPU. A power of two. */
export const FRESH = 256

const EVENTS: Readonly<Record<FlowTableName, EventName>> = {
  flows: 'flow-insert',
  answers: 'answer-insert',
}

export class Fresh {
  readonly #words: Uint32Array
  readonly #memory: Memory
  /** By table and CPU: how many records were made when it was looked at last, modulo 2^32. */
  readonly #seen: Readonly<Record<FlowTableName, Uint32Array>>

  /** `counters`: the map of a generation whose shape has rings. What is in them now is nothing new. */
  constructor(counters: BigUint64Array, memory: Memory) {
    this.#words = new Uint32Array(counters.buffer, counters.byteOffset, 2 * counters.length)
    this.#memory = memory
    const seen = () => new Uint32Array(memory.counters.type.fields.blocks.count)
    this.#seen = { flows: seen(), answers: seen() }
    this.take('flows')
    this.take('answers')
  }

  /** take the keys that are new, each as its two halves: records' `hash` and `other`. */
  take(table: FlowTableName): readonly (readonly [hash: number, other: number])[] {
    const { Block } = this.#memory
    const { type, at } = { type: Block.fields.fresh, at: Block.offsets.fresh }
    const size = type.fields[table].count
    const event = Block.offsets.events + 8 * eventNames.indexOf(EVENTS[table])
    const seen = this.#seen[table]
    const keys: (readonly [number, number])[] = []
    for (let cpu = 0; cpu < seen.length; cpu++) {
      const block = cpu * Block.size
      const made = this.#words[(block + event) / 4]!
      const first = made - Math.min(size, (made - seen[cpu]!) >>> 0)
      for (let number = first; number < made; number++) {
        const ring = (block + at + type.offsets[table]) / 4 + 2 * (((number % size) + size) % size)
        keys.push([this.#words[ring + 1]!, this.#words[ring]!])
      }
      seen[cpu] = made
    }
    return keys
  }
}
