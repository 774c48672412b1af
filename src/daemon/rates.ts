// How fast the packet path's counters grow, by service and by server: the difference of two readings over the time
// between them. A few readings are kept, of names that the file has, so memory is bounded by the file. A counter that
// is new, or has gone back because nothing was pinned any more, has no rate until it was read twice.

import type { EventName } from '../dataplane/outcomes.ts'
import type { Totals, Traffic } from '../engine/engine.ts'

/** Rate: a second, over the window. Bits are of IP packets, without Ethernet. */
export interface Rate {
  readonly packets: number
  readonly bits: number
}

/** RateView: the rates as of the latest reading. */
export interface RateView {
  readonly services: ReadonlyMap<string, Rate>
  readonly servers: ReadonlyMap<string, Rate>
  /** Records made for flows that had none, a second; absent where no flow is remembered. */
  readonly newFlows?: number
  /** Packets a second by outcome. */
  readonly outcomes: ReadonlyMap<string, number>
}

/** RATE_EVERY_MS: from one reading to the next. */
export const RATE_EVERY_MS = 2_000
/** Rates are over so many intervals between readings. */
const INTERVALS = 2

interface Reading {
  readonly at: number
  readonly totals: Totals
}

export class Rates {
  /** The oldest first. */
  #readings: readonly Reading[] = []

  /** measure reads again where it is time to; `now` in ms of a clock that nobody sets. */
  measure(read: () => Totals, now: number): void {
    const latest = this.#readings.at(-1)
    if (latest && now - latest.at < RATE_EVERY_MS) return
    this.#readings = [...this.#readings.slice(-INTERVALS), { at: now, totals: read() }]
  }

  /** view: none before the second reading. */
  get view(): RateView {
    const first = this.#readings[0]
    const last = this.#readings.at(-1)
    if (!first || !last || first === last)
      return { services: new Map(), servers: new Map(), outcomes: new Map() }
    const seconds = (last.at - first.at) / 1_000
    const grown = (before: bigint | undefined, now: bigint | undefined) =>
      before === undefined || now === undefined || now < before ? undefined : Number(now - before) / seconds
    const rates = (before: ReadonlyMap<string, Traffic>, now: ReadonlyMap<string, Traffic>) =>
      new Map(
        [...now].flatMap(([name, { packets, bytes }]) => {
          const [a, b] = [grown(before.get(name)?.packets, packets), grown(before.get(name)?.bytes, bytes)]
          return a === undefined || b === undefined ? [] : [[name, { packets: a, bits: 8 * b }] as const]
        }),
      )
    const newFlows = grown(first.totals.events.get(MADE), last.totals.events.get(MADE))
    const outcomes = [...last.totals.outcomes].flatMap(([name, count]) => {
      const perS = grown(first.totals.outcomes.get(name), count)
      return perS === undefined ? [] : [[name, perS] as const]
    })
    return {
      outcomes: new Map(outcomes),
      services: rates(first.totals.services, last.totals.services),
      servers: rates(first.totals.servers, last.totals.servers),
      ...(newFlows !== undefined && { newFlows }),
    }
  }
}

const MADE: EventName = 'flow-insert'
