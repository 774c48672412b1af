// Recorded packets by the API, as a stream of JSON lines: what the recorder has since a time ago, and what comes. A reader
// is a place in the recorder and nothing more: one that is too slow is told how many packets it has lost.

import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { type Filter, matches } from '../capture/filter.ts'
import { checkNames } from '../capture/filter-names.ts'
import { parseFilter } from '../capture/filter-parse.ts'
import { outcomeNames } from '../dataplane/outcomes.ts'
import { RECORD_KINDS } from '../dataplane/record.ts'
import type { Cursor, RecordedPacket, RecorderReader } from '../engine/recorded.ts'
import { durationText } from './api-duration.ts'

/** captureQuery: `last`: what is kept of so long; `follow`: what comes, too, which is all where there is no `last`. */
export const captureQuery = z.strictObject({
  filter: z.string().max(4_096).optional(),
  last: durationText.optional(),
  follow: z.enum(['true', 'false']).optional(),
})
export type CaptureQuery = z.output<typeof captureQuery>

const packetSchema = z.object({
  at: z.number().describe('when it was recorded: milliseconds since 1970 in UTC, with fractions'),
  kind: z
    .enum(RECORD_KINDS)
    .describe('why it was kept: a SYN, dropped, matched by a rule, one of many that went on'),
  outcome: z.enum(outcomeNames as [string, ...string[]]).describe('its counter (docs/counters.md)'),
  direction: z.enum(['in', 'out']).describe('in: the frame as it came; out: as it left'),
  service: z.string().optional(),
  server: z.string().optional(),
  interface: z.string().describe('by which it came'),
  length: z.int().describe('bytes of the frame'),
  frame: z.string().describe('its first bytes, 104 at most, in base64'),
})
export type PacketLine = z.infer<typeof packetSchema>

/** captureLineSchema: one line; exactly one of the fields is there. */
export const captureLineSchema = z.object({
  interfaces: z.array(z.string()).optional().describe('the first line: by which packets may have come'),
  packet: packetSchema.optional(),
  since: z
    .number()
    .optional()
    .describe(
      'of what `last` asks for what was before has been overwritten: milliseconds since 1970 in UTC, with fractions',
    ),
  lost: z.int().optional().describe('so many packets were overwritten before they were read'),
  alive: z.int().optional().describe('packets that were looked at so far; when nothing else is to be said'),
  done: z.int().optional().describe('all that was asked for has been told: packets that were looked at'),
})
export type CaptureLine = z.infer<typeof captureLineSchema>

/** capturesSchema: what was kept around something bad, on this node's disk. */
export const capturesSchema = z.object({
  captures: z
    .array(
      z.object({
        began: z.string().describe('ISO 8601 in UTC'),
        why: z.string().describe('the kind of event (docs/events.md) that it was kept for'),
        node: z.string().optional().describe('whose it is; absent: this node’s'),
        bytes: z.int(),
        path: z.string(),
      }),
    )
    .describe('the newest first'),
})
export type CapturesAnswer = z.infer<typeof capturesSchema>

/** CAPTURES: readers at once. POLL_MS: how often is looked for what is new. CHUNK: packets looked at in one go. */
const CAPTURES = 4
const POLL_MS = 100
const CHUNK = 500
const ALIVE_MS = 10_000
let readers = 0

/** captureStream of what is asked for. Throws FILTER_INVALID, RECORDER_OFF, FOLLOWERS_LIMIT. */
export function captureStream(
  recorder: () => RecorderReader | undefined,
  query: CaptureQuery,
  now: () => number,
): ReadableStream<Uint8Array> {
  const filter = parseFilter(query.filter ?? '')
  const reader = recorder()
  if (!reader) throw new TenbinError('RECORDER_OFF', 'capture')
  checkNames(filter, reader.names)
  if (readers >= CAPTURES)
    throw new TenbinError('FOLLOWERS_LIMIT', 'capture', { detail: `${readers} captures run already` })
  readers++
  const capture = new Capture(recorder, filter, query, now)
  const leave = () => {
    if (capture.end()) readers--
  }
  return new ReadableStream(
    {
      pull: async (stream) => {
        const lines = await capture.next().catch((error: unknown) => {
          leave()
          throw error
        })
        if (lines.length > 0)
          stream.enqueue(Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join('')))
        if (!capture.isDone) return
        leave()
        stream.close()
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
}

class Capture {
  readonly #recorder: () => RecorderReader | undefined
  readonly #filter: Filter
  readonly #follows: boolean
  readonly #now: () => number
  /** What comes later is not asked for. */
  readonly #until: number
  /** Since when packets are kept, where more was asked for. */
  readonly #since: number | undefined
  #cursor: Cursor
  #looked = 0
  #saidAt: number
  #hasBegun = false
  #isOver = false
  isDone = false

  constructor(
    recorder: () => RecorderReader | undefined,
    filter: Filter,
    query: CaptureQuery,
    now: () => number,
  ) {
    const { last } = query
    this.#recorder = recorder
    this.#filter = filter
    this.#follows = query.follow === 'true' || last === undefined
    this.#now = now
    this.#saidAt = now()
    this.#until = this.#follows ? Number.POSITIVE_INFINITY : now()
    const reader = recorder()!
    this.#cursor = last === undefined ? reader.end() : reader.from(now() - last)
    const oldest = reader.oldest()
    this.#since = last !== undefined && oldest !== undefined && oldest > now() - last ? oldest : undefined
  }

  /** next: the next lines, when there are any, or a sign of life. */
  async next(): Promise<readonly CaptureLine[]> {
    for (;;) {
      const reader = this.#isOver ? undefined : this.#recorder()
      if (!reader) return this.#finish([])
      if (!this.#hasBegun) {
        this.#hasBegun = true
        const since = this.#since === undefined ? [] : [{ since: this.#since }]
        return this.#say([{ interfaces: [...reader.interfaces] }, ...since])
      }
      const { packets, cursor, lost, more } = reader.since(this.#cursor, CHUNK)
      this.#cursor = cursor
      this.#looked += packets.length
      const asked = packets.filter((packet) => packet.at <= this.#until && matches(this.#filter, packet))
      const lines: CaptureLine[] = [
        ...(lost > 0 ? [{ lost }] : []),
        ...asked.map((packet) => ({ packet: lineOf(packet) })),
      ]
      const isEnd = !this.#follows && (!more || (packets.at(-1)?.at ?? 0) > this.#until)
      if (isEnd) return this.#finish(lines)
      if (lines.length > 0) return this.#say(lines)
      if (this.#now() - this.#saidAt >= ALIVE_MS) return this.#say([{ alive: this.#looked }])
      // others have their turn, whatever the filter leaves out
      await delay(more ? 0 : POLL_MS)
    }
  }

  /** end: nobody reads any more; false: it was so already. */
  end(): boolean {
    const wasOver = this.#isOver
    this.#isOver = true
    return !wasOver
  }

  #say(lines: readonly CaptureLine[]): readonly CaptureLine[] {
    this.#saidAt = this.#now()
    return lines
  }

  #finish(lines: readonly CaptureLine[]): readonly CaptureLine[] {
    this.isDone = true
    return [...lines, { done: this.#looked }]
  }
}

function lineOf({ bytes, ...rest }: RecordedPacket): PacketLine {
  return { ...rest, frame: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64') }
}

/** packetOf a line. */
export const packetOf = ({ frame, ...rest }: PacketLine): RecordedPacket =>
  ({ ...rest, bytes: new Uint8Array(Buffer.from(frame, 'base64')) }) as RecordedPacket
