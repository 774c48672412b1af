// What the kernel had no room for, tried again every few ms until it is of no use any more. Its idea: only what nothing repeats soon
// enough waits here (that a role is given up, where addresses are now), one thing by each name, so that it is bounded. Left out:
// when, and what was tried before (whoever has it says).

/** AGAIN_MS: how soon it is tried again. */
const AGAIN_MS = 5

interface Waiting {
  /** attempt: whether it is done. */
  readonly attempt: () => boolean
  readonly until: number
}

export class Unsent {
  readonly #waiting = new Map<string, Waiting>()
  #nextAt = 0

  /** retry by `attempt`, which says whether it is done, until `until`; instead of what waited by this name. */
  retry(name: string, attempt: () => boolean, now: number, until: number): void {
    if (this.#waiting.size === 0) this.#nextAt = now + AGAIN_MS
    this.#waiting.set(name, { attempt, until })
  }

  /** drop what waits by this name. */
  drop(name: string): void {
    this.#waiting.delete(name)
  }

  /** nextAt: when tick() has something to do. */
  get nextAt(): number | undefined {
    return this.#waiting.size === 0 ? undefined : this.#nextAt
  }

  /** tick: what waits is tried again, if it is time; once it is too late for the last time. */
  tick(now: number): void {
    if (now < this.#nextAt) return
    this.#nextAt = now + AGAIN_MS
    for (const [name, { attempt, until }] of this.#waiting)
      if (attempt() || now >= until) this.#waiting.delete(name)
  }
}
