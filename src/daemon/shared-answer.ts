// An answer that is costly, for however many ask for it all the time. One is made at a time, and whoever asks meanwhile gets the
// next one, which is the same for all of them: so nobody is told what was so before he asked, and those who poll cost as much as
// one does. After one that took long there is a rest of the same length, so that half of the time stays for everything else.

import { setTimeout as delay } from 'node:timers/promises'

/** SHORT_MS: no rest after one that took no longer. REST_MAX_MS: nor a longer one. */
const [SHORT_MS, REST_MAX_MS] = [20, 2_000] as const

/** Clock: `now` in ms of a clock that nobody sets; `rest` resolves after so many. */
export interface Clock {
  readonly now: () => number
  readonly rest: (ms: number) => Promise<unknown>
}

const machine: Clock = {
  now: () => performance.now(),
  rest: (ms) => delay(ms, undefined, { ref: false }),
}

export class SharedAnswer<Answer> {
  readonly #make: () => Promise<Answer>
  readonly #clock: Clock
  /** The one that is not begun yet. */
  #next: Promise<Answer> | undefined
  /** Resolves when the next one may begin. */
  #free: Promise<unknown> = Promise.resolve()

  constructor(make: () => Promise<Answer>, clock = machine) {
    this.#make = make
    this.#clock = clock
  }

  /** ask: an answer that is begun from now on. Rejects as it does. */
  ask(): Promise<Answer> {
    this.#next ??= this.#begin()
    return this.#next
  }

  async #begin(): Promise<Answer> {
    await this.#free
    this.#next = undefined
    const began = this.#clock.now()
    const made = this.#make()
    const rest = (): unknown => {
      const took = this.#clock.now() - began
      return took > SHORT_MS ? this.#clock.rest(Math.min(took, REST_MAX_MS)) : undefined
    }
    this.#free = made.then(rest, rest)
    return made
  }
}
