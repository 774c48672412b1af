// How long to leave something alone that was done in vain, or that somebody undoes: twice as long each time, until it has
// kept quiet as long again. Pure: the clock is handed in.

/** FIRST_MS: from the first time to the second; MOST_MS: from one to the next at most. */
export const FIRST_MS = 2_000
export const MOST_MS = 300_000

/** BackOff: of many things, each with a name. `now` is of a clock that nobody sets, in ms. */
export class BackOff {
  readonly #waits = new Map<string, { readonly until: number; readonly waitMs: number }>()

  /** isDue: whether it may be done now. */
  isDue(name: string, now: number): boolean {
    return (this.#waits.get(name)?.until ?? now) <= now
  }

  /** done: it was done now; the next time is later. */
  done(name: string, now: number): void {
    for (const [each, { until, waitMs }] of this.#waits) if (now >= until + waitMs) this.#waits.delete(each)
    const before = this.#waits.get(name)
    const waitMs = before ? Math.min(2 * before.waitMs, MOST_MS) : FIRST_MS
    this.#waits.set(name, { until: now + waitMs, waitMs })
  }

  /** forget it: the next time is now. */
  forget(name: string): void {
    this.#waits.delete(name)
  }
}
