// Which server every slot of every pool has, as words in memory: the pools' slots (pool-slots.ts) of one plan, laid end
// to end as the packet path has them. It is made apart from the kernel, with what it inherits from the generation
// before, and bound to live memory afterwards; from then on it follows single changes by single stores, into its own
// words and into those that packets are handled by.

import { failedBit, type Memory, poolBases } from '../dataplane/memory.ts'
import { ASK_BEFORE } from '../dataplane/shape.ts'
import type { Estate } from './estate.ts'
import { inherit } from './inherit.ts'
import type { Known } from './known.ts'
import { livesOf } from './lives.ts'
import type { Plan } from './plan.ts'
import { type Lives, type Past, PoolSlots } from './pool-slots.ts'

export class Assignment {
  readonly #plan: Plan
  readonly #pools: readonly PoolSlots[]
  readonly #bases: readonly number[]
  readonly #lives: readonly (Lives | undefined)[]
  readonly #words: Uint32Array
  #live: Uint32Array | undefined
  /** For each pool the words of its table before, empty where it has none; undefined where no pool has one. */
  readonly before: readonly Uint32Array[] | undefined

  /** `estate`: what the generation before leaves; without one no slot has a past. */
  constructor(plan: Plan, known: Known, now: number, estate?: Estate) {
    this.#plan = plan
    this.#bases = poolBases(plan.shape)
    this.#lives = livesOf(plan)
    this.#words = new Uint32Array(Math.max(1, this.#bases.at(-1)! + plan.shape.pools.at(-1)!))
    const before: Uint32Array[] = []
    this.#pools = plan.pools.map(({ name, table, sorry, members, ids }, pool) => {
      const words = this.wordsOf(pool)
      const parts = Float64Array.from(members, (member) => known.partOf(name, member.name, member.weight))
      const slots = new PoolSlots({
        ...{ table, ids, words, parts, lives: this.#lives[pool], isLost: known.isLost(name) },
        ...(sorry && { sorry }),
      })
      before.push(this.#settle(slots, pool, now, estate))
      return slots
    })
    this.before = before.some((words) => words.length > 0) ? before : undefined
  }

  /** #settle one pool; gives the table before that goes along. */
  #settle(slots: PoolSlots, pool: number, now: number, estate?: Estate): Uint32Array {
    const none = new Uint32Array(0)
    const lives = this.#lives[pool]
    const old = lives && estate?.poolFor(this.#plan, pool)
    if (!lives || !old) {
      slots.fill()
      return none
    }
    const words = this.wordsOf(pool)
    const current = new Uint16Array(words.length)
    for (let slot = 0; slot < current.length; slot++) current[slot] = slots.idAt(slot)
    const idOf = (id: number) => (id === ASK_BEFORE || this.#plan.servers[id] !== undefined ? id : 0)
    const inherited = inherit({ ...old, idOf }, current, lives.learn > 0)
    words.set(inherited.words)
    slots.resume(now, old.slots && words.length === old.words.length ? pastOf(old.slots, idOf) : undefined)
    return inherited.before ?? none

    function pastOf(before: PoolSlots, idOf: (id: number) => number): Past {
      const { young, learning } = before.past(lives!, idOf)
      young.add(now, inherited.changed.slots, inherited.changed.from)
      const learned = { until: now + lives!.learn, slots: inherited.learned }
      return { young, learning: [...learning, learned] }
    }
  }

  /** bind to live memory: every word that differs there is stored. Returns how many did. */
  bind(live: Uint32Array): number {
    if (live.buffer === this.#live?.buffer) return 0
    let written = 0
    // Tens of millions of slots in a large file: an iterator takes seconds for them.
    for (let at = 0; at < this.#words.length; at++) {
      if (live[at] === this.#words[at]) continue
      Atomics.store(live, at, this.#words[at]!)
      written++
    }
    this.#live = live
    for (const [pool, slots] of this.#pools.entries()) slots.bind(this.#partOf(live, pool))
    return written
  }

  /** words: what was written, of all pools: the packet path's memory is to hold the same. */
  get words(): Uint32Array {
    return this.#words
  }

  /** wordsOf: the words of one pool. */
  wordsOf(pool: number): Uint32Array {
    return this.#partOf(this.#words, pool)
  }

  #partOf(words: Uint32Array, pool: number): Uint32Array {
    const base = this.#bases[pool]!
    return words.subarray(base, base + this.#plan.shape.pools[pool]!)
  }

  poolAt(pool: number): PoolSlots {
    return this.#pools[pool]!
  }

  /** livesOf: how long changes of a pool matter; undefined: its flows are not tracked. */
  livesOf(pool: number): Lives | undefined {
    return this.#lives[pool]
  }

  /** change what counts of a server, in one pool or wherever it is. Returns the number of slots written. */
  change(server: string, known: Known, now: number, isFailure: boolean, only?: number): number {
    const id = this.#plan.idOf.get(server)
    if (id === undefined) return 0
    let written = 0
    const { pools } = this.#plan
    for (let pool = only ?? 0; pool < (only === undefined ? pools.length : only + 1); pool++) {
      const { name, members, ids } = pools[pool]!
      const member = ids.indexOf(id)
      if (member < 0) continue
      const part = known.partOf(name, server, members[member]!.weight)
      written += this.#pools[pool]!.change(member, part, now, isFailure)
    }
    return written
  }

  /** setLost: what is known of a pool's quorum is another. Returns the number of slots written. */
  setLost(pool: number, known: Known, now: number): number {
    return this.#pools[pool]!.setLost(known.isLost(this.#plan.pools[pool]!.name), now)
  }

  /** isOpen: whether a member of a pool, by its place among all, takes what is new if it is reachable. */
  isOpen(pool: number, member: number, known: Known): boolean {
    const { name, table, members } = this.#plan.pools[pool]!
    const { name: server, weight } = members[member]!
    const isSorry = member >= table.members.length
    return isSorry === this.#pools[pool]!.isSorry && known.isOpen(name, server, weight)
  }

  /** expire what is no longer young, in all pools. Returns the number of slots written. */
  expire(now: number): number {
    let written = 0
    for (const pool of this.#pools) written += pool.expire(now)
    return written
  }

  /** shut: the bits of servers to whom no client network comes back: all but members that take new flows. */
  shut(known: Known, memory: Memory): Uint32Array | undefined {
    if (!memory.tracking?.shut) return undefined
    const words = new Uint32Array(memory.tracking.shut.type.size / 4).fill(0xffffffff)
    for (const [pool, { ids }] of this.#plan.pools.entries()) {
      for (const [member, id] of ids.entries()) {
        if (!this.isOpen(pool, member, known)) continue
        const bit = failedBit(memory, pool, id)
        words[bit >>> 5]! &= ~(1 << (bit & 31))
      }
    }
    return words
  }

  /** failed: the bits of servers that have failed, for the packet path's memory. */
  failed(known: Known, memory: Memory): Uint32Array | undefined {
    if (!memory.tracking) return undefined
    const words = new Uint32Array(memory.tracking.failed.type.size / 4)
    for (const [pool, { name, members, ids }] of this.#plan.pools.entries()) {
      for (const [member, { name: server }] of members.entries()) {
        if (known.viewOf(name, server).up) continue
        const bit = failedBit(memory, pool, ids[member]!)
        words[bit >>> 5]! |= 1 << (bit & 31)
      }
    }
    return words
  }
}
