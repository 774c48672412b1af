// The slots of one pool over time, as words in memory that the packet path reads. Stepped with (event, now), it reads
// no clock. Who takes new flows follows from the table and from what counts of each member now, whatever happened
// before; what a slot is settled with, and whether its flows are looked up or learned, follows from what changed while
// flows of then may still send (young.ts). Every word is written by one aligned store, and only if it changes. One
// writer: the daemon.
//
// UDP learns once. A planned change gives UDP flows without a record to the settled server for their time-out (LEARN),
// since they may be of before. That is needed only where nothing was recorded until then: where RECORDS was set, every
// flow that still sends has a record. After a failure there is nothing to learn: the flows move at once.
//
// Sorry servers have a table of their own with as many slots, and all slots are by the one or by the other (sorry.ts): so
// the members' table is what it would be without them, and when members are back each slot is whose it was.
//
// What was written is kept beside what the packet path reads, and only that is believed: memory that somebody else has
// written to (audit.ts) misleads nobody here.

import { currentOf, SLOT_LEARN, SLOT_RECORDS, settledOf, slotWord } from '../dataplane/shape.ts'
import { assign, NOBODY, reassign, type Table } from '../schedule/ranks.ts'
import { usesSorry } from './sorry.ts'
import { type Change, Young } from './young.ts'

/** Lives: milliseconds that changes are young, and that UDP flows are learned; 0: none of the pool's flows is UDP. */
export interface Lives {
  readonly young: number
  readonly learn: number
}

/** PoolSlotsOptions: without `lives` no flow is tracked. */
export interface PoolSlotsOptions {
  readonly table: Table
  /** Of its sorry servers, with as many slots. */
  readonly sorry?: Table
  /** Server ids of the table's members, and behind them of the sorry ones. */
  readonly ids: readonly number[]
  readonly lives: Lives | undefined
  /** By member, what counts of its weight: 0..1; of sorry ones as well. Changed by change(). */
  readonly parts: Float64Array
  /** The pool has lost its quorum; changed by setLost(). */
  readonly isLost?: boolean
}

/** InUse: the table that slots go by, and where its members begin among all. */
interface InUse {
  readonly table: Table
  readonly first: number
}

/** Past: what a pool has of its generation before. */
export interface Past {
  readonly young: Young
  readonly learning: readonly Learning[]
}

/** Learning: slots whose UDP flows are learned until then. */
export interface Learning {
  readonly until: number
  readonly slots: Uint32Array
}

/** SlotsLeft: read only, and until the next change. `current`: members of the table that begins at member `first`. */
export interface SlotsLeft {
  readonly parts: Float64Array
  readonly first: number
  readonly current: Uint16Array
  readonly words: Uint32Array
  readonly young: readonly Change[]
  readonly learning: readonly Learning[]
  /** Absent: none of the pool's flows is tracked. */
  readonly lives?: Lives
}

let revisions = 0

/** Write: a slot goes from a member of the table in use to another; NOBODY: none. */
type Write = (slot: number, to: number, lost: number) => void

export class PoolSlots {
  readonly #options: PoolSlotsOptions
  /** In memory of the daemon's own. */
  readonly #words: Uint32Array
  /** The same words where the packet path reads them. */
  #live: Uint32Array | undefined
  #isLost: boolean
  #inUse: InUse
  /** By slot: the member of the table in use that has it. */
  #current: Uint16Array
  /** Of all members: how many slots each has. */
  readonly #held: Uint32Array
  #young: Young
  #learning: Learning[] = []
  /** Slots with RECORDS. */
  #records = 0
  #revision = ++revisions
  #isFollowing = false

  /** Computes who has each slot; nothing is written before fill() or resume(). */
  constructor(options: PoolSlotsOptions) {
    this.#options = options
    this.#words = new Uint32Array(options.table.slots)
    this.#young = new Young(options.lives?.young ?? 0)
    this.#isLost = options.isLost ?? false
    this.#inUse = this.#toUse()
    const current = this.#assigned()
    const held = new Uint32Array(options.ids.length)
    const { first } = this.#inUse
    // Tens of millions of slots in a large file: an iterator takes seconds for them.
    for (let slot = 0; slot < current.length; slot++) {
      const member = current[slot]!
      if (member !== NOBODY) held[first + member]!++
    }
    this.#current = current
    this.#held = held
  }

  /** isSettledAs: these slots would be the same with these options, now and later: no flow has a past. */
  isSettledAs({ table, sorry, ids, parts, lives, isLost = false }: PoolSlotsOptions): boolean {
    const here = this.#options
    const hasPast = this.#records > 0 || !this.#young.isEmpty || this.#learning.length > 0
    return (
      !hasPast &&
      lives?.young === here.lives?.young &&
      lives?.learn === here.lives?.learn &&
      isLost === this.#isLost &&
      table === here.table &&
      sorry === here.sorry &&
      areSame(ids, here.ids) &&
      areSame(parts, here.parts)
    )
  }

