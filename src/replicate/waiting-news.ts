// News that wait for one node, in the order in which they came, numbered, so that who wants to know whether what there was at
// some time has gone need not wait for what came after it. Left out: how many may wait, and what is under way (link.ts).

import type { FlowBatch } from '../engine/flow-exchange.ts'
import { mergeBatches } from './merge-batches.ts'

interface News {
  readonly batch: FlowBatch
  readonly number: number
}

export class WaitingNews {
  #all: News[] = []
  #records = 0
  #last = 0

  /** records that wait. */
  get records(): number {
    return this.#records
  }

  /** last: the number of the latest news, gone or not. */
  get last(): number {
    return this.#last
  }

  /** first: the number of the oldest that wait; Infinity: none do. */
  get first(): number {
    return this.#all[0]?.number ?? Number.POSITIVE_INFINITY
  }

  add(batch: FlowBatch): void {
    this.#all.push({ batch, number: ++this.#last })
    this.#records += batch.records.length
  }

  /** take the oldest, and all of its table that `most` records have room for, as one. */
  take(most: number): FlowBatch | undefined {
    const [oldest] = this.#all
    if (!oldest) return undefined
    const [taken, left]: [FlowBatch[], News[]] = [[], []]
    let records = 0
    for (const news of this.#all) {
      const { batch } = news
      const fits = batch.table === oldest.batch.table && records + batch.records.length <= most
      if (fits) {
        records += batch.records.length
        taken.push(batch)
      } else left.push(news)
    }
    this.#all = left
    this.#records -= records
    return mergeBatches(taken)
  }

  /** drop all that wait. */
  drop(): void {
    this.#all = []
    this.#records = 0
  }
}
