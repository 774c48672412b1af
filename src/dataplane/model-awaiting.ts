// How long the packet path awaits records of other nodes, as path-awaiting.ts has it, for the model.

import { AWAIT, awaitTicks } from './awaiting.ts'
import { isOlder, TIME_MASK, tickOf } from './flow-record.ts'
import type { Clock, FlowsShape } from './shape.ts'

export class Awaiting {
  /** word: the map's. */
  word: number = AWAIT.nothing
  readonly #ticks: number
  readonly #clock: Clock

  constructor(flows: FlowsShape) {
    this.#ticks = awaitTicks(flows)
    this.#clock = flows.clock
  }

  /** awaits: whether a packet without a record, which is dropped if so, awaits it at so many jiffies. */
  awaits(jiffies: bigint): boolean {
    const now = tickOf(jiffies, this.#clock.shift)
    if (this.word === AWAIT.nothing) return false
    if (this.word !== AWAIT.records) return !isOlder(now, this.word & TIME_MASK, this.#ticks)
    this.word = (AWAIT.begun | now) >>> 0
    return true
  }
}
