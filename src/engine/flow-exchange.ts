// Records of flows and answers between nodes: those of this one's tables with the names that their numbers stand for, and
// those of other nodes put into its tables. Numbers of servers, services and interfaces, and the time that records hold,
// mean something on one node only, so a record travels with names and with its age. A record of the same flow that is
// older than what is known here changes nothing: of two nodes that saw its packets the later one is right.
//
// One exchange belongs to one generation: the next one has other numbers, and perhaps other tables.

import { ANSWER_WORDS, HOP_VIA } from '../dataplane/answer-record.ts'
import { ageOf, type FlowState, TIME_MASK, WORDS } from '../dataplane/flow-record.ts'
import type { FlowKeeper } from './flow-keeper.ts'
import { FlowNews, type NewsLives } from './flow-news.ts'
import type { Fresh } from './fresh.ts'
import { addressesIn, type Plan } from './plan.ts'
import type { ShareServer } from './pool-share.ts'
import type { Records, WholeRecord } from './records.ts'

/** FlowTableName: which of the two tables. */
export type FlowTableName = 'flows' | 'answers'

/** SharedFlow: a record as it travels. Numbers are places in the lists of its batch. */
export interface SharedFlow {
  readonly hash: number
  readonly other: number
  readonly server: number
  readonly service: number
  readonly state: FlowState
  /** Since its last packet, in milliseconds. */
  readonly ageMs: number
  /** It is a client network's. */
  readonly isNetwork: boolean
  /** Of an answer: its words behind key and value, the hop's without its interface, which is a place in `interfaces`. */
  readonly answer?: { readonly words: Uint32Array; readonly via: number }
}

/** FlowBatch: records of one table, and the names that their numbers are places of. */
export interface FlowBatch {
  readonly table: FlowTableName
  readonly services: readonly string[]
  readonly servers: readonly ShareServer[]
  readonly interfaces: readonly string[]
  readonly records: readonly SharedFlow[]
}

/** Taken: what became of a batch's records: put in, older than what was known, without a meaning here, or without room. */
export interface Taken {
  readonly placed: number
  readonly stale: number
  readonly foreign: number
  readonly unplaced: number
}

const HOP_HIGH = ANSWER_WORDS.hop + 1 - WORDS.count
const VIA_SHIFT = HOP_VIA - 32

/** One of the two tables. */
interface Side {
  readonly records: Records
  readonly news: FlowNews
}

export class FlowExchange {
  readonly #plan: Plan
  readonly #keeper: FlowKeeper
  readonly #sides: ReadonlyMap<FlowTableName, Side>
  readonly #addresses: ReadonlyMap<string, string>
  readonly #serviceOf: ReadonlyMap<string, number>
  readonly #fresh: Fresh | undefined

