// What a generation leaves to the one after it: who has which number, the words of its pools, and, where the same daemon
// made it, when they changed. Read from the kernel's memory, so that it makes no difference who filled it; but where the
// same daemon did, from what it knows it has written.

import { ASK_BEFORE, settledOf } from '../dataplane/shape.ts'
import type { Assignment } from './assignment.ts'
import type { GenerationMaps } from './generation-maps.ts'
import type { Meta } from './meta.ts'
import type { Plan } from './plan.ts'
import type { PoolSlots } from './pool-slots.ts'

/** Left: one pool's words, its table before if any slot asks it, and its past where that is known. */
export interface Left {
  readonly words: Uint32Array
  readonly before: Uint32Array | undefined
  readonly slots: PoolSlots | undefined
}

export class Estate {
  readonly #meta: Meta
  readonly #maps: GenerationMaps
  readonly #assignment: Assignment | undefined

  /** `assignment`: the one that is bound to these maps, if this daemon has it. */
  constructor(meta: Meta, maps: GenerationMaps, assignment?: Assignment) {
    this.#meta = meta
    this.#maps = maps
    this.#assignment = assignment
  }

  /** poolFor: what a pool of a plan takes over: the pool of that name, or the one that its services had. */
  poolFor({ pools, services }: Plan, pool: number): Left | undefined {
    const named = this.#meta.pools.findIndex(({ name }) => name === pools[pool]!.name)
    if (named >= 0) return this.#left(named)
    for (const service of services) {
      if (service?.pool !== pool) continue
      const was = this.#meta.services.find(({ name }) => name === service.name)
      if (was) return this.#left(was.pool)
    }
    return undefined
  }

  /** failed: servers that are down in the packet path's eyes, by pool. */
  failed(): { readonly pool: string; readonly server: string }[] {
    const { pools, servers, serverCapacity } = this.#meta
    const words = this.#maps.words('failed')
    if (!words) return []
    return pools.flatMap(({ name: pool }, index) =>
      servers.flatMap(({ name: server }, id) => {
        const bit = index * serverCapacity + id
        return (words[bit >>> 5]! & (1 << (bit & 31))) === 0 ? [] : [{ pool, server }]
      }),
    )
  }

  #left(pool: number): Left {
    const { pools, beforeWords } = this.#meta
    let [base, beforeBase] = [0, beforeWords / 4]
    for (const each of pools.slice(0, pool)) {
      base += each.slots
      beforeBase += each.before
    }
    const { slots, before } = pools[pool]!
    const words = this.#assignment?.wordsOf(pool) ?? this.#maps.slots.subarray(base, base + slots)
    // what has settled asks no longer: then its table before is of no use
    const asks = before > 0 && words.some((word) => settledOf(word) === ASK_BEFORE)
    return {
      words,
      before: asks ? this.#maps.words('before')?.subarray(beforeBase, beforeBase + before) : undefined,
      slots: this.#assignment?.poolAt(pool),
    }
  }
}
