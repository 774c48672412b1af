// What an address set counts: adverts out and in, by what they were worth, and how late they left.

import type { Finding } from './finding.ts'
import { noLateness, withLate } from './lateness.ts'
import type { Counters, Lateness } from './protocol.ts'

/** Counted: what is simply counted. */
type Counted = 'sent' | 'received' | 'takeovers' | 'announced' | 'unsent'

export class Tallies {
  readonly #counts: Record<Counted, number> = { sent: 0, received: 0, takeovers: 0, announced: 0, unsent: 0 }
  readonly #refused: Record<string, number> = {}
  readonly #remarked: Record<string, number> = {}
  #lateness: Lateness = noLateness

  count(what: Counted): void {
    this.#counts[what]++
  }

  refused({ name }: Pick<Finding, 'name'>): void {
    this.#refused[name] = (this.#refused[name] ?? 0) + 1
  }

  remarked({ name }: Pick<Finding, 'name'>): void {
    this.#remarked[name] = (this.#remarked[name] ?? 0) + 1
  }

  late(ms: number): void {
    this.#lateness = withLate(this.#lateness, Math.max(0, ms))
  }

  get counters(): Counters {
    return { ...this.#counts, refused: { ...this.#refused }, remarked: { ...this.#remarked } }
  }

  get lateness(): Lateness {
    return this.#lateness
  }
}
