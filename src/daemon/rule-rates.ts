// How fast rules match: the difference of two readings of their counters.

import type { DefenceReading } from '../engine/defence-status.ts'

/** EVERY_MS: from one reading to the next. */
const EVERY_MS = 2_000

export class RuleRates {
  #last: { readonly at: number; readonly hits: ReadonlyMap<string, bigint> } | undefined
  #perS: ReadonlyMap<string, number> = new Map()

  /** perS: packets that a rule matches a second; none before the second reading. */
  get perS(): ReadonlyMap<string, number> {
    return this.#perS
  }

  /** measure where it is time to. */
  measure(read: () => DefenceReading | undefined, now: number): void {
    const before = this.#last
    if (before && now - before.at < EVERY_MS && now >= before.at) return
    const hits = new Map(read()?.rules.map(({ name, opening, others }) => [name, opening + others] as const))
    this.#last = { at: now, hits }
    const seconds = before ? (now - before.at) / 1000 : 0
    const perS = new Map<string, number>()
    for (const [name, count] of hits) {
      const was = before?.hits.get(name)
      // counters begin anew where nothing was pinned any more
      if (was !== undefined && seconds > 0 && count >= was) perS.set(name, Number(count - was) / seconds)
    }
    this.#perS = perS
  }
}
