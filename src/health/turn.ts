// Whoever reads from a server that always has more never waits, and a promise that is kept already lets nobody else in: no
// timer, so not even the look's own time-out, and none of the thousand other looks. So after so many reads without a wait
// a reader steps back behind everybody else. One that ended meanwhile is not gone on with.

/** READS_A_TURN: reads without a wait; of 8 KiB at most each. */
const READS_A_TURN = 2

/** Turn: of one reader. */
export class Turn implements Disposable {
  #left = READS_A_TURN
  #pass: NodeJS.Immediate | undefined

  /** taken: something was there to be read. */
  taken(): void {
    this.#left--
  }

  /** begin a new one: others ran, since there was nothing to be read. */
  begin(): void {
    this.#left = READS_A_TURN
  }

  get isOver(): boolean {
    return this.#left <= 0
  }

  /** pass resolves when all others had theirs; never, if this ends before. */
  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#pass = setImmediate(() => {
        this.begin()
        resolve()
      })
    })
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#pass)
  }
}
