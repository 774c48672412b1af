// One other node, told of everything that this one's packets leave behind. At most one request is under way, and what becomes
// news meanwhile is one message behind it, so that a slow network makes messages larger, not more. At most WAITING_MAX
// records wait, so whatever happens here costs a bounded part of the network and of memory; who falls further behind is told
// all of it anew, slice by slice, as one is that has just come. Stepped by its owner; only requests take time.
//
//   hello -> shares of the pools that this node leads, and of its records all that there is -> told -> what changes
//              ^ again, whenever the other end is another one (era), or was away

import { TenbinError } from '../base/errors.ts'
import type { FlowBatch, FlowExchange, FlowTableName } from '../engine/flow-exchange.ts'
import type { Replica } from '../engine/replica.ts'
import { RECORDS_MAX } from './flow-codec.ts'
import { type Answer, decodeAnswer, encodeMessage, type Message, type Verdict } from './message.ts'
import { EXPANDED_MAX, sizeOf } from './share-codec.ts'
import { WaitingNews } from './waiting-news.ts'

/** PATH: where messages go. */
export const PATH = 'replicate'
/** WAITING_MAX: records of news that wait for one node. */
export const WAITING_MAX = 65_536
/**
 * TIMEOUT_MS of a request; AGAIN_MS: after a refusal or a failure it is tried again, and after each further one twice as long,
 * up to AGAIN_MAX_MS: all of it has to be told then. SHARE_MS: between two shares of a pool.
 */
const [TIMEOUT_MS, AGAIN_MS, SHARE_MS] = [5_000, 1_000, 200] as const
/** STILL_MS: without anything to tell, the other end is asked who it is. */
const STILL_MS = 1_000
const AGAIN_MAX_MS = 32_000
/** SLICE: entries of a table that one message of bulk is made of. */
const SLICE = RECORDS_MAX

/** Source: this node, as links tell of it. */
export interface Source {
  readonly replica: Replica
  /** fingerprintOf the hash keys in use. */
  readonly keys: string
  /** leads: whether a pool's packets come to this node. */
  readonly leads: (pool: string) => boolean
  /** now: ms of a clock that never goes back. */
  readonly now: () => number
  /** labelled: interfaces by names that mean the same on every node. */
  readonly labelled: (message: Message) => Message
}

/** LinkStatus: how far another node is told. */
export interface LinkStatus {
  /** `away`: nothing is told; `filling`: all of it is being told; `current`: what changes is. */
  readonly state: 'away' | 'filling' | 'current'
  /** why it is not told more: the last refusal or failure. */
  readonly why?: string
  /** Records of news that wait. */
  readonly waiting: number
  /** Told since this daemon started. */
  readonly records: number
  readonly bytes: number
}

/** Where bulk is. */
interface Cursor {
  readonly table: FlowTableName
  readonly from: number
}

/** A message to go, and what is so when it was taken. `from`: the number of the first news in it. */
interface Outgoing {
  readonly bytes: Uint8Array
  readonly from?: number | undefined
  readonly records?: number
  readonly taken?: () => void
  readonly refused?: (verdict: Verdict) => void
}

export class Link {
  readonly #source: Source
  readonly #request: (body: Uint8Array, timeoutMs: number) => Promise<Uint8Array>
  #isAway = true
  #isBusy = false
  #notBefore = 0
  /** In a row. */
  #failures = 0
  #era: string | undefined
  #exchange: FlowExchange | undefined
  /** By pool: the revision that was told, and from when on it may be told again. */
  readonly #shares = new Map<string, { readonly revision: number | undefined; readonly notBefore: number }>()
  #cursor: Cursor | undefined
  readonly #news = new WaitingNews()
  /** Of the message that is under way. */
  #underWayFrom: number | undefined
  /** How often all of it was to be told. */
  #fills = 0
  #isTold = false
  #toldAt = 0
  #hasLed = false
  #isShareNext = true
  #isBulkNext = true
  /** Messages of news since there was no bulk left. */
  #newsAfterBulk = 0
  #why: string | undefined
  #records = 0
  #bytes = 0

  constructor(source: Source, request: (body: Uint8Array, timeoutMs: number) => Promise<Uint8Array>) {
    this.#source = source
    this.#request = request
  }

