// Which server every slot of every pool has, as words in memory: the pools' slots (pool-slots.ts) of one plan, laid end
// to end as the packet path has them. It is made apart from the kernel, with what it inherits from the generation
// before, and bound to live memory afterwards; from then on it follows single changes by single stores, into its own
// words and into those that packets are handled by.

import { failedBit, type Memory, poolBases } from '../dataplane/memory.ts'
import { ASK_BEFORE } from '../dataplane/shape.ts'
import type { Estate } from './estate.ts'
import { type Followed, type IdOf, isAsHere, oldPoolOf, pastOf } from './follow.ts'
import { inherit, type OldPool } from './inherit.ts'
import type { Known } from './known.ts'
import { livesOf } from './lives.ts'
import type { Plan } from './plan.ts'
import { type Lives, type Past, PoolSlots, type PoolSlotsOptions } from './pool-slots.ts'
import { isSame } from './same-bytes.ts'

/** Leaders: what other nodes have of pools that they lead, by name. */
export interface Leaders {
  readonly shares: ReadonlyMap<string, Followed>
  readonly idOf: IdOf
}

/**
 * Unfollowed: `other`: the other node's version makes another table of the same members; `before`: a table before has to
 * be asked that has no room in this generation, but in the next one.
 */
export type Unfollowed = 'other' | 'before'

/** FollowOptions: `storeBefore` gives the packet path the words of a pool's table before. */
export interface FollowOptions {
  readonly idOf: IdOf
  readonly now: number
  readonly storeBefore: (words: Uint32Array) => void
}

/** Whom a new assignment may have its past from. */
interface Forebears {
  readonly estate: Estate | undefined
  readonly leaders: Leaders | undefined
}

/** Left: what was before, here or on another node; `past`: undefined: not known. */
interface Left extends OldPool {
  /** isOwn: it was here, so that its servers have the numbers that they have now. */
  readonly isOwn: boolean
  readonly past: () => Past | undefined
}

/** heirOf what was left: a pool's words, its past, and the words of its table before, if a slot asks it. */
function heirOf(
  left: Left,
  slots: PoolSlots,
  now: number,
  lives: Lives,
): {
  readonly words: Uint32Array
  readonly past: Past | undefined
  readonly before: Uint32Array | undefined
} {
  const current = new Uint16Array(slots.slots)
  for (let slot = 0; slot < current.length; slot++) current[slot] = slots.idAt(slot)
  const { words, before, changed, learned } = inherit(left, current, lives.learn > 0)
  const past = words.length === left.words.length ? left.past() : undefined
  past?.young.add(now, changed.slots, changed.from)
  const learning = [...(past?.learning ?? []), { until: now + lives.learn, slots: learned }]
  return { words, before, past: past && { young: past.young, learning } }
}

/** storeOthers: each word that differs is stored. Returns how many did. */
function storeOthers(live: Uint32Array, words: Uint32Array): number {
  if (isSame(live, words)) return 0
  let written = 0
  for (let at = 0; at < words.length; at++) {
    if (live[at] === words[at]) continue
    Atomics.store(live, at, words[at]!)
    written++
  }
  return written
}

export class Assignment {
  readonly #plan: Plan
  readonly #pools: readonly PoolSlots[]
  readonly #bases: readonly number[]
  readonly #lives: readonly (Lives | undefined)[]
  #live: Uint32Array | undefined
  /** For each pool the words of its table before, empty where it has none; undefined where no pool has one. */
  readonly before: readonly Uint32Array[] | undefined

  /**
   * `estate`: what the generation before leaves; without one no slot has a past. `leaders`: what other nodes have of pools
   * that they lead, which goes before what the generation before had.
   */
  constructor(plan: Plan, known: Known, now: number, estate?: Estate, leaders?: Leaders) {
    this.#plan = plan
    this.#bases = poolBases(plan.shape)
    this.#lives = livesOf(plan)
    const before: Uint32Array[] = []
    // a pool that was split leaves the same slots to several, of which one goes on with them
    const taken = new Set<PoolSlots>()
    this.#pools = plan.pools.map(({ name, table, sorry, members, ids }, pool) => {
      const parts = Float64Array.from(members, (member) => known.partOf(name, member.name, member.weight))
      const options = {
        ...{ table, ids, parts, lives: this.#lives[pool], isLost: known.isLost(name) },
        ...(sorry && { sorry }),
      }
      const found = this.#sameAs(options, pool, { estate, leaders })
      const same = found && !taken.has(found) ? found : undefined
      const slots = same ?? new PoolSlots(options)
      taken.add(slots)
      before.push(same ? new Uint32Array(0) : this.#settle(slots, pool, now, { estate, leaders }))
      return slots
    })
    this.before = before.some((words) => words.length > 0) ? before : undefined
  }

