// When which check is looked at next. Its idea: pure, stepped by the time; a heap holds what waits, a map what runs. The
// first starts are spread over the interval by multiples of the golden ratio, which leave no crowd and no large gap
// however many checks come later (three-gap theorem); from then on each keeps its beat: one that began late is next due
// where it would have been anyway, and beats that were missed altogether are left out. What should have begun and did
// not, or began and does not end, is told on asking (the watchdog).

import { invariant } from '../base/errors.ts'

/** Due: a check that is to begin. `lateMs`: since when it is due. */
export interface Due {
  readonly key: string
  readonly lateMs: number
}

/** Overdue: a check that stands still. */
export interface Overdue {
  readonly key: string
  /** It runs and does not end; or it was not begun. */
  readonly isRunning: boolean
  readonly byMs: number
}

interface Entry {
  readonly key: string
  /** Of the next start, or of the one that runs. */
  due: number
  state: 'waits' | 'runs' | 'gone'
  /** When the one that runs has to be over. */
  limit: number
}

const GOLDEN = (Math.sqrt(5) - 1) / 2

/** Rota: times are in ms of whatever clock the caller has, which never goes back. */
export class Rota {
  readonly #entries = new Map<string, Entry>()
  /** Binary heap by `due`; entries that are gone are dropped when they come up. */
  readonly #heap: Entry[] = []
  #serial = 0
  #running = 0

  get size(): number {
    return this.#entries.size
  }

  get running(): number {
    return this.#running
  }

  /** nextDue: when the next one is to begin; undefined = nobody waits. */
  get nextDue(): number | undefined {
    return this.#first()?.due
  }

  /** add: its first start is within `everyMs` after `delayMs`. A key is there once. */
  add(
    key: string,
    { everyMs, delayMs }: { readonly everyMs: number; readonly delayMs: number },
    now: number,
  ): void {
    invariant(!this.#entries.has(key), `check ${key} is there already`)
    const phase = (this.#serial++ * GOLDEN) % 1
    const entry: Entry = { key, due: now + delayMs + phase * everyMs, state: 'waits', limit: 0 }
    this.#entries.set(key, entry)
    this.#push(entry)
  }

  /** remove: it does not begin again; its end is of no interest. */
  remove(key: string): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    if (entry.state === 'runs') this.#running--
    entry.state = 'gone'
    this.#entries.delete(key)
  }

  /** begin: those that are due, the latest first, no more than `room`. They run until end() or remove(). */
  begin(now: number, room: number, limitOf: (key: string) => number): Due[] {
    const begun: Due[] = []
    while (begun.length < room) {
      const entry = this.#first()
      if (!entry || entry.due > now) break
      this.#pop()
      entry.state = 'runs'
      entry.limit = now + limitOf(entry.key)
      this.#running++
      begun.push({ key: entry.key, lateMs: now - entry.due })
    }
    return begun
  }

  /** end: it is over, and due again `afterMs` from its last due time on, or on the first such beat that is yet to come. */
  end(key: string, afterMs: number, now: number): void {
    const entry = this.#entries.get(key)
    if (entry?.state !== 'runs') return
    this.#running--
    entry.state = 'waits'
    const beats = Math.max(1, Math.ceil((now - entry.due) / afterMs))
    entry.due += beats * afterMs
    this.#push(entry)
  }

  /** overdue: what stands still by more than `graceMs`. */
  overdue(now: number, graceMs: number): Overdue[] {
    const found: Overdue[] = []
    for (const { key, state, due, limit } of this.#entries.values()) {
      const byMs = now - (state === 'runs' ? limit : due)
      if (byMs > graceMs) found.push({ key, isRunning: state === 'runs', byMs })
    }
    return found
  }

  #first(): Entry | undefined {
    while (this.#heap[0]?.state === 'gone') this.#pop()
    return this.#heap[0]
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.due <= entry.due) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = entry
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) child++
      if (heap[child]!.due >= last.due) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}