  get status(): LinkStatus {
    return {
      state: this.#isAway || this.#era === undefined ? 'away' : this.#isTold ? 'current' : 'filling',
      ...(this.#why !== undefined && { why: this.#why }),
      waiting: this.#news.records,
      records: this.#records,
      bytes: this.#bytes,
    }
  }

  /** add news. */
  add(batch: FlowBatch): void {
    if (this.#era === undefined) return
    // one that is so far behind is told all of it instead, once it takes messages again
    if (this.#news.records + batch.records.length > WAITING_MAX) this.#fill()
    else this.#news.add(batch)
  }

  /**
   * mark what there is to be told now, and go on; the answer says whether the other node has taken or refused it, or is not there.
   * What comes later is not waited for, nor a pool that this node leads no more; its shares are not put off.
   */
  mark(): () => boolean {
    const { replica, leads, now } = this.#source
    const { last } = this.#news
    const wanted = replica
      .pools()
      .filter(leads)
      .map((pool) => [pool, replica.revisionOf(pool)] as const)
    const isShared = ([pool, revision]: (typeof wanted)[number]): boolean => {
      const known = this.#shares.get(pool)
      if (revision === undefined || !leads(pool)) return true
      return known !== undefined && (known.revision ?? revision) >= revision
    }
    for (const each of wanted) {
      const known = this.#shares.get(each[0])
      if (known && !isShared(each)) this.#shares.set(each[0], { ...known, notBefore: now() })
    }
    this.go()
    return () => {
      if (this.#isAway || (this.#era === undefined && now() < this.#notBefore)) return true
      const first = this.#underWayFrom ?? this.#news.first
      return this.#isTold && first > last && wanted.every(isShared)
    }
  }

  /** go on with what it is to be told, without another look at how it is. */
  go(): void {
    if (!this.#isAway && !this.#isBusy && this.#source.now() >= this.#notBefore) void this.#run()
  }

  /** step: what the other node is, connected or not, and on with what it is to be told. */
  step(isConnected: boolean): void {
    if (!isConnected) {
      this.#forget()
      this.#isAway = true
      this.#failures = 0
      this.#notBefore = 0
      return
    }
    this.#isAway = false
    const { replica } = this.#source
    if (this.#exchange !== replica.flows()) {
      this.#exchange = replica.flows()
      if (this.#era !== undefined) this.#fill()
    }
    // its records are to be told from the first one on
    if (this.#leadsAny && !this.#hasLed) this.#forget()
    this.#hasLed = this.#leadsAny
    this.go()
  }

  /** #run sends until there is nothing to be sent. */
  async #run(): Promise<void> {
    this.#isBusy = true
    try {
      for (let next = this.#next(); next && !this.#isAway; next = this.#next()) {
        this.#underWayFrom = next.from
        const answer = decodeAnswer(await this.#request(next.bytes, TIMEOUT_MS))
        this.#underWayFrom = undefined
        this.#bytes += next.bytes.length
        if (!this.#heard(answer, next)) return
      }
    } catch (error) {
      if (!(error instanceof TenbinError)) throw error
      this.#forget()
      this.#rest(error.message)
    } finally {
      this.#underWayFrom = undefined
      this.#isBusy = false
    }
  }

  /** #heard an answer: whether to go on at once. */
  #heard({ era, verdict }: Answer, sent: Outgoing): boolean {
    if (era !== this.#era) {
      const isNew = this.#era === undefined
      this.#forget()
      this.#era = era
      this.#fill()
      if (!isNew) return true
    }
    if (verdict === 'taken') {
      this.#why = undefined
      this.#records += sent.records ?? 0
      sent.taken?.()
      return true
    }
    if (verdict === 'idle' || verdict === 'keys') {
      this.#forget()
      this.#rest(verdict === 'idle' ? 'nothing is applied there yet' : 'its hash keys are others')
      return false
    }
    sent.refused?.(verdict)
    return true
  }

  #rest(why: string): void {
    this.#why = why
    this.#notBefore = this.#source.now() + Math.min(AGAIN_MAX_MS, AGAIN_MS * 2 ** this.#failures)
    this.#failures++
  }

  /** #forget what the other node knows. */
  #forget(): void {
    this.#era = undefined
    this.#shares.clear()
    this.#cursor = undefined
    this.#news.drop()
    this.#isTold = false
  }

  /** #fill: all of it is to be told. */
  #fill(): void {
    this.#fills++
    this.#newsAfterBulk = 0
    this.#shares.clear()
    this.#news.drop()
    this.#isTold = false
    const [table] = this.#exchange?.tables ?? []
    this.#cursor = table && this.#hasLed ? { table, from: 0 } : undefined
  }

  get #leadsAny(): boolean {
    const { replica, leads } = this.#source
    return replica.pools().some(leads)
  }

  /** #next message: shares and records in turn; when there is nothing more, that all is told. */
  #next(): Outgoing | undefined {
    const { keys, replica } = this.#source
    // An apply has put another table in place of this one: nothing of it is read, nor said to be told, before the next step.
    if (this.#exchange !== replica.flows()) return undefined
    if (this.#era === undefined) return { bytes: encodeMessage({ kind: 'hello' }, keys) }
    // there may be news again after each answer: what was there to be told is told all the same
    if (!this.#isTold && !this.#cursor && this.#newsAfterBulk >= (this.#exchange?.tables.length ?? 0))
      return this.#share() ?? this.#told()
    this.#isShareNext = !this.#isShareNext
    const next = this.#isShareNext ? (this.#share() ?? this.#flows()) : (this.#flows() ?? this.#share())
    if (next) return next
    // said again from time to time: the answer says whether the other end is still who it was
    if (this.#isTold && this.#source.now() < this.#toldAt + STILL_MS) return undefined
    return this.#told()
  }

  #told(): Outgoing {
    const fills = this.#fills
    const taken = () => {
      // Meanwhile there is more to be told.
      if (fills !== this.#fills) return
      this.#isTold = true
      this.#failures = 0
      this.#toldAt = this.#source.now()
    }
    return { bytes: encodeMessage({ kind: 'told' }, this.#source.keys), taken }
  }

  #share(): Outgoing | undefined {
    const { replica, leads, keys, now } = this.#source
    for (const pool of replica.pools()) {
      const known = this.#shares.get(pool)
      const revision = replica.revisionOf(pool)
      if (known?.revision === revision || (known && now() < known.notBefore) || !leads(pool)) continue
      const share = replica.share(pool)
      const remember = (of: number | undefined, restMs: number) =>
        this.#shares.set(pool, { revision: of, notBefore: now() + restMs })
      if (!share || sizeOf(share) > EXPANDED_MAX) {
        if (share) this.#why = `pool ${pool} has too many young changes to be shared`
        remember(revision, SHARE_MS)
        continue
      }
      return {
        bytes: encodeMessage({ kind: 'share', share }, keys),
        // a mark that came meanwhile has put another entry in place: it does not wait for the next one
        taken: () => remember(revision, this.#shares.get(pool) === known ? SHARE_MS : 0),
        refused: (verdict) => {
          if (verdict === 'other') this.#why = `pool ${pool}: it makes another table of the same servers`
          remember(undefined, AGAIN_MS)
        },
      }
    }
    return undefined
  }

  /** #flows: news and bulk in turns, so that neither keeps the other from being told. */
  #flows(): Outgoing | undefined {
    this.#isBulkNext = !this.#isBulkNext
    return this.#isBulkNext ? (this.#nextBulk() ?? this.#nextNews()) : (this.#nextNews() ?? this.#nextBulk())
  }

  #nextBulk(): Outgoing | undefined {
    const exchange = this.#exchange
    while (this.#cursor && exchange) {
      const { table, from } = this.#cursor
      const { batch, next } = exchange.bulk(table, from, SLICE)
      const after = exchange.tables[exchange.tables.indexOf(table) + 1]
      if (next !== undefined) this.#cursor = { table, from: next }
      else this.#cursor = after && { table: after, from: 0 }
      if (batch) return this.#outgoing(batch)
    }
    return undefined
  }

  /** #nextNews: whatever waits of one table, as far as one message may have it. */
  #nextNews(): Outgoing | undefined {
    const from = this.#news.first
    const batch = this.#news.take(RECORDS_MAX)
    if (!batch) return undefined
    if (!this.#cursor) this.#newsAfterBulk++
    return this.#outgoing(batch, from)
  }

  #outgoing(batch: FlowBatch, from?: number): Outgoing {
    const message = this.#source.labelled({ kind: 'flows', batch })
    return { bytes: encodeMessage(message, this.#source.keys), records: batch.records.length, from }
  }
}
