// What is known of one peer, and what follows from what it does: a small machine without sockets or timers. A peer that
// answered is connected; one from which nothing came for `lostMs` is unreachable; one that refuses, or is refused, is that
// at once. A daemon that restarts is back before it counts as lost. Being heard (its heartbeats arrive) does not make it
// connected, but tells a filter that works one way from a dead node.

import type { Document } from './document.ts'
import type { PeerState, PeerView } from './peers.ts'

const LEFT = 'its daemon was stopped'

/** Moment: the same one on both clocks: `ms` of one that nobody sets, and the time of day. */
export interface Moment {
  readonly ms: number
  readonly date: Date
}

/** Failure: an exchange that came to nothing. */
export interface Failure {
  readonly state: Exclude<PeerState, 'connected'>
  readonly why: string
}

export class PeerRecord {
  readonly name: string
  readonly #lostMs: number
  #state: PeerState = 'unreachable'
  #why: string | undefined = 'nothing was heard of it yet'
  #since: Date
  #failure: Failure | undefined
  #hasLeft = false
  /** When it answered last, and when its own heartbeat came last. */
  #answeredMs = Number.NEGATIVE_INFINITY
  #heardMs = Number.NEGATIVE_INFINITY
  #document: Document | undefined
  #protocol: number | undefined
  #clockAheadMs: number | undefined

  constructor(name: string, since: Date, lostMs: number) {
    this.name = name
    this.#lostMs = lostMs
    this.#since = since
  }

  get document(): Document | undefined {
    return this.#document
  }

  get state(): PeerState {
    return this.#state
  }

  /** answered: an exchange that we began has succeeded. */
  answered(document: Document, protocol: number, clockAheadMs: number, now: Moment): void {
    this.#answeredMs = now.ms
    this.#document = document
    this.#protocol = protocol
    this.#clockAheadMs = clockAheadMs
    this.#failure = undefined
    this.#hasLeft = false
    this.#become('connected', undefined, now)
  }

  /** heard: an exchange that it began. */
  heard(document: Document, now: Moment): void {
    this.#heardMs = now.ms
    this.#document = document
    if (this.#state === 'unreachable' && this.#failure) this.#why = this.#words(this.#failure, now)
  }

  /** left: it says that its daemon is being stopped. What fails after that is no news. */
  left(document: Document, now: Moment): void {
    this.#document = document
    this.#hasLeft = true
    this.#heardMs = Number.NEGATIVE_INFINITY
    this.#become('unreachable', LEFT, now)
  }

  /** failed: an exchange that we began came to nothing. */
  failed(failure: Failure, now: Moment): void {
    this.#failure = failure
    if (this.#hasLeft && failure.state === 'unreachable') return
    const isPatient = this.#state === 'connected' && now.ms - this.#answeredMs < this.#lostMs
    if (failure.state === 'refused') this.#become('refused', failure.why, now)
    else if (!isPatient) this.#become('unreachable', this.#words(failure, now), now)
  }

  /** overslept: this process was not run for so long, in which nobody could have answered it. */
  overslept(ms: number): void {
    this.#answeredMs += ms
    this.#heardMs += ms
  }

  view(now: Moment): PeerView {
    const { version, parts = {}, run } = this.#document ?? {}
    return {
      name: this.name,
      state: this.#state,
      since: this.#since,
      ...(this.#why !== undefined && { why: this.#why }),
      ...(this.#hasLeft && this.#state === 'unreachable' && { hasLeft: true as const }),
      ...(version !== undefined && { version }),
      ...(run !== undefined && { run }),
      ...(this.#protocol !== undefined && { protocol: this.#protocol }),
      ...(this.#clockAheadMs !== undefined && { clockAheadMs: this.#clockAheadMs }),
      reachesUs: this.#reachesUs(now),
      parts,
    }
  }

  #reachesUs({ ms }: Moment): boolean {
    return ms - this.#heardMs < this.#lostMs
  }

  /** #words: of one that dies our last exchange and its own are a beat apart. */
  #words({ why }: Failure, now: Moment): string {
    const isOneWay = this.#reachesUs(now) && this.#heardMs - this.#answeredMs > this.#lostMs / 2
    return isOneWay ? `${why}; but it reaches this node: look for a filter that works one way` : why
  }

  #become(state: PeerState, why: string | undefined, { date }: Moment): void {
    if (state !== this.#state) this.#since = date
    this.#state = state
    this.#why = why
  }
}
