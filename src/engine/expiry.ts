// The daemon's walk over the table of answers, a slice at a time: records that have been silent for their service's
// time-out go. That is all: they are nobody's count, and those of servers and services that are no more go when the
// generation does (purge). Pure but for the memory it is given: it reads no clock.

import { ageOf, FLOW, SERVICE_SHIFT, STATE_SHIFT, TIME_MASK, WORDS } from '../dataplane/flow-record.ts'
import type { Records } from './records.ts'
import { SLICE, WALK_MS } from './sweep.ts'

export class Expiry {
  readonly #table: Records
  readonly #idle: Uint32Array
  #at = 0
  #endedAt = Number.NEGATIVE_INFINITY

  /** `idle`: [4 * service + state]: ticks of silence after which a record goes. */
  constructor(table: Records, idle: Uint32Array) {
    this.#table = table
    this.#idle = idle
  }

  /** step on: `now` by the engine's clock, `tick` by the packet path's. Returns how many records went. */
  step(now: number, tick: number, slice = SLICE): number {
    if (this.#at === 0 && now - this.#endedAt < WALK_MS) return 0
    const { entries } = this.#table
    const end = Math.min(entries, this.#at + slice)
    let gone = 0
    for (let entry = this.#at; entry < end; entry++) if (this.#look(entry, tick)) gone++
    this.#at = end === entries ? 0 : end
    if (this.#at === 0) this.#endedAt = now
    return gone
  }

  #look(entry: number, tick: number): boolean {
    const { words, stride } = this.#table
    const at = stride * entry
    const changing = words[at + WORDS.changing]!
    const state = changing >>> STATE_SHIFT
    if (state === FLOW.empty) return false
    const stable = words[at + WORDS.stable]!
    const idle = this.#idle[4 * ((stable >>> SERVICE_SHIFT) & 0xffff) + state] ?? 0
    return ageOf(tick, changing & TIME_MASK) > idle && this.#table.clear(entry, stable, changing)
  }
}
