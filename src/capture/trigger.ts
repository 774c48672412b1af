// Which events are bad enough that what the recorder has around them is kept: a flood, a role that moved unasked, many servers
// failing at once. Who flaps does not fill the disk: of each kind one in QUIET_MS. Pure but for what it remembers.

import { type Event, isAtLeast } from '../events/event.ts'

/** QUIET_MS: within this time of an event, another of its kind asks for nothing. */
export const QUIET_MS = 300_000
/** MANY servers that go down within MANY_MS are many. */
export const MANY = 3
export const MANY_MS = 10_000

/** Kinds that count when they are as grave as a warning. */
const GRAVE: ReadonlySet<string> = new Set([
  ...['flood.began', 'service.held', 'service.quorum', 'service.sorry'],
  ...['role.changed', 'role.conflict', 'role.flapping', 'role.split'],
])

export class Trigger {
  /** When each kind asked last, and when servers went down lately. */
  readonly #asked = new Map<string, number>()
  #downs: number[] = []

  /** asks: whether what is around this event is to be kept. `now`: ms of a clock that never goes back. */
  asks(event: Pick<Event, 'kind' | 'severity'>, now: number): boolean {
    if (!this.#isGrave(event, now)) return false
    const last = this.#asked.get(event.kind)
    if (last !== undefined && now - last < QUIET_MS) return false
    this.#asked.set(event.kind, now)
    return true
  }

  #isGrave({ kind, severity }: Pick<Event, 'kind' | 'severity'>, now: number): boolean {
    if (kind !== 'server.down') return GRAVE.has(kind) && isAtLeast(severity, 'warning')
    this.#downs = [...this.#downs.filter((at) => now - at < MANY_MS), now].slice(-MANY)
    return this.#downs.length >= MANY
  }
}
