// One peer at work: connections to it, and an exchange of documents each second, which is how both know that the other is
// there. Heartbeats have a connection of their own, so that no bulk of requests delays them; one is under way at a time.
// Where there is a second way to the peer it is taken when an exchange by the first comes to nothing, and the other way
// round, so requests go the way that answered last.

import { formatEndpoint, formatIp } from '../base/addresses.ts'
import { invariant, TenbinError } from '../base/errors.ts'
import { Line } from './call.ts'
import type { Way } from './call-failure.ts'
import { HEARTBEAT } from './cluster-paths.ts'
import { type Document, documentSchema, negotiate, PROTOCOLS } from './document.ts'
import type { Identity } from './identity.ts'
import { type Moment, PeerRecord } from './peer-record.ts'
import { REQUEST_PATH } from './reception.ts'

/** Rhythm: an exchange each `beatMs`; a peer may be silent for `lostMs`. */
export interface Rhythm {
  readonly beatMs: number
  readonly lostMs: number
}
/** RHYTHM: lost is who was silent for longer than a daemon restarts, or than a large apply keeps it busy. */
export const RHYTHM: Rhythm = { beatMs: 1_000, lostMs: 5_000 }
/** ANSWER_MS: how long an exchange may take; SOON_MS: what is published goes out after that. */
const ANSWER_MS = 2_500
const SOON_MS = 20
/** TELL_MS: how long a peer may take to hear what cannot wait. */
const TELL_MS = 500
/** SOCKETS: requests to one peer at once; two nodes have 16 connections to each other at most (door.ts). */
const SOCKETS = 6

/** PeerOptions: `ways`: at least one; `document`: ours, now; `changed` after each exchange. */
export interface PeerOptions {
  readonly name: string
  readonly ways: readonly Way[]
  readonly identity: () => Identity
  readonly document: () => Document
  readonly moment: () => Moment
  readonly rhythm: Rhythm
  readonly changed: () => void
}

interface Lines {
  readonly beats: Line
  readonly requests: Line
}

export class Peer implements Disposable {
  readonly name: string
  readonly record: PeerRecord
  readonly #options: PeerOptions
  readonly #timer: NodeJS.Timeout
  #soon: NodeJS.Timeout | undefined
  #lines: Lines
  #way = 0
  #dueMs: number
  #isBeating = false
  #isAskedAgain = false
  #isOver = false

  constructor(options: PeerOptions) {
    invariant(options.ways.length > 0, `no way to ${options.name}`)
    this.name = options.name
    this.#options = options
    const now = options.moment()
    this.record = new PeerRecord(options.name, now.date, options.rhythm.lostMs)
    this.#lines = this.#open()
    this.#dueMs = now.ms + options.rhythm.beatMs
    this.#timer = setInterval(() => this.#tick(), options.rhythm.beatMs)
    this.beatSoon()
  }

