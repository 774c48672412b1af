// How long checks of services' servers take, by asking the checker every few seconds, one service after the other: what a flood
// and an overload are told apart by.

import type { ChecksAnswer } from './api-schema-checks.ts'
import type { CheckFilter } from './check-details.ts'

/** EVERY_MS: from one question to the next. */
const EVERY_MS = 2_000
/** KEPT: services of which the answer is kept. */
const KEPT = 512

export class CheckTimes {
  readonly #ask: (filter: CheckFilter) => Promise<ChecksAnswer>
  readonly #known = new Map<string, number>()
  #askedAt = Number.NEGATIVE_INFINITY
  #isAsking = false

  constructor(ask: (filter: CheckFilter) => Promise<ChecksAnswer>) {
    this.#ask = ask
  }

  /** of a service: the median of its servers' last looks, ms; undefined: not known. */
  of(service: string): number | undefined {
    return this.#known.get(service)
  }

  /** sweep: the next of these services is asked about, those not asked yet first. */
  sweep(services: readonly string[], now: number): void {
    const isSoon = now - this.#askedAt < EVERY_MS && now >= this.#askedAt
    if (this.#isAsking || isSoon || services.length === 0) return
    const order = [...this.#known.keys()]
    const next =
      services.find((each) => !this.#known.has(each)) ?? order.find((each) => services.includes(each))
    if (next === undefined) return
    this.#askedAt = now
    this.#isAsking = true
    this.#ask({ service: next })
      .then(({ checks }) => {
        const times = checks
          .flatMap(({ history }) => history?.lastLook?.latencyMs ?? [])
          .sort((a, b) => a - b)
        const median = times[Math.floor(times.length / 2)]
        // asked last: it comes last again
        this.#known.delete(next)
        if (median !== undefined) this.#known.set(next, median)
        const [oldest] = this.#known.keys()
        if (this.#known.size > KEPT && oldest !== undefined) this.#known.delete(oldest)
      })
      .catch(() => this.#known.delete(next))
      .finally(() => {
        this.#isAsking = false
      })
  }
}
