// Replicator: this node's half of what nodes tell each other of flows. It looks for news in this node's tables and gives
// them to its links (link.ts), and puts what others tell where packets find it. It takes nothing for a pool that this node
// leads itself, and follows the node that tells of one it does not. Stepped ten times a second, and asked for what is fresh
// every few milliseconds; reads no clock of its own.

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Peers } from '../cluster/peers.ts'
import type { FlowBatch, FlowExchange } from '../engine/flow-exchange.ts'
import type { Replica } from '../engine/replica.ts'
import { Link, type LinkStatus, PATH, type Source } from './link.ts'
import {
  decodeMessage,
  encodeAnswer,
  fingerprintOf,
  MESSAGE_MAX,
  type Message,
  type Verdict,
} from './message.ts'

/**
 * STEP_ENTRIES: entries of each table looked at for news in one step, one to two milliseconds' worth, in PARTS of which each
 * makes a batch of NEWS_MAX records at most.
 */
const [STEP_ENTRIES, PARTS, NEWS_MAX] = [262_144, 8, 4_096]
/**
 * RENEW_SLOTS: slots of pools whose own view has changed that are followed anew in one step; as many, about, go over to this
 * node when it begins to lead: until they do they are older than they need be, and right.
 */
const RENEW_SLOTS = 262_144

const FLUSH_POLL_MS = 2

/** ReplicatorOptions: `peers` are told. */
export interface ReplicatorOptions {
  readonly peers: Peers
  readonly replica: Replica
  /** keys: the hash keys in use. */
  readonly keys: () => BigUint64Array
  /** leads: whether clients' packets for a pool's services come to this node. */
  readonly leads: (pool: string) => boolean
  /** labelOf a NIC that forwards: a name that means the same on every node; undefined: it has none. */
  readonly labelOf: (nic: string) => string | undefined
  /** nicOf such a name, here; undefined: none. */
  readonly nicOf: (label: string) => string | undefined
  /** now: ms of a clock that never goes back. */
  readonly now: () => number
}

/** PeerReplication: what is told to another node, and what came from it. */
export interface PeerReplication extends LinkStatus {
  readonly name: string
  /** It has told all that there is, since it was last away. */
  readonly isHeard: boolean
  /** Records that came from it: those that count, and those that mean nothing here, or found no room. */
  readonly taken: number
  readonly lost: number
}

/** What came from a node. */
interface Heard {
  era: string | undefined
  isTold: boolean
  taken: number
  lost: number
}

