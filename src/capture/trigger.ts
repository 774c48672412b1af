// Which events are bad enough that what the recorder has around them is kept: a flood, a role that moved unasked, many servers
// failing at once. Who flaps does not fill the disk: about one thing one in QUIET_MS, and over all things so many an hour, of
// which the last few are for what is new: no decoy keeps a flood from being captured. Pure but for what it remembers.

import { type Event, isAtLeast } from '../events/event.ts'

/** QUIET_MS: within this time of an event, another about the same asks for nothing. */
export const QUIET_MS = 300_000
/** MOST captures are begun one after the other, and then one each REFILL_MS: twelve an hour. */
export const MOST = 6
export const REFILL_MS = 300_000
/** RESERVED of them are for what has had none for NEWS_MS. */
export const RESERVED = 3
const NEWS_MS = 3_600_000
/** KEYS: so many things are remembered. */
const KEYS = 256
/** MANY servers that go down within MANY_MS are many. */
export const MANY = 3
export const MANY_MS = 10_000

/** Kinds that count when they are as grave as a warning. */
const GRAVE: ReadonlySet<string> = new Set([
  ...['flood.began', 'service.held', 'service.quorum', 'service.sorry'],
  ...['role.changed', 'role.conflict', 'role.flapping', 'role.split'],
])

/** Heard: what of an event says what it is about. */
export type Heard = Pick<Event, 'kind' | 'severity'> &
  Partial<Pick<Event, 'services' | 'pool' | 'set' | 'data'>>

/** keyOf an event: those with the same are about the same. Servers that fail at once are one thing, whosever they are. */
const keyOf = ({ kind, services = [], pool, set, data }: Heard): string =>
  kind === 'server.down' ? kind : JSON.stringify([kind, data?.verdict, [...services].sort(), pool, set])

export class Trigger {
  /** When each key asked last, the latest at the end, and when servers went down lately. */
  readonly #asked = new Map<string, number>()
  #downs: number[] = []
  /** What is left of MOST, and since when. */
  #left = { captures: MOST, at: Number.NEGATIVE_INFINITY }

  /**
   * asks: whether what is around this event is to be kept. `now`: ms of a clock that never goes back; `isRunning`: a capture
   * is, and would only become longer, which costs none of MOST.
   */
  asks(event: Heard, now: number, isRunning = false): boolean {
    if (!this.#isGrave(event, now)) return false
    const key = keyOf(event)
    const last = this.#asked.get(key) ?? Number.NEGATIVE_INFINITY
    if (now - last < QUIET_MS) return false
    if (!isRunning && !this.#takes(now, now - last >= NEWS_MS ? 1 : RESERVED + 1)) return false
    this.#asked.delete(key)
    this.#asked.set(key, now)
    const [oldest] = this.#asked.keys()
    if (this.#asked.size > KEYS) this.#asked.delete(oldest!)
    return true
  }

  /** #takes one of those that are left, if at least so many are. */
  #takes(now: number, least: number): boolean {
    const { captures, at } = this.#left
    const come = Math.floor((now - at) / REFILL_MS)
    const isFull = captures + come >= MOST
    const left = isFull ? MOST : captures + come
    if (left < least) return false
    this.#left = { captures: left - 1, at: isFull ? now : at + come * REFILL_MS }
    return true
  }

  #isGrave({ kind, severity }: Heard, now: number): boolean {
    if (kind !== 'server.down') return GRAVE.has(kind) && isAtLeast(severity, 'warning')
    this.#downs = [...this.#downs.filter((at) => now - at < MANY_MS), now].slice(-MANY)
    return this.#downs.length >= MANY
  }
}