  /** #sameAs: the slots of before where they are these, and go on: of most pools an edit changes nothing. */
  #sameAs(options: PoolSlotsOptions, pool: number, { estate, leaders }: Forebears): PoolSlots | undefined {
    const left = estate?.poolFor(this.#plan, pool)
    if (!left?.slots || left.before) return undefined
    const follows = leaders?.shares.has(this.#plan.pools[pool]!.name) ?? false
    return left.slots.isFollowing === follows && left.slots.isSettledAs(options) ? left.slots : undefined
  }

  /** #settle one pool; gives the table before that goes along. */
  #settle(slots: PoolSlots, pool: number, now: number, from: Forebears): Uint32Array {
    const lives = this.#lives[pool]
    const left = lives && this.#leftTo(pool, lives, from)
    slots.fill()
    // words that nothing has happened to are what most pools have after a restart
    if (!lives || !left || (left.isOwn && !left.before && isSame(left.words, slots.words)))
      return new Uint32Array(0)
    const heir = heirOf(left, slots, now, lives)
    slots.words.set(heir.words)
    slots.resume(now, heir.past)
    return heir.before ?? new Uint32Array(0)
  }

  /** #leftTo a pool: by who leads it, else by the generation before. */
  #leftTo(pool: number, lives: Lives, { estate, leaders }: Forebears): Left | undefined {
    const followed = leaders?.shares.get(this.#plan.pools[pool]!.name)
    const old = followed && oldPoolOf(followed.share, this.#plan.pools[pool]!, leaders!.idOf)
    if (old) return { ...old, isOwn: false, past: () => pastOf(followed, lives, leaders!.idOf) }
    const found = estate?.poolFor(this.#plan, pool)
    if (!found) return undefined
    const idOf = (id: number) => (id === ASK_BEFORE || this.#plan.servers[id] !== undefined ? id : 0)
    return { ...found, idOf, isOwn: true, past: () => found.slots?.past(lives, idOf) }
  }

  /**
   * bind to live memory: every word that differs there is stored, unless it is known to hold these words. Returns how many
   * were.
   */
  bind(live: Uint32Array, holds: 'these' | 'any' = 'any'): number {
    if (live.buffer === this.#live?.buffer) return 0
    let written = 0
    this.#live = live
    for (const [pool, slots] of this.#pools.entries()) {
      const base = this.#bases[pool]!
      const there = live.subarray(base, base + slots.slots)
      if (slots.isBoundTo(there)) continue
      if (holds === 'any') written += storeOthers(there, slots.words)
      slots.bind(there)
    }
    return written
  }

  /** words: what was written, by pool: the packet path's memory is to hold the same. */
  get words(): readonly Uint32Array[] {
    return this.#pools.map(({ words }) => words)
  }

  /** wordsOf: the words of one pool. */
  wordsOf(pool: number): Uint32Array {
    return this.#pools[pool]!.words
  }

  poolAt(pool: number): PoolSlots {
    return this.#pools[pool]!
  }

  /** livesOf: how long changes of a pool matter; undefined: its flows are not tracked. */
  livesOf(pool: number): Lives | undefined {
    return this.#lives[pool]
  }

  /**
   * follow another node's pool: its flows go on here as they do there. Returns the revision then, or why it cannot be.
   */
  follow(pool: number, followed: Followed, { idOf, now, storeBefore }: FollowOptions): number | Unfollowed {
    const lives = this.#lives[pool]
    const slots = this.#pools[pool]!
    const planned = this.#plan.pools[pool]!
    if (isAsHere(followed.share, planned, slots, idOf)) {
      slots.follow()
      return slots.revision
    }
    const old = lives && oldPoolOf(followed.share, planned, idOf)
    if (!old) return 'other'
    const left = { ...old, isOwn: false, past: () => pastOf(followed, lives, idOf) }
    const { words, past, before } = heirOf(left, slots, now, lives)
    if (before) {
      const own = this.before?.[pool]
      if (own?.length !== before.length) return 'before'
      own.set(before)
      storeBefore(before)
    }
    slots.follow({ now, words, past })
    return slots.revision
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