  /** `fresh`: absent where packets leave no word of new records. */
  constructor(plan: Plan, keeper: FlowKeeper, lives: NewsLives, fresh?: Fresh) {
    this.#plan = plan
    this.#fresh = fresh
    this.#keeper = keeper
    const { records, answers } = keeper
    this.#sides = new Map<FlowTableName, Side>([
      ['flows', { records, news: new FlowNews(records, lives) }],
      ...(answers
        ? ([['answers', { records: answers, news: new FlowNews(answers, lives) }]] as const)
        : ([] as const)),
    ])
    this.#addresses = addressesIn(plan)
    this.#serviceOf = new Map(
      plan.services.flatMap((service, number) => (service ? [[service.name, number] as const] : [])),
    )
  }

  /** tables: those that are there. */
  get tables(): readonly FlowTableName[] {
    return [...this.#sides.keys()]
  }

  /** entriesOf a table: how many records have room. */
  entriesOf(table: FlowTableName): number {
    return this.#sides.get(table)!.records.entries
  }

  /** news of a table: of its next `entries`, and at most so many records. Undefined: nothing. */
  news(table: FlowTableName, entries: number, most: number): FlowBatch | undefined {
    const found: WholeRecord[] = []
    const { news } = this.#sides.get(table)!
    const tick = this.#keeper.ticks.now()
    news.step(tick, entries, found, most)
    return found.length > 0 ? this.#batch(table, found, tick) : undefined
  }

  /** allNews of a table, now: in batches of so many records at most. */
  *allNews(table: FlowTableName, most: number): Generator<FlowBatch> {
    const { news, records } = this.#sides.get(table)!
    const tick = this.#keeper.ticks.now()
    news.rewind()
    for (let isOver = false; !isOver; ) {
      const found: WholeRecord[] = []
      isOver = news.step(tick, records.entries, found, most)
      if (found.length > 0) yield this.#batch(table, found, tick)
    }
  }

  /** fresh: records that packets have made since the last call, without a look at the table; they count as told. Undefined: none. */
  fresh(table: FlowTableName): FlowBatch | undefined {
    const { records, news } = this.#sides.get(table)!
    const found = (this.#fresh?.take(table) ?? []).flatMap(([hash, other]) => {
      const entry = records.find(hash, other)
      const record = entry < 0 ? undefined : records.recordAt(entry)
      if (!record) return []
      news.tell(entry)
      return [record]
    })
    return found.length > 0 ? this.#batch(table, found, this.#keeper.ticks.now()) : undefined
  }

  /** skip what would be news now: whoever is told of news from here on is told all of it first. */
  skip(): void {
    for (const { news } of this.#sides.values()) news.skip()
  }

  /** bulk: all records of a table from an entry on, as many entries as are said; and where to go on, undefined at the end. */
  bulk(
    table: FlowTableName,
    from: number,
    entries: number,
  ): { readonly batch: FlowBatch | undefined; readonly next: number | undefined } {
    const { records } = this.#sides.get(table)!
    const found: WholeRecord[] = []
    const end = Math.min(records.entries, from + entries)
    for (let entry = from; entry < end; entry++) {
      const record = records.recordAt(entry)
      if (record) found.push(record)
    }
    const tick = this.#keeper.ticks.now()
    return {
      batch: found.length > 0 ? this.#batch(table, found, tick) : undefined,
      next: end === records.entries ? undefined : end,
    }
  }

  /** take in what another node has sent. A table that is not here takes nothing. */
  take({ table, services, servers, interfaces, records }: FlowBatch): Taken {
    const side = this.#sides.get(table)
    const taken = { placed: 0, stale: 0, foreign: 0, unplaced: 0 }
    if (!side) return { ...taken, foreign: records.length }
    const { idOf, interfaces: own } = this.#plan
    const serviceNumbers = services.map((name) => this.#serviceOf.get(name))
    const ids = servers.map(({ name, address }) =>
      this.#addresses.get(name) === address ? idOf.get(name) : undefined,
    )
    const vias = interfaces.map((name) => own.find((each) => each.name === name)?.number)
    const tick = this.#keeper.ticks.now()
    const msPerTick = 1_000 * this.#keeper.secondsOf(1)
    for (const { hash, other, state, ageMs, isNetwork, answer, ...numbers } of records) {
      const server = ids[numbers.server]
      const service = serviceNumbers[numbers.service]
      const via = answer && vias[answer.via]
      if (server === undefined || service === undefined || (answer && via === undefined)) {
        taken.foreign++
        continue
      }
      const age = Math.min(TIME_MASK >> 1, Math.round(ageMs / msPerTick))
      const entry = side.records.find(hash, other)
      const known = entry < 0 ? undefined : side.records.recordAt(entry)
      if (known && ageOf(tick, known.time) < age) {
        taken.stale++
        continue
      }
      const record: WholeRecord = {
        ...{ hash, other, server, service, state, time: (tick - age) & TIME_MASK },
        ...(isNetwork && { template: true as const }),
        ...(answer && { tail: withVia(answer.words, via!) }),
      }
      if (!side.records.put(record, tick)) {
        taken.unplaced++
        continue
      }
      const place = side.records.find(hash, other)
      if (place >= 0) side.news.tell(place)
      taken.placed++
    }
    return taken
  }

  #batch(table: FlowTableName, found: readonly WholeRecord[], tick: number): FlowBatch {
    const plan = this.#plan
    const services = new Names((number) => plan.services[number]?.name)
    const servers = new Names((id) => {
      const name = plan.servers[id]
      const address = name === undefined ? undefined : this.#addresses.get(name)
      return address === undefined ? undefined : { name: name!, address }
    })
    const interfaces = new Names((number) => plan.interfaces.find((each) => each.number === number)?.name)
    const msPerTick = 1_000 * this.#keeper.secondsOf(1)
    const records = found.flatMap((record): SharedFlow[] => {
      const { hash, other, state, time, tail, template = false } = record
      const server = servers.of(record.server)
      const service = services.of(record.service)
      const via = tail ? interfaces.of(tail[HOP_HIGH]! >>> VIA_SHIFT) : 0
      if (server === undefined || service === undefined || via === undefined) return []
      const ageMs = Math.round(ageOf(tick, time) * msPerTick)
      return [
        {
          ...{ hash, other, server, service, state, ageMs, isNetwork: template },
          ...(tail && { answer: { words: withVia(tail, 0), via } }),
        },
      ]
    })
    return {
      table,
      services: services.all,
      servers: servers.all,
      interfaces: interfaces.all,
      records,
    }
  }
}

/** withVia: an answer's words with another interface's number in the hop. */
function withVia(words: Uint32Array, via: number): Uint32Array {
  const changed = words.slice()
  changed[HOP_HIGH] = ((words[HOP_HIGH]! & ((1 << VIA_SHIFT) - 1)) | (via << VIA_SHIFT)) >>> 0
  return changed
}

/** Names that are used in a batch, each once, by the numbers that they have here. */
class Names<Name> {
  readonly all: Name[] = []
  readonly #nameOf: (number: number) => Name | undefined
  readonly #places = new Map<number, number | undefined>()

  constructor(nameOf: (number: number) => Name | undefined) {
    this.#nameOf = nameOf
  }

  /** of: the place of a number's name in the batch; undefined: it has none. */
  of(number: number): number | undefined {
    if (this.#places.has(number)) return this.#places.get(number)
    const name = this.#nameOf(number)
    const place = name === undefined ? undefined : this.all.length
    if (name !== undefined) this.all.push(name)
    this.#places.set(number, place)
    return place
  }
}
