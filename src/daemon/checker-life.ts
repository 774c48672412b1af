// The process that looks at servers, as the daemon tells of it: whether it is there and since when, how it ended and how
// often, what it says of itself each second. What comes and goes once is an event each time; what ends again and again is
// one problem, for as long as it does. Pure but for the clocks that are handed in.

import type { EventSink } from '../events/event.ts'
import type { Alive } from '../health/protocol.ts'
import type { Problem, Status } from './api-schema.ts'
import { Deaths, endText, LOOP, type ProcessEnd } from './deaths.ts'
import { problem } from './problem.ts'

/** CheckerLifeOptions: as the daemon's. */
export interface CheckerLifeOptions {
  readonly events: EventSink
  /** now: for people to read; what is counted is counted by `monotonic`. */
  readonly now: () => Date
  readonly monotonic: () => number
}

/** PATIENCE_MS: it may take so long until it makes all checks that it was told of. */
const PATIENCE_MS = 5_000

export class CheckerLife {
  readonly #options: CheckerLifeOptions
  readonly #deaths = new Deaths()
  #present: { readonly pid: number; readonly since: Date } | undefined
  #hasAnswered = false
  #absence = 'it was not reached yet'
  #alive: Alive | undefined
  #lastEndAt: Date | undefined
  #ordered = 0
  /** When it last made all checks that were ordered, as far as is known. */
  #wholeAt = 0

  constructor(options: CheckerLifeOptions) {
    this.#options = options
  }

  /** isPresent: it has said what it knows of what it was told to look at. */
  get isPresent(): boolean {
    return this.#hasAnswered
  }

  /** answered: it has. */
  answered(): void {
    this.#hasAnswered = true
  }

  /** came: it can be reached. */
  came(pid: number): void {
    this.#present = { pid, since: this.#options.now() }
    if (!this.#isLoop) this.#tell('notice', 'the checker is there', { pid })
  }

  /** gone: it cannot be reached; whether it was there before. */
  gone(why: string): boolean {
    const wasPresent = this.isPresent
    if (this.#present && !this.#isLoop) this.#tell('warning', `the checker is gone: ${why}`)
    this.#present = undefined
    this.#hasAnswered = false
    this.#alive = undefined
    this.#absence = why
    return wasPresent
  }

  /** ended: by itself, or because it hung. */
  ended(end: ProcessEnd): void {
    if (!this.#isLoop) this.#tell('warning', `the checker ended: ${endText(end)}`)
    this.#deaths.record(end, this.#options.monotonic())
    this.#lastEndAt = this.#options.now()
  }

  /** heard: what it says each second. */
  heard(alive: Alive): void {
    this.#alive = alive
    if (alive.watched >= this.#ordered) this.#wholeAt = this.#options.monotonic()
  }

  /** ordered: so many checks are to be made from now on. */
  ordered(checks: number): void {
    this.#ordered = checks
    this.#wholeAt = this.#options.monotonic()
  }

  /** overdueKeys: some of those checks that stand still. */
  get overdueKeys(): readonly string[] {
    return this.#alive?.overdue.keys ?? []
  }

  /** problems of it; `namesOf`: whom some checks are about, by their keys. */
  problems(namesOf: (keys: readonly string[]) => readonly string[]): Problem[] {
    const found: Problem[] = []
    if (!this.isPresent) found.push(problem('CHECKER_ABSENT', `servers are not looked at: ${this.#absence}`))
    if (this.#isLoop)
      found.push(
        problem(
          'CHECKER_CRASHES',
          `the checker ended ${LOOP.ends} times and more within ${LOOP.withinMs / 60_000} minutes, the last time by ${endText(this.#deaths.last!)}`,
        ),
      )
    const { watched, overdue, unkept } = this.#alive ?? {}
    if (watched !== undefined && watched < this.#ordered && this.#partMs > PATIENCE_MS)
      found.push(
        problem(
          'CHECKS_OVERDUE',
          `the checker makes ${watched} of ${this.#ordered} checks that were ordered`,
        ),
      )
    if (overdue && overdue.count > 0) {
      const count = overdue.count === 1 ? '1 check stands' : `${overdue.count} checks stand`
      found.push(problem('CHECKS_OVERDUE', `${count} still: ${namesOf(overdue.keys).slice(0, 3).join(', ')}`))
    }
    if (unkept !== undefined)
      found.push(problem('CHECKS_UNKEPT', `what checks found would be lost with the checker: ${unkept}`))
    return found
  }

  /** status: the same as data. */
  get status(): NonNullable<Status['checker']> {
    const { watched, looks, lateP99Ms, latestMs, overdue, totals, lateness } = this.#alive ?? {}
    const last = this.#deaths.last
    return {
      ...(this.#present && this.isPresent
        ? { state: 'present', pid: this.#present.pid, since: this.#present.since.toISOString() }
        : { state: 'absent', why: this.#absence }),
      ...(watched !== undefined && { checks: watched }),
      ...(looks !== undefined && { looks, lateP99Ms: lateP99Ms!, latestMs: latestMs! }),
      ...(overdue && { overdue: overdue.count }),
      ...(totals && { totals: totals.map((each) => ({ ...each, latencies: [...each.latencies] })) }),
      ...(lateness && { lateness: { counts: [...lateness.counts], sumMs: lateness.sumMs } }),
      ends: this.#deaths.total,
      isCrashLoop: this.#isLoop,
      ...(last && this.#lastEndAt && { lastEnd: { ...last, at: this.#lastEndAt.toISOString() } }),
    }
  }

  get #partMs(): number {
    return this.#options.monotonic() - this.#wholeAt
  }

  get #isLoop(): boolean {
    return this.#deaths.isLoop(this.#options.monotonic())
  }

  #tell(severity: 'notice' | 'warning', text: string, data: { readonly pid?: number } = {}): void {
    this.#options.events.record({ kind: 'node.checker', severity, text, data })
  }
}
