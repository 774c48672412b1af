// What came of the last change of the file, for status; a refusal is told as an event, too. Its idea: each refusal that
// somebody waits for is told, once, however many hands it goes through; what nobody asked for and is tried again by itself
// is told when the reason is another one.

import type { EventSink } from '../events/event.ts'
import type { Problem, Status } from './api-schema.ts'
import type { Log } from './log.ts'
import { problemsOf, problemText } from './problem.ts'
import { tellRefused } from './tell.ts'

export interface LastReloadOptions {
  /** The file that is told of. */
  readonly file: string
  readonly events: EventSink
  readonly log: Log
  readonly now: () => Date
}

export class LastReload {
  readonly #options: LastReloadOptions
  #last: Status['lastReload']
  /** Errors that were told. */
  readonly #told = new WeakSet<object>()
  /** Why it was refused, as it was told last. */
  #reason: string | undefined

  constructor(options: LastReloadOptions) {
    this.#options = options
  }

  get status(): { lastReload?: Status['lastReload'] & {} } {
    return this.#last ? { lastReload: this.#last } : {}
  }

  /** applied: it was. */
  applied(): void {
    this.#keep(true, [])
  }

  /** refused: it was not, and why. `isAgain`: it is tried again by itself. Rethrows what is a bug. */
  refused(cause: string, error: unknown, isAgain = false): void {
    const problems = problemsOf(error)
    if (this.#told.has(error as object)) return
    this.#told.add(error as object)
    this.#keep(false, problems)
    const reason = problems.map(problemText).join('\n')
    const isNews = !isAgain || reason !== this.#reason
    this.#reason = reason
    if (isNews) tellRefused(this.#options, cause, problems)
  }

  #keep(done: boolean, problems: Problem[]): void {
    this.#last = { at: this.#options.now().toISOString(), done, problems }
  }
}
