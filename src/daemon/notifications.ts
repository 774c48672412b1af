// Whoever is told of events, by the file that runs: a queue for each target, all fed from the log of events. A new target is
// told of what happens from then on; one that was there goes on where it was, over restarts. Nothing here waits for
// anybody: a target that hangs holds up itself.

import { isDeepStrictEqual } from 'node:util'
import { TenbinError } from '../base/errors.ts'
import { didYouMean } from '../base/nearest.ts'
import type { NotifyTarget } from '../config/notify-spec.ts'
import { type Event, type EventSink, eventOf } from '../events/event.ts'
import type { EventReader } from '../events/event-log.ts'
import { LINES_LIMIT } from '../notify/message.ts'
import { type Outcome, outcomeText, remedies } from '../notify/outcome.ts'
import { NotifyQueue, type Progress } from '../notify/queue.ts'
import type { NotifyTestAnswer } from './api-notify.ts'
import type { Problem } from './api-schema.ts'
import type { NotifyProgress } from './notify-progress.ts'
import { type Send, tellTarget } from './notify-tell.ts'
import { problem } from './problem.ts'

/** NotificationsOptions: `host`: this machine's name; `monotonic` in ms. */
export interface NotificationsOptions {
  readonly instance: string
  readonly host: string
  readonly events: EventReader & EventSink
  readonly progress: NotifyProgress
  readonly send: Send
  readonly monotonic: () => number
}

export class Notifications implements Disposable {
  readonly #options: NotificationsOptions
  readonly #subscription: Disposable
  #queues: readonly NotifyQueue[] = []
  #node = ''

  constructor(options: NotificationsOptions) {
    this.#options = options
    this.#subscription = options.events.subscribe((event) => {
      for (const queue of this.#queues) queue.offer(event)
    })
  }

  /** apply: these targets from now on. */
  apply(targets: readonly NotifyTarget[], node: string): void {
    const { events, progress } = this.#options
    this.#node = node
    const before = new Map(this.#queues.map((queue) => [queue.target.name, queue]))
    const latest = events.latest()
    const last = latest.at(-1)?.seq ?? 0
    progress.keepOnly(new Set(targets.map(({ name }) => name)))
    this.#queues = targets.map((target) => {
      const same = before.get(target.name)
      if (same && isDeepStrictEqual(same.target, target)) {
        before.delete(target.name)
        return same
      }
      same?.[Symbol.dispose]()
      const known = same?.progress ?? progress.get(target.name)
      if (!known) progress.set(target.name, { seq: last, missed: 0 })
      const queue = this.#queueOf(target, known ?? { seq: last, missed: 0 })
      for (const event of latest) queue.offer(event)
      return queue
    })
    for (const queue of before.values()) queue[Symbol.dispose]()
  }

  /** problems: targets that cannot be told, and what would be forgotten. */
  problems(): readonly Problem[] {
    const { unkept } = this.#options.progress
    return [
      ...this.#queues.flatMap(({ target: { name }, refused }) =>
        refused === undefined
          ? []
          : [problem('NOTIFY_REFUSED', `${name}: not all are told: refused for ${refused}`)],
      ),
      ...this.#queues.flatMap(({ target: { name }, failure }) =>
        failure
          ? [
              {
                ...problem('NOTIFY_FAILS', `${name} is not told: ${outcomeText(failure)}`),
                remedy: remedies[failure.step],
              },
            ]
          : [],
      ),
      ...(this.#queues.length > 0 && unkept !== undefined
        ? [problem('NOTIFY_UNKEPT', `how far targets were told is not kept: ${unkept}`)]
        : []),
    ]
  }

  /** test tells each target, or the one of this name, of a test, beside its queue. Throws TARGET_UNKNOWN. */
  async test(name: string | undefined): Promise<NotifyTestAnswer> {
    const targets = this.#queues
      .map(({ target }) => target)
      .filter((each) => (name ?? each.name) === each.name)
    if (targets.length === 0) {
      const names = this.#queues.map(({ target }) => target.name)
      if (names.length === 0) throw new TenbinError('NOTIFY_NOBODY', 'notify test')
      const detail = `the file that runs tells nobody called "${name}"${didYouMean(name!, names)}`
      throw new TenbinError('TARGET_UNKNOWN', 'notify test', { detail })
    }
    const text = 'a test of notifications: somebody ran `tenbin notify test`'
    const last = this.#options.events.latest().at(-1)?.seq ?? 1
    const event = eventOf({ kind: 'node.test', severity: 'notice', text }, last, new Date())
    return { results: await Promise.all(targets.map((target) => this.#testOne(target, event))) }
  }

  /** finish: what waits goes out now, as far as it does within `patienceMs`; how far that was is kept. */
  async finish(patienceMs: number): Promise<void> {
    await Promise.all(this.#queues.map((queue) => queue.finish(patienceMs)))
    // Of what was not for a target nothing was kept yet; by the next file it may be.
    for (const { target, progress } of this.#queues) this.#options.progress.set(target.name, progress)
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
    for (const queue of this.#queues) queue[Symbol.dispose]()
    this.#queues = []
  }

  async #testOne(target: NotifyTarget, event: Event): Promise<NotifyTestAnswer['results'][number]> {
    const { monotonic } = this.#options
    const begun = monotonic()
    const outcome = await this.#tell(target, [event], 0)
    return {
      name: target.name,
      kind: target.how.kind,
      done: outcome.isDone && outcome.refused === undefined,
      text: outcomeText(outcome),
      ms: Math.round(monotonic() - begun),
      ...stepOf(outcome),
    }
  }

  #queueOf(target: NotifyTarget, progress: Progress): NotifyQueue {
    const { progress: kept, monotonic, events } = this.#options
    const { name, how } = target
    return new NotifyQueue({
      target,
      progress,
      atOnce: how.kind === 'mail' ? LINES_LIMIT : 1,
      gatherMs: how.kind === 'mail' ? how.gatherMs : 0,
      tell: (some, missed) => this.#tell(target, some, missed),
      onProgress: (now) => kept.set(name, now),
      // A queue says so while it takes an event: before this one, the queues behind it are to have that.
      onDropped: (count, isOver) =>
        queueMicrotask(() =>
          events.record({
            kind: 'node.notify',
            severity: isOver ? 'notice' : 'error',
            text: isOver
              ? `${name} is told again: ${count} notifications were dropped`
              : `notifications to ${name} are dropped: too many wait, or it refuses them for good`,
            data: { target: name, count },
          }),
        ),
      now: monotonic,
    })
  }

  #tell(target: NotifyTarget, events: readonly Event[], missed: number) {
    const { instance, host, send } = this.#options
    return tellTarget(target, events, missed, { instance, node: this.#node, host }, send)
  }
}

/** stepOf what came of a test: where it failed, for whomever. */
function stepOf(outcome: Outcome): Pick<NotifyTestAnswer['results'][number], 'step' | 'remedy'> {
  if (outcome.isDone && outcome.refused === undefined) return {}
  const step = outcome.isDone ? 'recipients' : outcome.step
  return { step, remedy: remedies[step] }
}
