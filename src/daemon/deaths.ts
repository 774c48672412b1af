// How often a process ended by itself, and whether it does so again and again: a crash loop is so many ends within a time.
// Pure: whoever starts the process says when it has ended.

/** ProcessEnd: how a process ended: `status 1`, `SIGKILL`, `it hung`; and what it said last. */
export interface ProcessEnd {
  readonly how: string
  readonly words?: string
}

/** Death: `at` in ms of a clock that nobody sets. */
interface Death extends ProcessEnd {
  readonly at: number
}

/** LOOP: so many ends within so long are a crash loop; until fewer are. */
export const LOOP = { ends: 5, withinMs: 5 * 60_000 } as const

export class Deaths {
  /** All there were. */
  total = 0
  /** The latest ones, no more than a loop needs, the latest last. */
  #latest: readonly Death[] = []

  record(end: ProcessEnd, now: number): void {
    this.total++
    this.#latest = [...this.#latest.slice(1 - LOOP.ends), { ...end, at: now }]
  }

  /** last: the latest end. */
  get last(): ProcessEnd | undefined {
    return this.#latest.at(-1)
  }

  /** isLoop: it ends again and again. */
  isLoop(now: number): boolean {
    const [first] = this.#latest
    return this.#latest.length === LOOP.ends && now - first!.at <= LOOP.withinMs
  }
}

/** endText: `status 1: Error: no sockets left`. */
export const endText = ({ how, words }: ProcessEnd): string =>
  words === undefined ? how : `${how}: ${words}`
