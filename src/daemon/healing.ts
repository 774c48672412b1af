// What of the kernel was found other than it was left, and put right: told once. What somebody undoes again and again is
// put right each time, and is a problem, instead of an event each time, until it has been left alone for a while.

import type { Rewritten } from '../engine/audit.ts'
import type { EventSink } from '../events/event.ts'
import type { Problem } from './api-schema.ts'
import { problem } from './problem.ts'

/** QUIET_MS: left alone for so long, it is over. ONCE_MS: what is found within so long was done at once. */
export const QUIET_MS = 60_000
const ONCE_MS = 5_000

export class Healing {
  readonly #events: EventSink
  readonly #now: () => number
  /** By what it is: when it was put right first and last, and whether that was in vain. */
  readonly #healed = new Map<string, { first: number; last: number; isMended: boolean }>()

  /** `now`: ms of a clock that nobody sets. */
  constructor(events: EventSink, now: () => number) {
    this.#events = events
    this.#now = now
  }

  /** healed: `what` was found to be `found`, and was put right as `done` says. */
  healed(
    what: string,
    found: string,
    done: string,
    data: Readonly<Record<string, string | number>> = {},
  ): void {
    if (this.#note(what, true)) this.#tell(what, true, `${found}: ${done}`, data)
  }

  /** isNews: `what` was put right; whether that is to be told, as healed() tells it. */
  isNews(what: string): boolean {
    return this.#note(what, true)
  }

  /** rewritten: words of the packet path's memory. */
  rewritten(all: readonly Rewritten[]): void {
    for (const { what, words, isMended } of all) {
      const text = `somebody wrote to the packet path's memory, ${what} (${words} ${words === 1 ? 'word' : 'words'})`
      if (this.#note(what, isMended))
        this.#tell(what, isMended, `${text}: ${isMended ? 'written back' : 'it cannot be written back'}`, {
          words,
        })
    }
  }

  /** neighbours: the kernel's entries of so many servers on a NIC were deleted, and made again. */
  neighbours(nic: string, count: number): void {
    const entries = `the neighbour entries of ${count} ${count === 1 ? 'server' : 'servers'} on ${nic}`
    this.healed(`neighbours on ${nic}`, `${entries} were deleted`, 'made again, and asked for', { count })
  }

  /** problems: what does not stay as it is put. */
  problems(): readonly Problem[] {
    const now = this.#now()
    return [...this.#healed].flatMap(([what, { first, last, isMended }]) => {
      if (now - last >= QUIET_MS) {
        this.#healed.delete(what)
        return []
      }
      if (!isMended)
        return [problem('NOT_HEALED', `${what}: somebody writes there, and it cannot be put right`)]
      if (last - first < ONCE_MS) return []
      return [
        problem('CHANGED_AGAIN', `${what}: somebody changes it again and again; it is put right each time`),
      ]
    })
  }

  /** #note it; whether that is to be told. */
  #note(what: string, isMended: boolean): boolean {
    const now = this.#now()
    const before = this.#healed.get(what)
    const isNew = before === undefined || now - before.last >= QUIET_MS
    this.#healed.set(what, { first: isNew ? now : before.first, last: now, isMended })
    return isNew || before.isMended !== isMended
  }

  #tell(
    what: string,
    isMended: boolean,
    text: string,
    data: Readonly<Record<string, string | number>>,
  ): void {
    this.#events.record({
      kind: 'node.healed',
      severity: isMended ? 'warning' : 'error',
      text,
      data: { what, ...data },
    })
  }
}
