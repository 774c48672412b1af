// What waits for one target: events in order, each told at least once, bounded. Its idea: the log of events is the queue's
// store; what is kept of the queue is the number up to which all is done, so a daemon that was killed goes on from there. A
// target that fails is tried again, later and later; one that is down holds up nobody else. When too many wait, the oldest
// are dropped, counted, and the next message says how many are missing. Time and sending are handed in.

import type { NotifyTarget } from '../config/notify-spec.ts'
import { type Event, isAtLeast, topicOf } from '../events/event.ts'
import type { Outcome } from './outcome.ts'

/** QUEUE_LIMIT: events that wait for one target. */
export const QUEUE_LIMIT = 1_000
/** BACK_OFF: from one attempt to the next; each that fails doubles it. */
export const BACK_OFF = { firstMs: 1_000, mostMs: 300_000 } as const
/** FINAL_ATTEMPTS: what is refused for good so often is dropped, or nothing behind it would ever be told. */
export const FINAL_ATTEMPTS = 10
/** FIRST_MS: how long the first event waits for others that go in the same message, where several can. */
export const FIRST_MS = 2_000

/** Progress: of a queue, as it is kept: all events up to number `seq` are done; `missed` were dropped and not told of yet. */
export interface Progress {
  readonly seq: number
  readonly missed: number
}

/** QueueOptions: `tell` does one attempt and never rejects; `atOnce` events go in one message; `now` in ms, of a clock that nobody sets. */
export interface QueueOptions {
  readonly target: NotifyTarget
  readonly progress: Progress
  readonly atOnce: number
  /** From one message to the next; 0 where each event is told at once. */
  readonly gatherMs: number
  readonly tell: (events: readonly Event[], missed: number) => Promise<Outcome>
  readonly onProgress: (progress: Progress) => void
  /** Events are being dropped, or, `isOver`, the first message after that was told. Nothing may be offered before it returns. */
  readonly onDropped: (count: number, isOver: boolean) => void
  readonly now: () => number
}

export class NotifyQueue implements Disposable {
  readonly #options: QueueOptions
  #waiting: Event[] = []
  #seq: number
  /** The number of the latest event that was offered. */
  #seen: number
  #missed: number
  /** How many of those that wait are being told. */
  #telling = 0
  #failures = 0
  /** How often what is told next was refused for good. */
  #refusals = 0
  #outcome: Outcome | undefined
  #dueAt = 0
  #timer: NodeJS.Timeout | undefined
  #isEnding = false
  #isOver = false

  constructor(options: QueueOptions) {
    this.#options = options
    this.#seq = options.progress.seq
    this.#seen = this.#seq
    this.#missed = options.progress.missed
  }

  get target(): NotifyTarget {
    return this.#options.target
  }

  /** progress: what is done; of what is being told nobody knows yet. */
  get progress(): Progress {
    return { seq: this.#seq, missed: this.#missed }
  }

  /** waiting: how many events. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** failure: why the target is not told, once it was tried twice; undefined: nothing is wrong. */
  get failure(): Extract<Outcome, { isDone: false }> | undefined {
    return this.#failures > 1 && this.#outcome?.isDone === false ? this.#outcome : undefined
  }

  /** refused: of several who are to be told those who were not the last time; undefined: all were. */
  get refused(): string | undefined {
    return this.#outcome?.isDone ? this.#outcome.refused : undefined
  }

  /** offer an event; it waits if it is for this target. Numbers ascend. */
  offer(event: Event): void {
    if (event.seq <= this.#seq) return
    this.#seen = event.seq
    if (!isFor(this.#options.target, event)) {
      // Nothing waits, so nothing that was not told is left behind.
      if (this.#waiting.length === 0) this.#seq = event.seq
      return
    }
    if (this.#waiting.length === 0 && this.#telling === 0)
      this.#dueAt = Math.max(this.#dueAt, this.#options.now() + this.#firstMs())
    this.#waiting.push(event)
    if (this.#waiting.length > QUEUE_LIMIT + this.#telling) {
      // What is being told stays.
      this.#waiting.splice(this.#telling, 1)
      this.#missed++
      if (this.#missed === 1) this.#options.onDropped(1, false)
    }
    this.#pump()
  }

  /** finish: no more waiting for others; resolves when nothing waits, or after `patienceMs`. */
  async finish(patienceMs: number): Promise<void> {
    this.#isEnding = true
    if (this.#failures === 0) this.#dueAt = 0
    this.#pump()
    const until = this.#options.now() + patienceMs
    while (
      (this.#waiting.length > 0 || this.#telling > 0) &&
      this.#failures === 0 &&
      this.#options.now() < until
    )
      await new Promise((resolve) => setTimeout(resolve, 20))
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }

  #firstMs(): number {
    return this.#options.gatherMs > 0 && !this.#isEnding ? Math.min(FIRST_MS, this.#options.gatherMs) : 0
  }

  #pump(): void {
    if (this.#telling > 0 || this.#isOver || this.#waiting.length === 0) return
    clearTimeout(this.#timer)
    const wait = this.#dueAt - this.#options.now()
    if (wait > 0) this.#timer = setTimeout(() => this.#pump(), wait).unref()
    else void this.#attempt()
  }

  async #attempt(): Promise<void> {
    const { tell, atOnce, gatherMs, now, onProgress, onDropped } = this.#options
    const [events, missed] = [this.#waiting.slice(0, atOnce), this.#missed]
    this.#telling = events.length
    const outcome = await tell(events, missed)
    this.#telling = 0
    if (this.#isOver) return
    this.#outcome = outcome
    const last = events.at(-1)!.seq
    if (outcome.isDone) {
      this.#failures = 0
      this.#refusals = 0
      this.#missed -= missed
      if (missed > 0) onDropped(missed, true)
      this.#dueAt = this.#isEnding ? 0 : now() + gatherMs
    } else {
      this.#failures++
      this.#dueAt =
        now() + Math.min(BACK_OFF.firstMs * 2 ** Math.min(this.#failures - 1, 20), BACK_OFF.mostMs)
      if (outcome.isFinal) this.#refusals++
      if (this.#refusals < FINAL_ATTEMPTS) {
        this.#pump()
        return
      }
      this.#refusals = 0
      const isFirst = this.#missed === 0
      this.#missed += events.length
      if (isFirst) onDropped(events.length, false)
    }
    this.#waiting = this.#waiting.filter(({ seq }) => seq > last)
    this.#seq = this.#waiting.length === 0 ? this.#seen : last
    onProgress(this.progress)
    this.#pump()
  }
}

/** isFor: whether a target wants to be told. */
export const isFor = ({ on, severity }: NotifyTarget, event: Event): boolean =>
  isAtLeast(event.severity, severity) && (on.includes(event.kind) || on.includes(topicOf(event.kind)))
