// What all looks of a kind of check come to since the checker began: how they ended, how long good ones took, how late they
// began. For whoever watches over weeks; what one check has seen is in its history. Bounded by the number of kinds.

import type { Finding } from './checker.ts'
import { bucketOf, LATENCY_BOUNDS } from './history.ts'
import type { Alive } from './protocol.ts'

type KindTotals = Alive['totals'][number]

const noCounts = (): number[] => LATENCY_BOUNDS.map(() => 0).concat(0)

export class Totals {
  readonly #kinds = new Map<string, KindTotals>()
  readonly #lateness = { counts: noCounts(), sumMs: 0 }

  /** began: a look, so late. */
  began(lateMs: number): void {
    this.#lateness.counts[bucketOf(lateMs)]!++
    this.#lateness.sumMs += lateMs
  }

  /** ended: a look of a check of this kind. */
  ended(kind: string, { outcome, latencyMs }: Finding): void {
    const totals = this.#kinds.get(kind) ?? {
      kind,
      good: 0,
      bad: 0,
      none: 0,
      latencies: noCounts(),
      sumMs: 0,
    }
    this.#kinds.set(kind, totals)
    totals[outcome]++
    if (outcome !== 'good') return
    totals.latencies[bucketOf(latencyMs)]!++
    totals.sumMs += latencyMs
  }

  /** told: all of it, as a message has it. */
  get told(): Pick<Alive, 'totals' | 'lateness'> {
    return { totals: [...this.#kinds.values()], lateness: this.#lateness }
  }
}
