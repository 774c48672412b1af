// The log of events: the one place where the daemon says what has happened. Each event gets a number and a time, is
// written to the daemon's log as a line, is kept (the latest EVENTS_KEPT in memory, and on disk by a store), and goes to
// whoever listens. All of that is done when record() returns but for the disk, which nobody waits for.

import { type Event, type EventSink, eventOf, type NewEvent } from './event.ts'

/** EVENTS_KEPT: so many of the latest are in memory, and can be asked for. */
export const EVENTS_KEPT = 10_000
const CUT = 1_000

/** EventStore: where events outlive the process. */
export interface EventStore {
  /** kept: what was kept before this process, oldest first; EVENTS_KEPT at most. */
  readonly kept: readonly Event[]
  /** next: the number of the next event, higher than any that was given away. */
  next(): number
  /** add: to be written soon; never waits, never throws. */
  add(event: Event): void
}

/** LineLog: the daemon's log of lines, as far as it is used here. */
export interface LineLog {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

const levels = { info: 'info', notice: 'info', warning: 'warn', error: 'error' } as const

/** EventLogOptions: `now` is the wall clock. */
export interface EventLogOptions {
  readonly store: EventStore
  readonly log: LineLog
  readonly now: () => Date
}

/** Part: events from a position on; `next` is the position behind them, `lost` how many before them are gone. */
export interface Part {
  readonly events: readonly Event[]
  readonly next: number
  readonly lost: number
}

/** EventReader: the log as readers use it. A reader keeps a position and nothing else, so it costs nothing however slow it is. */
export interface EventReader {
  /** latest: those that are kept, oldest first. */
  latest(): readonly Event[]
  /** positionAfter: that of the first event with a higher number than `seq`. */
  positionAfter(seq: number): number
  /** from a position on, `limit` events at most. */
  from(position: number, limit: number): Part
  /** subscribe: `listener` is called at once with each event from now on; it must neither throw, nor wait, nor record. */
  subscribe(listener: (event: Event) => void): Disposable
}

export class EventLog implements EventSink, EventReader {
  readonly #options: EventLogOptions
  #events: Event[]
  /** How many are gone: the position of the first that is there. */
  #gone = 0
  readonly #listeners = new Set<(event: Event) => void>()

  constructor(options: EventLogOptions) {
    this.#options = options
    this.#events = options.store.kept.slice(-EVENTS_KEPT)
  }

  record(event: NewEvent): void {
    const { store, log, now } = this.#options
    const full = eventOf(event, store.next(), now())
    const { kind, severity, data, text } = full
    log[levels[severity]]({ event: full.seq, kind, ...data }, text)
    this.#events.push(full)
    // In blocks: each cut copies all.
    if (this.#events.length >= EVENTS_KEPT + CUT) {
      this.#events = this.#events.slice(CUT)
      this.#gone += CUT
    }
    store.add(full)
    for (const listener of this.#listeners) listener(full)
  }

  latest(): readonly Event[] {
    return this.#events.slice(-EVENTS_KEPT)
  }

  positionAfter(seq: number): number {
    const events = this.#events
    let [low, high] = [0, events.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (events[middle]!.seq <= seq) low = middle + 1
      else high = middle
    }
    return this.#gone + low
  }

  from(position: number, limit: number): Part {
    const at = Math.max(0, position - this.#gone)
    const events = this.#events.slice(at, at + limit)
    return { events, next: this.#gone + at + events.length, lost: Math.max(0, this.#gone - position) }
  }

  subscribe(listener: (event: Event) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }
}

/** memoryStore: events that nobody keeps, numbered from `first`. */
export function memoryStore(first = 1): EventStore {
  let next = first
  return { kept: [], next: () => next++, add: () => undefined }
}
