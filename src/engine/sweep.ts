// The daemon's walk over the flow table, a slice at a time: records that have been silent for their service's time-out
// go (those of `track: all` only when the table fills), and so do those of servers and services that are no more; the others are counted, by server of a pool and by
// service; and slots that have a record with another server than their current one are marked, so that after a whole
// walk those without can stop being looked up. Records of client networks (persistence) go by a time-out of their own, and
// with their server's failure or drain; they are counted apart. Pure but for the memory it is given: it reads no clock.

import { ageOf, FLOW, SERVICE_SHIFT, STATE_SHIFT, TIME_MASK, WORDS } from '../dataplane/flow-record.ts'
import { SERVER_MASK } from '../dataplane/shape.ts'
import { scaleHash } from '../schedule/hash.ts'
import type { Records } from './records.ts'

/** SLICE: how many entries a step looks at: one to two milliseconds. */
export const SLICE = 32_768

/** WALK_MS: a small table is walked through at once, but not more often than this. */
export const WALK_MS = 1_000

/** NO_PLACE: of a server that is none of a pool's. */
export const NO_PLACE = 0xffffffff

/**
 * KEPT_SHARE: established records that are past their time-out stay, where their service keeps them, as long as at most
 * this part of the table is taken. Then new flows find places that nobody wants.
 */
export const KEPT_SHARE = 1 / 4
/** FOREVER: ticks of silence after which none stays: half of what a record's time can tell, about a year. */
const FOREVER = (TIME_MASK + 1) / 2

/** Swept: what one whole walk found. Records past their time-out are not counted, whether they stay or not. */
export interface Swept {
  /** When it began, by the engine's clock. */
  readonly since: number
  /** Flows, and networks. */
  readonly live: number
  readonly networks: Uint32Array
  /** Flows by state. */
  readonly states: readonly number[]
  /** By service; as `networks`. */
  readonly services: Uint32Array
  /** By place: flows of a server of a pool, those of them that are closed, and ticks since the last sent something. */
  readonly flows: Uint32Array
  readonly closed: Uint32Array
  readonly silent: Uint32Array
  /** By slot, a bit: it had a record with another server than its current one, or one that went in this walk. */
  readonly foreign: Uint8Array
}

/** SweepPools: what the walk needs of the pools of a plan. */
export interface SweepPools {
  /** By service: its pool, or -1 where its records go: it is not there, or remembers nothing. */
  readonly poolOf: Int32Array
  /** By pool: its first slot, and how many it has. */
  readonly bases: readonly number[]
  readonly slots: readonly number[]
  /** By id: 1 where some server has it. */
  readonly isServer: Uint8Array
  /** By pool: the slots' words, as the packet path reads them. */
  readonly words: readonly Uint32Array[]
  /** By pool, and by id less the pool's least one: where a server is counted; NO_PLACE: it is not one of the pool's. */
  readonly placeOf: readonly Uint32Array[]
  readonly leastId: Int32Array
  readonly places: number
  /** By service: 1 where slots pick the servers of new flows. */
  readonly bySlot: Uint8Array
  /** [4 * service + state]: ticks of silence after which a record goes. */
  readonly idle: Uint32Array
  /** By service: 1 where established records stay beyond that, while there is room. */
  readonly keeps: Uint8Array
  /** By service: ticks of silence after which a network's record goes; 0: it has none. */
  readonly networks: Uint32Array
  /** Whether a network may stay with a server of a pool. */
  readonly isShut: (pool: number, server: number) => boolean
}

/** Walk: one under way. `kept`: records past their time-out that stay. */
type Walk = Swept & { live: number; kept: number; states: number[] }

export class Sweep {
  readonly #table: Records
  readonly #pools: SweepPools
  readonly #totalSlots: number
  #at = 0
  #walk: Walk
  /** What the last walk left in the table leaves room for records past their time-out. */
  #isRoomy = true

