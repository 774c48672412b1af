// Two nodes that are active for one set at once, seen over another way than adverts go: each says its role over the
// cluster's connection. Its idea: both are asked for long enough that neither a takeover nor the last word of a node that died
// looks like it; told once when it begins and once when it is over, with what vrrp has noticed lately of that node's adverts.

import { RHYTHM } from '../cluster/peer.ts'
import type { Peers } from '../cluster/peers.ts'
import type { EventSink } from '../events/event.ts'
import { EVERY_MS } from '../vrrp/finding.ts'
import type { FindingTold, SetStatus } from '../vrrp/protocol.ts'
import type { Problem } from './api-schema.ts'
import { peersOf, whoSpeaksFrom } from './peer-roles.ts'
import { problem } from './problem.ts'
import { isRefusal } from './role-events.ts'

/** SAID_MS: as old as what a peer says may be: a node that died counts as connected, and active as it said last, for so long. */
const SAID_MS = RHYTHM.lostMs
/**
 * APART_MS: looks that are farther apart say nothing of what was in between: this process was busy or stopped, and has yet to
 * read what this node's vrrp and the others have said since.
 */
const APART_MS = 5_000
/** ADVERTS: two active nodes that hear each other settle it within three adverts. */
const ADVERTS = 3
/** RECENT_MS: so long what was noticed counts; it is told each minute while it goes on (vrrp/finding.ts). */
const RECENT_MS = 2 * EVERY_MS
/** HEARD, UNHEARD: what is known of adverts where none was refused here. */
const HEARD = 'its adverts arrive; those of this node do not, or are refused there: see `tenbin events` there'
const UNHEARD = 'adverts of one do not reach the other'

/** Asked: a set that moves, on this node. */
export interface Asked {
  readonly status: Pick<SetStatus, 'name' | 'role'>
  readonly advertMs: number
  readonly services: readonly string[]
}

export class SplitBrain {
  readonly #peers: Peers
  readonly #events: EventSink
  /** By set and node: since when both were seen active, ms of a clock that nobody sets; whether it was told. */
  readonly #seen = new Map<string, { since: number; isTold: boolean }>()
  /** By set and node: what was noticed last of that node's adverts, in words. */
  readonly #noticed = new Map<string, { readonly at: number; readonly text: string }>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(peers: Peers, events: EventSink) {
    this.#peers = peers
    this.#events = events
  }

  /** notice at `now` what vrrp found out: whether adverts of another node arrive, and are refused. */
  notice({ set, name, from, text }: FindingTold, now: number): void {
    const node = from === undefined ? undefined : whoSpeaksFrom(this.#peers, set, from)
    if (node === undefined) return
    const key = `${set} ${node}`
    if (isRefusal(name)) this.#noticed.set(key, { at: now, text: `this node refuses its adverts: ${text}` })
    else if (name === 'conflict') this.#noticed.set(key, { at: now, text: HEARD })
  }

  /** look at `now`, ms of a clock that nobody sets; what is wrong. */
  look(sets: readonly Asked[], now: number): Problem[] {
    const problems: Problem[] = []
    const isApart = now > this.#lookedAt + APART_MS
    this.#lookedAt = now
    for (const [key, { at }] of this.#noticed) if (now >= at + RECENT_MS) this.#noticed.delete(key)
    const live = new Set<string>()
    for (const { status, advertMs, services } of sets)
      for (const { peer, role } of peersOf(this.#peers, status.name)) {
        const key = `${status.name} ${peer.name}`
        if (status.role !== 'active' || role?.role !== 'active') continue
        live.add(key)
        const seen = this.#seen.get(key) ?? { since: now, isTold: false }
        this.#seen.set(key, seen)
        if (isApart && !seen.isTold) seen.since = now
        if (now - seen.since < SAID_MS + ADVERTS * advertMs) continue
        const why = this.#noticed.get(key)?.text ?? UNHEARD
        const text = `${status.name}: ${peer.name} is active as well as this node: ${why}`
        problems.push(problem('SPLIT_BRAIN', text))
        if (!seen.isTold) this.#tell('error', status.name, services, peer.name, text)
        seen.isTold = true
      }
    for (const [key, { isTold }] of this.#seen) {
      if (live.has(key)) continue
      this.#seen.delete(key)
      const [set, node] = key.split(' ') as [string, string]
      const services = sets.find(({ status }) => status.name === set)?.services ?? []
      if (isTold)
        this.#tell('notice', set, services, node, `${set}: ${node} and this node are no longer both active`)
    }
    return problems
  }

  #tell(
    severity: 'error' | 'notice',
    set: string,
    services: readonly string[],
    node: string,
    text: string,
  ): void {
    this.#events.record({ kind: 'role.split', severity, set, services, text, data: { node } })
  }
}
