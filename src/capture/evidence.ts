// Evidence: when something turns bad, what the recorder had before and has after is written to disk and sent to the other
// nodes, while it happens. One capture at a time; what turns bad meanwhile makes it longer, up to four times. Reading, writing
// and sending are bounded, and none waits for another: a disk that is full costs only what was to be written there.
//
//            trigger
//   before ────┼──── after ──── (again bad: longer) ──── kept
//
// Stepped by its owner, four times a second or so.

import type { Peers } from '../cluster/peers.ts'
import type { RecorderSpec } from '../engine/defence-spec.ts'
import type { Cursor, RecorderReader } from '../engine/recorded.ts'
import type { Event, EventSink } from '../events/event.ts'
import type { EventReader } from '../events/event-log.ts'
import { CaptureFile, captureName } from './evidence-files.ts'
import { sendEvidence } from './evidence-peers.ts'
import { Outlet } from './outlet.ts'
import { PcapngStream } from './pcapng-file.ts'
import { Thinner } from './thin.ts'
import { Trigger } from './trigger.ts'

/** LONGEST: a capture is at most so many times as long as one trigger makes its second half. */
const LONGEST = 4
/** CHUNK packets are read at once, CHUNKS times a step at most. */
const CHUNK = 1_000
const CHUNKS = 4
/** PIECE packets are written or not: so near to its part of the disk a file gets. */
const PIECE = 50
/** What waits for the disk or a node at most, what goes at once, and when it is tried again. */
const WAITING_BYTES = 4 * 2 ** 20
const CHUNK_BYTES = 256 * 1024
const AGAIN_MS = 1_000
/** SETTLE_MS: so long what was captured may still be on its way before it is told. */
const SETTLE_MS = 3_000

/** EvidenceOptions: the outside world. `now`: the wall clock; `monotonic`: ms of one that never goes back. */
export interface EvidenceOptions {
  readonly recorder: () => RecorderReader | undefined
  /** spec of what is to be kept; undefined: nothing. */
  readonly spec: () => RecorderSpec | undefined
  readonly events: EventSink & Pick<EventReader, 'subscribe'>
  readonly folder: string
  readonly peers: Peers
  readonly now: () => number
  readonly monotonic: () => number
}

/** Open: the capture that runs. */
interface Open {
  readonly name: string
  readonly file: CaptureFile
  readonly reasons: string[]
  /** By the monotonic clock: somebody may set the other one meanwhile. */
  readonly begun: number
  until: number
  /** When it ended; what is left is on its way. */
  ended: number | undefined
  readonly stream: PcapngStream
  readonly thinner: Thinner
  cursor: Cursor
  packets: number
  lost: number
  readonly disk: Outlet
  readonly nodes: ReadonlyMap<string, Outlet>
}

export class Evidence implements Disposable {
  readonly #options: EvidenceOptions
  readonly #trigger = new Trigger()
  readonly #subscription: Disposable
  #open: Open | undefined
  readonly #ended: Open[] = []
  /** The disk of a capture that has ended, while something waits for it. */
  #late: Outlet | undefined

  constructor(options: EvidenceOptions) {
    this.#options = options
    this.#subscription = options.events.subscribe((event) => this.#hear(event))
  }

  /** unwritten: why the disk does not take what was captured; undefined: it does. */
  unwritten(): string | undefined {
    const why = this.#open?.disk.why ?? this.#late?.why
    if (why === undefined) return undefined
    const { code, message } = why as NodeJS.ErrnoException
    return `${this.#options.folder}: ${code ?? message}`
  }

