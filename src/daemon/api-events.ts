// Events by the API: those that are kept, chosen by what they are about, and as a stream of lines that goes on. A reader
// of a stream is a position in the log and nothing more: one that is too slow is told how many events it has lost; the
// daemon neither waits nor grows.

import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { type Event, eventSchema, isAtLeast, severities } from '../events/event.ts'
import { EVENTS_KEPT, type EventReader } from '../events/event-log.ts'
import { durationText } from './api-duration.ts'

const wholeText = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `a whole number from ${least} to ${most}`)
    .transform(Number)
    .refine((value) => value >= least && value <= most, `a whole number from ${least} to ${most}`)

/** eventsQuery: all that are given must hold; `limit`: the latest so many. */
export const eventsQuery = z.strictObject({
  after: wholeText(0, Number.MAX_SAFE_INTEGER).optional(),
  since: durationText.optional(),
  server: z.string().min(1).max(63).optional(),
  service: z.string().min(1).max(63).optional(),
  severity: z.enum(severities).optional(),
  limit: wholeText(0, EVENTS_KEPT).optional(),
})
export type EventsQuery = z.output<typeof eventsQuery>

export const eventsSchema = z.object({
  events: z.array(eventSchema).describe('oldest first'),
  last: z.int().describe('the number of the latest event of all, 0 where there is none'),
})
export type EventsAnswer = z.infer<typeof eventsSchema>

/** eventLineSchema: one line of the stream; exactly one of the fields is there. */
export const eventLineSchema = z.object({
  event: eventSchema.optional(),
  lost: z
    .int()
    .optional()
    .describe(
      'so many events, asked for or not, are missing here: this reader was too slow, or away too long',
    ),
  alive: z
    .int()
    .optional()
    .describe(
      'at the beginning, after what is kept, and when nothing happens: the number of the latest event of all',
    ),
})
export type EventLine = z.infer<typeof eventLineSchema>

/** eventsOf: those that are kept and asked for. */
export function eventsOf(log: Pick<EventReader, 'latest'>, query: EventsQuery, now: Date): EventsAnswer {
  const { after = 0, since, limit } = query
  const from = since === undefined ? '' : new Date(now.getTime() - since).toISOString()
  const isAsked = matcher(query)
  const events = log.latest().filter((event) => event.seq > after && event.time >= from && isAsked(event))
  return { events: limit === undefined ? events : limit === 0 ? [] : events.slice(-limit), last: lastOf(log) }
}

/** FOLLOWERS_LIMIT: readers at once. ALIVE_MS: a line is said so often at least. CHUNK: events looked at in one go. */
const FOLLOWERS_LIMIT = 16
const ALIVE_MS = 10_000
const CHUNK = 100

const followers = new WeakMap<EventReader, number>()

/** followEvents: those that are kept and asked for, then each that comes, as JSON lines. Throws FOLLOWERS_LIMIT. */
export function followEvents(log: EventReader, query: EventsQuery, now: Date): ReadableStream<Uint8Array> {
  const count = followers.get(log) ?? 0
  if (count >= FOLLOWERS_LIMIT)
    throw new TenbinError('FOLLOWERS_LIMIT', 'follow events', {
      detail: `${count} readers follow events already`,
    })
  followers.set(log, count + 1)
  const follower = new Follower(log, query, now)
  const leave = () => {
    if (follower.end()) followers.set(log, followers.get(log)! - 1)
  }
  // Lines are made when they are read, so that nothing waits in between.
  return new ReadableStream(
    { pull: async (stream) => stream.enqueue(await follower.next()), cancel: leave },
    { highWaterMark: 0 },
  )
}

class Follower {
  readonly #log: EventReader
  readonly #isAsked: (event: Event) => boolean
  readonly #subscription: Disposable
  #position: number
  /** Missing before the first. */
  #missing: number
  #hasBegun = false
  /** When it said something last. */
  #saidAt = performance.now()
  #isOver = false
  #wake: () => void = () => undefined

  constructor(log: EventReader, query: EventsQuery, now: Date) {
    this.#log = log
    this.#isAsked = matcher(query)
    // Higher than any: the numbers began anew, so all are new to this reader.
    const after = (query.after ?? 0) > lastOf(log) ? 0 : query.after
    const [first] = eventsOf(log, { ...query, after }, now).events
    this.#position = log.positionAfter(first ? first.seq - 1 : lastOf(log))
    this.#missing = after === undefined ? 0 : missing(log, after)
    this.#subscription = log.subscribe(() => this.#wake())
  }

  /** next: the next lines, when there are any. */
  async next(): Promise<Uint8Array> {
    for (;;) {
      const { events, next, lost } = this.#log.from(this.#position, CHUNK)
      this.#position = next
      const isCaughtUp = events.length === 0 && !this.#hasBegun
      const lines: EventLine[] = [
        ...(lost + this.#missing > 0 ? [{ lost: lost + this.#missing }] : []),
        ...events.filter(this.#isAsked).map((event) => ({ event })),
        ...(isCaughtUp ? [{ alive: lastOf(this.#log) }] : []),
      ]
      this.#missing = 0
      this.#hasBegun ||= isCaughtUp
      if (lines.length > 0) return this.#say(lines)
      if (events.length > 0) continue
      // Also where what happens is not asked for.
      const left = this.#saidAt + ALIVE_MS - performance.now()
      if (left <= 0 || this.#isOver) return this.#say([{ alive: lastOf(this.#log) }])
      await this.#something(left)
    }
  }

  /** end: nobody reads any more; false: it was so already. */
  end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#subscription[Symbol.dispose]()
    this.#wake()
    return true
  }

  #say(lines: readonly EventLine[]): Uint8Array {
    this.#saidAt = performance.now()
    return linesOf(lines)
  }

  /** #something has happened, or `patienceMs` are over. */
  async #something(patienceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = setTimeout(resolve, patienceMs)
    })
    clearTimeout(timer)
  }
}

const linesOf = (lines: readonly EventLine[]): Uint8Array =>
  Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))

const lastOf = (log: Pick<EventReader, 'latest'>): number => log.latest().at(-1)?.seq ?? 0

/** missing: how many after `seq` were kept once and no longer are. */
function missing(log: EventReader, seq: number): number {
  const kept = log.latest()
  return kept.length < EVENTS_KEPT ? 0 : Math.max(0, kept[0]!.seq - seq - 1)
}

function matcher({ server, service, severity }: EventsQuery): (event: Event) => boolean {
  return (event) =>
    (server === undefined || event.server === server) &&
    (service === undefined || event.services?.includes(service) === true) &&
    (severity === undefined || isAtLeast(event.severity, severity))
}