export class Replicator implements Disposable {
  readonly #options: ReplicatorOptions
  readonly #source: Source
  readonly #links = new Map<string, Link>()
  readonly #heard = new Map<string, Heard>()
  readonly #handler: Disposable
  readonly #random = randomBytes(8)
  #era = 0
  #exchange: FlowExchange | undefined
  #isTelling = false
  #keys: { readonly words: BigUint64Array | undefined; readonly fingerprint: string } = {
    words: undefined,
    fingerprint: '',
  }

  constructor(options: ReplicatorOptions) {
    this.#options = options
    const fingerprint = () => this.#fingerprint()
    const { replica, leads, now } = options
    this.#source = {
      ...{ replica, leads, now },
      get keys() {
        return fingerprint()
      },
      labelled: (message) => this.#renamed(message, options.labelOf),
    }
    this.#handler = options.peers.handle(PATH, async (from, body) => this.#take(from, body), {
      maxBytes: MESSAGE_MAX,
    })
  }

  /** step: look for news, tell them, and follow anew what has changed here. Bounded: a few milliseconds. */
  step(): void {
    const { peers, replica, leads } = this.#options
    const nodes = peers.nodes()
    // it takes memory, so only where there is somebody to exchange with
    const exchange = nodes.length > 0 ? replica.flows() : undefined
    if (exchange !== this.#exchange) {
      this.#exchange = exchange
      this.#era++
    }
    let taken = 0
    for (const pool of replica.pools()) if (taken < RENEW_SLOTS && leads(pool)) taken += replica.lead(pool)
    replica.renew(RENEW_SLOTS)
    for (const { name, state } of nodes) {
      const link = this.#links.get(name) ?? this.#linkTo(name)
      link.step(state === 'connected')
      if (state !== 'connected') this.#heardFrom(name).isTold = false
    }
    const known = new Set(nodes.map(({ name }) => name))
    for (const name of [...this.#links.keys()].filter((each) => !known.has(each))) this.#links.delete(name)
    if (exchange) this.#tellNews(exchange)
  }

  /**
   * tellFresh: records that packets have just made are told at once, without a look at the tables: cheap, for a few hundred
   * calls a second. How many there were; undefined: nobody is there to be told.
   */
  tellFresh(): number | undefined {
    const exchange = this.#exchange
    if (!exchange || !this.#isTelling || this.#options.replica.flows() !== exchange) return undefined
    let records = 0
    for (const table of exchange.tables) {
      const batch = exchange.fresh(table)
      if (!batch) continue
      records += batch.records.length
      for (const link of this.#links.values()) link.add(batch)
    }
    if (records > 0) for (const link of this.#links.values()) link.go()
    return records
  }

  /**
   * flush: whatever packets have left behind until now is told to who is there, or `ms` are over. What they leave behind meanwhile
   * is not waited for.
   */
  async flush(ms: number): Promise<void> {
    const { now } = this.#options
    const until = now() + ms
    this.step()
    const links = [...this.#links.values()]
    const exchange = this.#exchange
    if (exchange && this.#isTelling)
      for (const table of exchange.tables)
        for (const batch of exchange.allNews(table, NEWS_MAX)) for (const link of links) link.add(batch)
    const marks = links.map((link) => link.mark())
    while (marks.some((isPast) => !isPast()) && now() < until) await delay(FLUSH_POLL_MS)
  }

  /** status of each other node of the file. */
  status(): readonly PeerReplication[] {
    return [...this.#links].map(([name, link]) => {
      const { isTold, taken, lost } = this.#heardFrom(name)
      return { name, ...link.status, isHeard: isTold, taken, lost }
    })
  }

  /** unheard: connected nodes that have not told yet all that there is: this node must not take over from them. */
  unheard(): readonly string[] {
    return this.#options.peers
      .nodes()
      .filter(({ name, state }) => state === 'connected' && !this.#heardFrom(name).isTold)
      .map(({ name }) => name)
  }

  [Symbol.dispose](): void {
    this.#handler[Symbol.dispose]()
    for (const link of this.#links.values()) link.step(false)
  }

  #linkTo(name: string): Link {
    const { peers } = this.#options
    const link = new Link(this.#source, (body, timeoutMs) => peers.request(name, PATH, body, timeoutMs))
    this.#links.set(name, link)
    return link
  }

  #heardFrom(name: string): Heard {
    const heard = this.#heard.get(name) ?? { era: undefined, isTold: false, taken: 0, lost: 0 }
    this.#heard.set(name, heard)
    return heard
  }

  #tellNews(exchange: FlowExchange): void {
    const links = [...this.#links.values()]
    const isAnybody = links.some(({ status }) => status.state !== 'away')
    // who comes later is told all of it anyway
    if (isAnybody && !this.#isTelling) exchange.skip()
    this.#isTelling = isAnybody
    if (!isAnybody) return
    for (const table of exchange.tables) {
      for (let part = 0; part < PARTS; part++) {
        const batch = exchange.news(table, STEP_ENTRIES / PARTS, NEWS_MAX)
        if (batch) for (const link of links) link.add(batch)
      }
    }
  }

  #take(from: string, body: Uint8Array): Uint8Array {
    const era = Buffer.from(this.#random)
    era.writeUInt32LE(this.#era, 4)
    const answer = (verdict: Verdict) => encodeAnswer({ era: era.toString('hex'), verdict })
    const { replica } = this.#options
    if (!replica.isLive || replica.flows() !== this.#exchange) return answer('idle')
    const message = decodeMessage(body, this.#fingerprint())
    return answer(message ? this.#follow(from, message) : 'keys')
  }

  #follow(from: string, received: Message): Verdict {
    const { replica, leads, nicOf } = this.#options
    const message = this.#renamed(received, nicOf)
    const heard = this.#heardFrom(from)
    switch (message.kind) {
      case 'hello':
        heard.isTold = false
        return 'taken'
      case 'told':
        heard.isTold = true
        return 'taken'
      case 'flows': {
        const { placed, stale, foreign, unplaced } = this.#exchange?.take(message.batch) ?? NOTHING
        heard.taken += placed + stale
        heard.lost += foreign + unplaced
        return 'taken'
      }
      case 'share': {
        if (leads(message.share.pool)) return 'leads'
        const result = replica.follow(message.share)
        if (result === 'other') return 'other'
        return result === 'before' ? 'later' : 'taken'
      }
    }
  }

  /** #renamed: with other names of interfaces; an answer by one that has none is left out. */
  #renamed(message: Message, name: (interface_: string) => string | undefined): Message {
    if (message.kind !== 'flows' || message.batch.interfaces.length === 0) return message
    const { batch } = message
    const interfaces = batch.interfaces.map((each) => name(each) ?? '')
    return { kind: 'flows', batch: { ...batch, interfaces } satisfies FlowBatch }
  }

  #fingerprint(): string {
    const keys = this.#options.keys()
    if (keys !== this.#keys.words) this.#keys = { words: keys, fingerprint: fingerprintOf(keys) }
    return this.#keys.fingerprint
  }
}

const NOTHING = { placed: 0, stale: 0, foreign: 0, unplaced: 0 }