  /** step reads what has been recorded and hands it on; a few milliseconds of work at most. */
  step(): void {
    for (const ended of this.#ended.splice(0)) this.#finish(ended)
    const open = this.#open
    if (!open) return
    const reader = this.#options.recorder()
    for (let i = 0; i < CHUNKS && open.ended === undefined; i++) {
      if (!reader) open.ended = this.#options.monotonic()
      else if (!this.#read(open, reader)) break
    }
    if (open.ended === undefined) return
    const isSettled = open.disk.isIdle && [...open.nodes.values()].every(({ isIdle }) => isIdle)
    if (!isSettled && this.#options.monotonic() - open.ended < SETTLE_MS) return
    this.#open = undefined
    this.#finish(open)
  }

  /** Dispose: what was not written is lost; what was can be read. */
  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
    for (const { disk, nodes } of [...this.#ended, ...(this.#open ? [this.#open] : [])])
      for (const outlet of [disk, ...nodes.values()]) outlet[Symbol.dispose]()
    this.#late?.[Symbol.dispose]()
    this.#open = this.#late = undefined
  }

  #hear(event: Event): void {
    const { monotonic, spec, recorder } = this.#options
    const wanted = spec()
    const open = this.#open
    const isRunning = open !== undefined && open.ended === undefined
    if (!wanted || !this.#trigger.asks(event, monotonic(), isRunning)) return
    const afterMs = 1_000 * wanted.aroundS
    if (isRunning) {
      open.reasons.push(event.text)
      open.until = Math.min(monotonic() + afterMs, open.begun + LONGEST * afterMs)
      return
    }
    const reader = recorder()
    if (!reader) return
    // who listens to events tells none: what has ended is told with the next step
    if (open) this.#ended.push(open)
    this.#open = this.#begin(event, reader, wanted)
  }

  #begin(event: Event, reader: RecorderReader, { disk, aroundS }: RecorderSpec): Open {
    const { folder, peers, now, monotonic } = this.#options
    const [wall, begun] = [now(), monotonic()]
    const name = captureName(new Date(wall), event.kind)
    const comment = `${peers.self ?? 'tenbin'}, ${new Date(wall).toISOString()}: ${event.text}`
    const file = new CaptureFile(folder, name, disk / 2)
    const bounds = { waitingBytes: WAITING_BYTES, chunkBytes: CHUNK_BYTES, againMs: AGAIN_MS }
    const section = new PcapngStream(comment, reader.interfaces).begin()
    const nodes = peers.nodes().map(({ name: node }) => {
      const send = async (bytes: Buffer) => {
        await sendEvidence(peers, node, name, Buffer.concat([section, bytes]))
        return true
      }
      return [node, new Outlet({ ...bounds, send })] as const
    })
    const open: Open = {
      ...{ name, file, begun, ended: undefined, packets: 0, lost: 0 },
      reasons: [event.text],
      until: begun + 1_000 * aroundS,
      stream: new PcapngStream(comment, reader.interfaces),
      thinner: new Thinner(),
      cursor: reader.from(wall - 1_000 * aroundS),
      disk: new Outlet({ ...bounds, send: (bytes) => file.append(bytes) }),
      nodes: new Map(nodes),
    }
    open.disk.offer(section)
    return open
  }

  /** #read a part; false: all that was recorded so far has been read. */
  #read(open: Open, reader: RecorderReader): boolean {
    const { now, monotonic } = this.#options
    const left = open.until - monotonic()
    const until = now() + left
    const { packets, cursor, lost, more } = reader.since(open.cursor, CHUNK)
    open.cursor = cursor
    open.lost += lost
    const asked = open.thinner.thin(packets.filter(({ at }) => at <= until))
    open.packets += asked.length
    for (let at = 0; at < asked.length; at += PIECE) {
      const piece = asked.slice(at, at + PIECE)
      const bytes = open.stream.add(piece)
      for (const outlet of [open.disk, ...open.nodes.values()]) outlet.offer(bytes, piece.length)
    }
    const isPast = (packets.at(-1)?.at ?? 0) > until || (!more && left < 0)
    if (isPast) open.ended = monotonic()
    return more && !isPast
  }

  #finish(open: Open): void {
    this.#late?.[Symbol.dispose]()
    this.#late = open.disk
    const elsewhere = [...open.nodes].filter(([, { sent }]) => sent > 0)
    for (const outlet of open.nodes.values()) outlet[Symbol.dispose]()
    const { file, disk, packets: read, lost, reasons } = open
    const here = file.bytes > 0 ? [[file.path, disk] as const] : []
    const places = [...here, ...elsewhere.map(([node, outlet]) => [`node ${node}`, outlet] as const)]
    const packets = Math.max(0, ...places.map(([, outlet]) => outlet.packets))
    const all = packets < read && places.length > 0 ? `${packets} of ${read}` : `${read}`
    const kept = places.map(([place, outlet]) => `${place}${cutText(outlet, read, packets)}`)
    this.#options.events.record({
      kind: 'node.evidence',
      severity: places.length > 0 ? 'notice' : 'warning',
      text: `${all} recorded packets around this ${places.length > 0 ? `are kept in ${kept.join(', ')}` : 'could not be kept'}: ${reasons[0]}`,
      data: {
        ...{ packets, read, lost, reasons: reasons.length, bytes: file.bytes },
        nodes: elsewhere.map(([node]) => node).join(' '),
        ...(file.bytes > 0 && { file: file.path }),
      },
    })
  }
}

/** cutText: why a place has fewer packets than were read, and how many where another one has more. */
function cutText({ packets, isFull, isIdle, why }: Outlet, read: number, most: number): string {
  if (packets >= read) return ''
  const { code, message } = (why ?? {}) as NodeJS.ErrnoException
  const cause = isFull
    ? 'its part of the disk was full'
    : (code ?? message ?? (isIdle ? 'more came than it took' : 'it is slow'))
  return ` (${packets < most ? `${packets} of them, ` : ''}cut: ${cause})`
}
