// Which server every slot of every pool has now, as words in memory. It starts from tables and the set of usable
// servers, and afterwards follows single changes by single 32-bit stores: a server's going moves its slots and no
// others. Words carry the current server and, equal to it, the settled one. One writer: the daemon.

import { poolBases } from '../dataplane/memory.ts'
import { SERVER_MASK } from '../dataplane/shape.ts'
import { assign, NOBODY, reassign } from '../schedule/ranks.ts'
import type { Plan } from './plan.ts'

/** slotWord: current and settled server id. */
const slotWord = (id: number): number => id | (id << 15)

/** idOf: the server id of a pool's member. */
const idOf = (ids: readonly number[], member: number): number => (member === NOBODY ? 0 : ids[member]!)

/** Assignment: the slots of a plan, bound to the words of one generation's slot map. */
export class Assignment {
  readonly #plan: Plan
  readonly #words: Uint32Array
  /** By pool: the place of its first word. */
  readonly #bases: readonly number[]
  /** By pool: the member that holds each slot. */
  readonly #current: Uint32Array[]
  readonly #usable: (id: number, pool: number) => boolean

  /** Computes all slots; nothing is written before write(). `usable` is asked again at every change. */
  constructor(plan: Plan, words: Uint32Array, usable: (id: number, pool: number) => boolean) {
    this.#plan = plan
    this.#words = words
    this.#bases = poolBases(plan.shape)
    this.#usable = usable
    this.#current = plan.pools.map(({ table, ids }, pool) =>
      assign(table, (member) => usable(ids[member]!, pool)),
    )
  }

  /** write stores every word that differs. Returns how many did. */
  write(): number {
    let written = 0
    for (const [pool, current] of this.#current.entries()) {
      const base = this.#bases[pool]!
      const { ids } = this.#plan.pools[pool]!
      // Tens of millions of slots in a large file: an iterator takes seconds for them.
      for (let slot = 0; slot < current.length; slot++)
        if (this.#store(base + slot, idOf(ids, current[slot]!))) written++
    }
    return written
  }

  /** follow one server's becoming usable or not, in all pools or in one. Returns the number of slots written. */
  follow(id: number, only?: number): number {
    let written = 0
    for (const [pool, { table, ids }] of this.#plan.pools.entries()) {
      if (only !== undefined && pool !== only) continue
      const member = ids.indexOf(id)
      if (member < 0) continue
      const base = this.#bases[pool]!
      written += reassign(
        table,
        this.#current[pool]!,
        member,
        (m) => this.#usable(ids[m]!, pool),
        (slot, holder) => {
          this.#store(base + slot, idOf(ids, holder))
        },
      )
    }
    return written
  }

  /** held: slots that each server id holds, over all pools it is in, and how many those pools have. */
  held(): ReadonlyMap<number, { readonly slots: number; readonly of: number }> {
    const held = new Map<number, { slots: number; of: number }>()
    for (const [pool, { ids, table }] of this.#plan.pools.entries()) {
      const counts = countsOf(this.#current[pool]!, ids.length)
      for (const [member, id] of ids.entries()) {
        const known = held.get(id) ?? { slots: 0, of: 0 }
        held.set(id, { slots: known.slots + counts[member]!, of: known.of + table.slots })
      }
    }
    return held
  }

  /** heldBy: slots of a pool by member. */
  heldBy(pool: number): Uint32Array {
    return countsOf(this.#current[pool]!, this.#plan.pools[pool]!.ids.length)
  }

  /** wordAt: what the packet path reads for a pool's slot. */
  wordAt(pool: number, slot: number): number {
    return this.#words[this.#bases[pool]! + slot]! & SERVER_MASK
  }

  #store(at: number, id: number): boolean {
    const word = slotWord(id)
    if (this.#words[at] === word) return false
    Atomics.store(this.#words, at, word)
    return true
  }
}

/** countsOf: how many slots each member holds. Tens of millions in a large file: an iterator would take seconds. */
function countsOf(current: Uint32Array, members: number): Uint32Array {
  const counts = new Uint32Array(members)
  for (let slot = 0; slot < current.length; slot++) {
    const member = current[slot]!
    if (member !== NOBODY) counts[member]!++
  }
  return counts
}