  constructor(table: Records, pools: SweepPools) {
    this.#table = table
    this.#pools = pools
    this.#totalSlots = pools.slots.reduce((sum, slots) => sum + slots, 0)
    this.#walk = this.#begin(0)
  }

  /** isBetween: no walk has begun; the next step begins one. */
  get isBetween(): boolean {
    return this.#at === 0
  }

  /** step on: `now` by the engine's clock, `tick` by the packet path's. Gives what was found when a walk ends. */
  step(now: number, tick: number, slice = SLICE): Swept | undefined {
    if (this.#at === 0) this.#walk = this.#begin(now)
    const end = Math.min(this.#table.entries, this.#at + slice)
    for (let entry = this.#at; entry < end; entry++) this.#look(entry, tick)
    this.#at = end === this.#table.entries ? 0 : end
    if (this.#at > 0) return undefined
    this.#isRoomy = this.#walk.live + this.#walk.kept <= KEPT_SHARE * this.#table.entries
    return this.#walk
  }

  #begin(since: number): Walk {
    const { places, poolOf } = this.#pools
    return {
      since,
      live: 0,
      kept: 0,
      states: [0, 0, 0, 0],
      services: new Uint32Array(poolOf.length),
      networks: new Uint32Array(poolOf.length),
      flows: new Uint32Array(places),
      closed: new Uint32Array(places),
      silent: new Uint32Array(places).fill(0xffffffff),
      foreign: new Uint8Array(Math.ceil(this.#totalSlots / 8)),
    }
  }

  #look(entry: number, tick: number): void {
    const { words } = this.#table
    const at = WORDS.count * entry
    const changing = words[at + WORDS.changing]!
    const state = changing >>> STATE_SHIFT
    if (state === FLOW.empty) return
    const stable = words[at + WORDS.stable]!
    const server = stable & 0x7fff
    const service = (stable >>> SERVICE_SHIFT) & 0xffff
    const { poolOf, bases, slots, idle, keeps, isServer, placeOf, leastId, bySlot } = this.#pools
    const { words: current } = this.#pools
    const pool = poolOf[service] ?? -1
    if (pool < 0 || isServer[server] !== 1) {
      this.#table.clear(entry, stable, changing)
      return
    }
    if (stable >>> 31 === 1) {
      this.#lookAtNetwork(entry, stable, changing, tick, pool)
      return
    }
    const within = scaleHash((words[at + WORDS.keyHigh]! ^ stable) >>> 0, slots[pool]!)
    const slot = bases[pool]! + within
    // also where the record goes now: a packet may bring it back, and only the next walk knows
    if (bySlot[service] === 1 && server !== (current[pool]![within]! & SERVER_MASK))
      this.#walk.foreign[slot >>> 3]! |= 1 << (slot & 7)
    const age = ageOf(tick, changing & TIME_MASK)
    if (age > idle[4 * service + state]!) {
      if (this.#isRoomy && keeps[service] === 1 && state === FLOW.established && age < FOREVER) {
        this.#walk.kept++
        return
      }
      if (this.#table.clear(entry, stable, changing)) return
    }
    this.#walk.live++
    this.#walk.states[state]!++
    this.#walk.services[service]!++
    const place = placeOf[pool]![server - leastId[pool]!] ?? NO_PLACE
    if (place === NO_PLACE) return
    this.#walk.flows[place]!++
    if (state === FLOW.closed) this.#walk.closed[place]!++
    if (age < this.#walk.silent[place]!) this.#walk.silent[place] = age
  }

  #lookAtNetwork(entry: number, stable: number, changing: number, tick: number, pool: number): void {
    const service = (stable >>> SERVICE_SHIFT) & 0xffff
    const { networks, isShut } = this.#pools
    const isOver =
      networks[service] === 0 ||
      ageOf(tick, changing & TIME_MASK) > networks[service]! ||
      isShut(pool, stable & SERVER_MASK)
    if (isOver && this.#table.clear(entry, stable, changing)) return
    this.#walk.live++
    this.#walk.networks[service]!++
  }
}
