// A job that many ask for, such as looking at the machine when its network tells of a change. It begins at once; asked for again
// while it runs or shortly afterwards, it is done once more, a while later, for all who asked. So whoever changes the network all
// the time, us among them, has his changes looked at a bounded number of times a second.

/** SpacedOptions: `gapMs` from the end of one run to the next; `monotonic`: ms. */
export interface SpacedOptions {
  readonly gapMs: number
  readonly monotonic: () => number
  readonly job: () => Promise<void>
}

/** Spaced: disposed, it begins no more. */
export class Spaced implements Disposable {
  readonly #options: SpacedOptions
  #endedAt = Number.NEGATIVE_INFINITY
  #isAsked = false
  #isRunning = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(options: SpacedOptions) {
    this.#options = options
  }

  ask(): void {
    this.#isAsked = true
    this.#next()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #next(): void {
    if (this.#isOver || !this.#isAsked || this.#isRunning || this.#timer) return
    const { gapMs, monotonic, job } = this.#options
    const waitMs = this.#endedAt + gapMs - monotonic()
    if (waitMs > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.#next()
      }, waitMs).unref()
      return
    }
    this.#isAsked = false
    this.#isRunning = true
    void job().finally(() => {
      this.#isRunning = false
      this.#endedAt = monotonic()
      this.#next()
    })
  }
}
