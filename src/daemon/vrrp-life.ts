// The process that has roles, as the daemon tells of it: whether it is there, how it ended and how often. What comes and
// goes once is an event each time; what ends again and again is one problem, for as long as it does.

import type { EventSink } from '../events/event.ts'
import type { Problem, Status } from './api-schema.ts'
import { Deaths, endText, LOOP, type ProcessEnd } from './deaths.ts'
import { problem } from './problem.ts'

/** VrrpLifeOptions: as the daemon's; `now` is for people to read, `monotonic` counts. */
export interface VrrpLifeOptions {
  readonly events: EventSink
  readonly now: () => Date
  readonly monotonic: () => number
}

export class VrrpLife {
  readonly #options: VrrpLifeOptions
  readonly #deaths = new Deaths()
  #present: { readonly pid: number; readonly since: Date } | undefined
  #absence = 'it was not reached yet'
  /** Undefined: nobody wanted it yet. */
  #absentSince: number | undefined
  #limits: readonly string[] = []
  #lastEndAt: Date | undefined

  constructor(options: VrrpLifeOptions) {
    this.#options = options
  }

  get isPresent(): boolean {
    return this.#present !== undefined
  }

  /** wanted: from now on it is missed. */
  wanted(): void {
    this.#absentSince ??= this.#options.monotonic()
  }

  came(pid: number): void {
    this.#present = { pid, since: this.#options.now() }
    if (!this.#isLoop) this.#tell('notice', 'the vrrp process is there', { pid })
  }

  gone(why: string): void {
    if (this.#present) {
      if (!this.#isLoop) this.#tell('warning', `the vrrp process is gone: ${why}`)
      this.#absentSince = this.#options.monotonic()
    }
    this.#present = undefined
    this.#absence = why
  }

  /** ended: by itself, or because it hung. */
  ended(end: ProcessEnd): void {
    if (!this.#isLoop) this.#tell('error', `the vrrp process ended: ${endText(end)}`)
    this.#deaths.record(end, this.#options.monotonic())
    this.#lastEndAt = this.#options.now()
  }

  /** heard: what it could not get of the machine: told, and no problem, since a container never has all of it. */
  heard(limits: readonly string[]): void {
    const before = this.#limits
    this.#limits = limits
    for (const text of limits)
      if (!before.includes(text)) this.#tell('warning', `the vrrp process has ${text}`)
  }

  /** problems: `patienceMs`: so long it may take to come. */
  problems(patienceMs: number): Problem[] {
    const found: Problem[] = []
    const now = this.#options.monotonic()
    if (!this.#present && now - (this.#absentSince ?? now) >= patienceMs)
      found.push(problem('VRRP_ABSENT', `this node has no roles that it could tell of: ${this.#absence}`))
    if (this.#isLoop)
      found.push(
        problem(
          'VRRP_CRASHES',
          `the vrrp process ended ${LOOP.ends} times and more within ${LOOP.withinMs / 60_000} minutes, the last time by ${endText(this.#deaths.last!)}`,
        ),
      )
    return found
  }

  /** status: the same as data. */
  get status(): NonNullable<Status['vrrp']> {
    const last = this.#deaths.last
    return {
      ...(this.#present
        ? { state: 'present', pid: this.#present.pid, since: this.#present.since.toISOString() }
        : { state: 'absent', why: this.#absence }),
      problems: [...this.#limits],
      ends: this.#deaths.total,
      isCrashLoop: this.#isLoop,
      ...(last && this.#lastEndAt && { lastEnd: { ...last, at: this.#lastEndAt.toISOString() } }),
    }
  }

  get #isLoop(): boolean {
    return this.#deaths.isLoop(this.#options.monotonic())
  }

  #tell(severity: 'notice' | 'warning' | 'error', text: string, data: { readonly pid?: number } = {}): void {
    this.#options.events.record({ kind: 'vrrp.process', severity, text, data })
  }
}