  /** words: of all slots, as they were written. */
  get words(): Uint32Array {
    return this.#words
  }

  /** fill every word anew: no slot has a past. */
  fill(): void {
    const [words, current] = [this.#words, this.#current]
    const { first } = this.#inUse
    const wordOf = Uint32Array.from(this.#options.ids, (id) => slotWord(id, id))
    for (let slot = 0; slot < words.length; slot++) {
      const member = current[slot]!
      words[slot] = member === NOBODY ? slotWord(0, 0) : wordOf[first + member]!
    }
  }

  /** bind to memory that holds the same words: from now on each is written there as well. */
  bind(live: Uint32Array): void {
    this.#live = live
  }

  /** isBoundTo: each word was written to this memory, too. */
  isBoundTo(live: Uint32Array): boolean {
    return this.#live?.buffer === live.buffer && this.#live.byteOffset === live.byteOffset
  }

  /** isFollowing: another node leads the pool. */
  get isFollowing(): boolean {
    return this.#isFollowing
  }

  /** idAt: the id of the server that is to have a slot. */
  idAt(slot: number): number {
    const member = this.#current[slot]!
    return member === NOBODY ? 0 : this.#options.ids[this.#inUse.first + member]!
  }

  /** resume from words that are there, of this pool and with this past; where it is not known they changed just now. */
  resume(now: number, past?: Past): void {
    const { lives } = this.#options
    const words = this.#words
    if (!lives) return
    const [marked, learned]: [number[], number[]] = [[], []]
    this.#records = 0
    for (let slot = 0; slot < words.length; slot++) {
      const word = words[slot]!
      if ((word & SLOT_RECORDS) === 0) continue
      this.#records++
      marked.push(slot)
      if ((word & SLOT_LEARN) !== 0) learned.push(slot)
    }
    if (past) {
      this.#young = past.young
      this.#learning = [...past.learning]
      return
    }
    const from = Uint16Array.from(marked, (slot) => settledOf(words[slot]!))
    this.#young.add(now, Uint32Array.from(marked), from)
    if (learned.length > 0)
      this.#learning.push({ until: now + lives.learn, slots: Uint32Array.from(learned) })
  }

  /** past: for the generation after, in which an id is what `idOf` says. */
  past(lives: Lives, idOf: (id: number) => number): Past {
    return { young: this.#young.renewed(lives.young, idOf), learning: this.#learning }
  }

  /**
   * follow: another node's packets are what this pool's flows go by, so its words and its past count for the slots here,
   * as a generation before would (inherit.ts); nothing settles by time until lead(). Nothing is said: they are as here.
   */
  follow(other?: {
    readonly now: number
    readonly words: Uint32Array
    readonly past: Past | undefined
  }): void {
    this.#isFollowing = true
    if (!other) return
    const { now, words, past } = other
    for (let slot = 0; slot < words.length; slot++) this.#store(slot, words[slot]!)
    this.#young = new Young(this.#options.lives?.young ?? 0)
    this.#learning = []
    this.resume(now, past)
  }

  /** lead: from now on time settles what was followed. */
  lead(): void {
    this.#isFollowing = false
  }

  /** left: what another node needs to know of the slots to follow them. */
  left(): SlotsLeft {
    const { parts, lives } = this.#options
    const { first } = this.#inUse
    return {
      parts,
      first,
      current: this.#current,
      words: this.#words,
      young: this.#young.changes,
      learning: this.#learning,
      ...(lives && { lives }),
    }
  }

  /** slots: how many. */
  get slots(): number {
    return this.#words.length
  }

  /** revision: grows with each word that is written; no other slots have the same. */
  get revision(): number {
    return this.#revision
  }

  /**
   * change what counts of a member's weight; `isFailure`: nobody planned it, or asked for it. Returns the number of
   * slots written.
   */
  change(member: number, part: number, now: number, isFailure: boolean): number {
    const { parts } = this.#options
    if (parts[member] === part) return 0
    parts[member] = part
    const { table, first } = this.#toUse()
    if (table !== this.#inUse.table) return this.#turn(now, isFailure)
    if (member < first || member >= first + table.members.length) return 0
    return this.#move(now, isFailure, (write) =>
      reassign(table, this.#current, member - first, (each) => parts[first + each]!, write),
    )
  }

  /** setLost: the pool has lost its quorum, or has it again. Returns the number of slots written. */
  setLost(isLost: boolean, now: number): number {
    this.#isLost = isLost
    return this.#toUse().table === this.#inUse.table ? 0 : this.#turn(now, false)
  }

  /** isSorry: the sorry servers take what is new. */
  get isSorry(): boolean {
    return this.#inUse.first > 0
  }

  #toUse(): InUse {
    const { table, sorry, parts } = this.#options
    const first = table.members.length
    return sorry && usesSorry(parts, first, this.#isLost) ? { table: sorry, first } : { table, first: 0 }
  }

  #assigned(): Uint16Array {
    const { table, first } = this.#inUse
    return assign(table, (member) => this.#options.parts[first + member]!)
  }

  /** #turn to the other table: every slot goes to somebody else. */
  #turn(now: number, isFailure: boolean): number {
    const [before, { first }] = [this.#current, this.#inUse]
    for (let slot = 0; slot < before.length; slot++)
      if (before[slot] !== NOBODY) this.#held[first + before[slot]!]!--
    this.#inUse = this.#toUse()
    this.#current = this.#assigned()
    return this.#move(now, isFailure, (write) => {
      for (let slot = 0; slot < before.length; slot++) write(slot, this.#current[slot]!, NOBODY)
      return before.length
    })
  }

  /** #move slots: `moves` says which and gives their number; `#current` has the new ones when it is told of one. */
  #move(now: number, isFailure: boolean, moves: (write: Write) => number): number {
    const { lives } = this.#options
    const { first } = this.#inUse
    const words = this.#words
    const { slots, from, learned } = changing(words.length)
    let [changed, learns] = [0, 0]
    const moved = moves((slot, to, lost) => {
      const was = words[slot]!
      const id = this.idAt(slot)
      if (lost !== NOBODY) this.#held[first + lost]!--
      if (to !== NOBODY) this.#held[first + to]!++
      // a slot that nobody had has no flows to look after
      if (!lives || settledOf(was) === 0) {
        this.#store(slot, slotWord(id, id, was & (SLOT_LEARN | SLOT_RECORDS)))
        return
      }
      slots[changed] = slot
      from[changed++] = currentOf(was)
      const isNew = (was & SLOT_RECORDS) === 0
      if (isNew) this.#records++
      const isLearned = isNew && !isFailure && lives.learn > 0
      if (isLearned) learned[learns++] = slot
      const flags = SLOT_RECORDS | (was & SLOT_LEARN) | (isLearned ? SLOT_LEARN : 0)
      this.#store(slot, slotWord(id, settledOf(was), flags))
    })
    this.#young.add(now, slots.slice(0, changed), from.slice(0, changed))
    if (lives && learns > 0)
      this.#learning.push({ until: now + lives.learn, slots: learned.slice(0, learns) })
    return moved
  }

  /** expire what is no longer young, and end what has been learned. Returns the number of slots written. */
  expire(now: number): number {
    if (this.#isFollowing) return 0
    const words = this.#words
    let written = 0
    this.#young.expire(now, (slot, id) => {
      const word = words[slot]!
      const settled = id === 'current' || id === 0 ? currentOf(word) : id
      if (this.#store(slot, slotWord(currentOf(word), settled, word & (SLOT_LEARN | SLOT_RECORDS)))) written++
    })
    while (this.#learning.length > 0 && this.#learning[0]!.until <= now)
      for (const slot of this.#learning.shift()!.slots)
        if (this.#store(slot, words[slot]! & ~SLOT_LEARN)) written++
    return written
  }

  /**
   * forget RECORDS of slots that have no young change and no record with another server than the current one:
   * `isForeign` says which had, at some moment since `since`. Returns the number of slots written.
   */
  forget(since: number, isForeign: (slot: number) => boolean): number {
    const words = this.#words
    if (this.#isFollowing || this.#records === 0 || (this.#young.changedAt ?? -1) >= since) return 0
    const marks = this.#young.marks(words.length)
    let written = 0
    for (let slot = 0; slot < words.length; slot++) {
      const word = words[slot]!
      if ((word & SLOT_RECORDS) === 0 || marks[slot] === 1 || isForeign(slot)) continue
      this.#store(slot, slotWord(currentOf(word), currentOf(word)))
      written++
    }
    this.#records -= written
    return written
  }

  /** held: how many slots each member has. */
  get held(): Readonly<Uint32Array> {
    return this.#held
  }

  /** young: how many slots have a young change. */
  get young(): number {
    if (this.#young.isEmpty) return 0
    return this.#young.marks(this.#current.length).reduce((sum, mark) => sum + mark, 0)
  }

  /** records: how many slots have their flows looked up. */
  get records(): number {
    return this.#records
  }

  #store(slot: number, word: number): boolean {
    const words = this.#words
    if (words[slot] === word >>> 0) return false
    words[slot] = word
    this.#revision = ++revisions
    if (this.#live) Atomics.store(this.#live, slot, word)
    return true
  }
}

const areSame = (one: ArrayLike<number>, other: ArrayLike<number>): boolean => {
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false
  return true
}

/** Changing: room for the slots of one change: which, who had them, and which of them are learned. */
interface Changing {
  readonly slots: Uint32Array
  readonly from: Uint16Array
  readonly learned: Uint32Array
}

let room: Changing | undefined

/** changing: room for so many, the same each time: of many pools that change at once, garbage is the greater part of the time. */
function changing(slots: number): Changing {
  if (!room || room.slots.length < slots)
    room = { slots: new Uint32Array(slots), from: new Uint16Array(slots), learned: new Uint32Array(slots) }
  return room
}
