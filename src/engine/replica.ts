// Replica: the engine as one of several nodes: what others need to know of its pools and flows, and what it takes over from
// them. Following is continuous: words are right before anybody knows that this node will be active, and survive a new
// generation, which follows again. Nothing here decides who leads a pool; that is told.

import { AWAIT } from '../dataplane/awaiting.ts'
import { flowsOf } from '../dataplane/memory.ts'
import type { Leaders, Unfollowed } from './assignment.ts'
import { FlowExchange } from './flow-exchange.ts'
import type { Followed, IdOf } from './follow.ts'
import { Fresh } from './fresh.ts'
import { idleTicks, networkTicks } from './lives.ts'
import { addressesIn, type Plan } from './plan.ts'
import { type PoolShare, shareOf } from './pool-share.ts'
import type { Live } from './status.ts'

/**
 * FollowResult: `followed`; the pool is `unknown` here, or none of its flows is tracked; the tables are `other` ones, of
 * another version of tenbin; a table `before` has to be asked, and the next apply makes room for it.
 */
export type FollowResult = 'followed' | 'unknown' | Unfollowed

export interface Replica {
  /** isLive: something is applied. */
  readonly isLive: boolean
  /** pools: the names of those whose flows are tracked. */
  pools(): readonly string[]
  /** revisionOf a pool: another number when its share is another; undefined: it is not here. Cheap. */
  revisionOf(pool: string): number | undefined
  /** share of a pool, for others; undefined: it is not here, or none of its flows is tracked. */
  share(pool: string): PoolShare | undefined
  /** follow what another node shares of a pool, instead of what was followed before. */
  follow(share: PoolShare): FollowResult
  /** lead: this node's own packets are what counts from now on. What was followed is its past. How many slots were looked at. */
  lead(pool: string): number
  /** renew: pools whose own view has changed since they were followed are followed anew, about `most` slots; how many pools. */
  renew(most: number): number
  /**
   * awaitRecords: whether records of flows may be on their way from other nodes: what servers with nat answer to nobody known is
   * dropped then, not forwarded (dataplane/awaiting.ts). Generations keep it, and so does a daemon's death.
   */
  awaitRecords(isAwaiting: boolean): void
  /** flows: the exchange of the generation that runs, another object for each; undefined: no flow is tracked. */
  flows(): FlowExchange | undefined
}

/** What is followed, and the pool's revision when that was done. */
interface Following extends Followed {
  revision: number
}

export class LiveReplica implements Replica {
  readonly #live: () => Live | undefined
  readonly #now: () => number
  readonly #followed = new Map<string, Following>()
  /** Pools whose tables of before have no room in this generation. */
  readonly #wanting = new Set<string>()
  #exchange: { readonly of: Live; readonly flows: FlowExchange | undefined } | undefined

  /** `now`: the engine's clock. */
  constructor(live: () => Live | undefined, now: () => number) {
    this.#live = live
    this.#now = now
  }

  get isLive(): boolean {
    return this.#live() !== undefined
  }

  pools(): readonly string[] {
    const live = this.#live()
    if (!live) return []
    const { pools } = live.prepared.plan
    return pools.flatMap(({ name }, pool) => (live.assignment.livesOf(pool) ? [name] : []))
  }

  revisionOf(name: string): number | undefined {
    const { live, pool } = this.#find(name)
    return live?.assignment.poolAt(pool).revision
  }

  share(name: string): PoolShare | undefined {
    const { live, pool } = this.#find(name)
    if (!live) return undefined
    const { assignment, prepared } = live
    const left = assignment.poolAt(pool).left()
    return shareOf(prepared.plan, pool, left, this.#now(), assignment.before?.[pool])
  }

  follow(share: PoolShare): FollowResult {
    const following = { share, at: this.#now(), revision: 0 }
    const result = this.#follow(following)
    if (result === 'followed' || result === 'before') this.#followed.set(share.pool, following)
    if (result === 'before') this.#wanting.add(share.pool)
    else this.#wanting.delete(share.pool)
    return result
  }

  lead(name: string): number {
    const following = this.#followed.get(name)
    if (!following) return 0
    // where both differ, the change is as young as this moment
    this.#follow(following)
    this.#followed.delete(name)
    const { live, pool } = this.#find(name)
    live?.assignment.poolAt(pool).lead()
    return following.share.slots
  }

  renew(most: number): number {
    let [looked, renewed] = [0, 0]
    for (const [name, following] of this.#followed) {
      if (looked >= most) break
      if (this.#wanting.has(name) || this.revisionOf(name) === following.revision) continue
      looked += following.share.slots
      this.#follow(following)
      renewed++
    }
    return renewed
  }

  /** wants: why another generation is wanted; empty: it is not. */
  wants(): string[] {
    return [...this.#wanting].map((pool) => `pool ${pool} has to ask a table of before that another node has`)
  }

  /** leaders: what a new generation goes on from. */
  leaders(plan: Plan): Leaders {
    return { shares: this.#followed, idOf: idOfIn(plan) }
  }

  /** again: another generation runs, and follows what the one before followed. */
  again(): void {
    this.#wanting.clear()
    for (const [name, following] of this.#followed) {
      following.revision = 0
      if (this.#follow(following) === 'followed') continue
      this.#followed.delete(name)
      const { live, pool } = this.#find(name)
      live?.assignment.poolAt(pool).lead()
    }
  }

  awaitRecords(isAwaiting: boolean): void {
    const words = this.#live()?.generation.maps.words('awaiting')
    if (words) words[0] = isAwaiting ? AWAIT.records : AWAIT.nothing
  }

  flows(): FlowExchange | undefined {
    const live = this.#live()
    if (!live) return undefined
    if (this.#exchange?.of !== live) {
      const { prepared, keeper, generation } = live
      const { plan, layout } = prepared
      const { clock, fresh } = flowsOf(plan.shape) ?? {}
      const flows =
        keeper && clock
          ? new FlowExchange(
              plan,
              keeper,
              { idle: idleTicks(plan, clock), networks: networkTicks(plan, clock) },
              fresh === undefined ? undefined : new Fresh(generation.maps.counters, layout.memory),
            )
          : undefined
      this.#exchange = { of: live, flows }
    }
    return this.#exchange.flows
  }

  #find(name: string): { readonly live: Live | undefined; readonly pool: number } {
    const live = this.#live()
    const pool = live?.prepared.plan.poolAt.get(name)
    return pool === undefined ? { live: undefined, pool: -1 } : { live, pool }
  }

  #follow(following: Following): FollowResult {
    const { live, pool } = this.#find(following.share.pool)
    if (!live?.assignment.livesOf(pool)) return 'unknown'
    const { prepared, assignment, generation } = live
    const found = assignment.follow(pool, following, {
      idOf: idOfIn(prepared.plan),
      now: this.#now(),
      storeBefore: (words) => generation.storeBefore(prepared, pool, words),
    })
    if (typeof found === 'string') return found
    following.revision = found
    return 'followed'
  }
}

/** idOfIn a plan: a server is the same one by its name and address. */
export function idOfIn(plan: Plan): IdOf {
  const addresses = addressesIn(plan)
  return (name, address) => (addresses.get(name) === address ? (plan.idOf.get(name) ?? 0) : 0)
}