  /** goes: whether these are its ways. */
  goes(ways: readonly Way[]): boolean {
    const text = (all: readonly Way[]) =>
      all.map(({ from, to }) => `${formatIp(from)} ${formatEndpoint(to)}`).join()
    return text(ways) === text(this.#options.ways)
  }

  /** request: Peers.request. */
  async request(path: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const op = `${path} of ${this.name}`
    const { state, why } = this.record.view(this.#options.moment())
    if (state === 'refused') throw new TenbinError('PEER_REFUSED', op, { detail: `${this.name}: ${why}` })
    return this.#lines.requests.send(`${REQUEST_PATH}${path}`, body, timeoutMs, op)
  }

  /** beatSoon: what we say has changed. */
  beatSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      void this.#beat()
    }, SOON_MS)
  }

  /** tell it at once what we say, on a connection of requests; resolves when it knows, or after a moment. */
  async tell(): Promise<void> {
    const body = Buffer.from(JSON.stringify(this.#options.document()))
    await this.request(HEARTBEAT, body, TELL_MS).catch(() => undefined)
  }

  /** reconnect: connections from now on are new ones; what is under way on the old ones ends as it would. */
  reconnect(): void {
    const { beats, requests } = this.#lines
    beats.retire()
    requests.retire()
    this.#lines = this.#open()
  }

  [Symbol.dispose](): void {
    this.#isOver = true
    clearInterval(this.#timer)
    clearTimeout(this.#soon)
    this.#lines.beats[Symbol.dispose]()
    this.#lines.requests[Symbol.dispose]()
  }

  #open(): Lines {
    const { name, ways, identity, moment } = this.#options
    const common = { node: name, way: ways[this.#way]!, identity, now: () => moment().date }
    return { beats: new Line({ ...common, sockets: 1 }), requests: new Line({ ...common, sockets: SOCKETS }) }
  }

  #tick(): void {
    const { moment, rhythm } = this.#options
    const { ms } = moment()
    const lateMs = ms - this.#dueMs
    this.#dueMs = ms + rhythm.beatMs
    if (lateMs > rhythm.beatMs / 2) this.record.overslept(lateMs)
    void this.#beat()
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) {
      this.#isAskedAgain = true
      return
    }
    this.#isBeating = true
    this.#isAskedAgain = false
    await this.#exchange()
    this.#isBeating = false
    if (this.#isOver) return
    this.#options.changed()
    if (this.#isAskedAgain) this.beatSoon()
  }

  async #exchange(): Promise<void> {
    const { document, moment } = this.#options
    const lines = this.#lines
    const op = `heartbeat of ${this.name}`
    try {
      const ours = document()
      const body = Buffer.from(JSON.stringify(ours))
      const answer = await lines.beats.send(`${REQUEST_PATH}${HEARTBEAT}`, body, ANSWER_MS, op)
      const now = moment()
      const theirs = readDocument(answer, this.name, op)
      if (theirs.leaving) return this.record.left(theirs, now)
      const clockAheadMs = Math.round(theirs.clock - (ours.clock + now.date.getTime()) / 2)
      this.record.answered(theirs, protocolWith(theirs), clockAheadMs, now)
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      if (this.#isOver) return
      const state = error.code === 'PEER_REFUSED' ? 'refused' : 'unreachable'
      this.record.failed({ state, why: error.detail ?? error.message }, moment())
      this.#other(lines)
    }
  }

  /** other: the next way, unless there is but one, or something has changed meanwhile. */
  #other(lines: Lines): void {
    const { ways } = this.#options
    if (ways.length < 2 || lines !== this.#lines) return
    this.#way = (this.#way + 1) % ways.length
    this.reconnect()
  }
}

/** readDocument of `node`. Throws PEER_ANSWER, or PEER_REFUSED where no protocol is common to both. */
export function readDocument(bytes: Uint8Array, node: string, op: string): Document {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch (cause) {
    throw new TenbinError('PEER_ANSWER', op, { detail: 'its document is no JSON', cause })
  }
  const head = documentSchema.pick({ version: true, protocols: true }).safeParse(value)
  if (head.success) protocolWith(head.data)
  const read = parsed(value, op)
  if (!read.success) {
    const [issue] = read.error.issues
    const detail = `its document cannot be read: ${issue?.path.join('.')}: ${issue?.message}`
    throw new TenbinError('PEER_ANSWER', op, { detail })
  }
  if (read.data.node !== node)
    throw new TenbinError('PEER_ANSWER', op, { detail: `it says that it is ${read.data.node}` })
  return read.data
}

/** parsed: what nests too deeply for the schema's own calls is no document either. */
function parsed(value: unknown, op: string) {
  try {
    return documentSchema.safeParse(value)
  } catch (cause) {
    throw new TenbinError('PEER_ANSWER', op, { detail: 'its document nests too deeply', cause })
  }
}

/** protocolWith a peer: the one to talk by. Throws PEER_REFUSED, with whom to upgrade. */
function protocolWith({ version, protocols }: Pick<Document, 'version' | 'protocols'>): number {
  const common = negotiate(PROTOCOLS, protocols)
  if (typeof common === 'number') return common
  const spoken = ({ min, max }: typeof protocols) => (min === max ? `${min}` : `${min} to ${max}`)
  const whom = common === 'upgrade us' ? 'upgrade this node' : 'upgrade that node'
  const detail = `it runs tenbin ${version} with protocol ${spoken(protocols)}, and this node speaks ${spoken(PROTOCOLS)}: ${whom}`
  throw new TenbinError('PEER_REFUSED', `talk to tenbin ${version}`, { detail })
}
