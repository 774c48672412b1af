// What is known of servers at run time: how each is reached, and what health and operators say of it in each pool.
// From both follows what counts of its weight, and nothing else decides who takes new flows.

import type { EngineInterface, EngineSpec, Neighbour, PoolServer, ServerView, Views } from './engine.ts'

/** Reach: a neighbour that is there. */
export type Reach = Extract<Neighbour, { readonly on: string }>
/** ReachOf: how a server is reached, by its name; undefined: it is not. */
export type ReachOf = (server: string) => Reach | undefined

/** onOneOf: a neighbour by an interface that does not forward is as good as none. */
export const onOneOf = (interfaces: readonly EngineInterface[], neighbour: Neighbour): Neighbour =>
  'why' in neighbour || interfaces.some(({ name }) => name === neighbour.on)
    ? neighbour
    : { why: `it is behind ${neighbour.on}, which does not forward` }

const UP: ServerView = { up: true }

/** Known: changed by its owner only. */
export class Known {
  readonly #neighbours: Map<string, Neighbour>
  readonly #views = new Map<string, Map<string, ServerView>>()
  /** When a server of a pool began to drain. */
  readonly #drains: Map<string, number>
  /** Pools that have lost their quorum. */
  readonly #lost: Set<string>

  /** A copy of what was known, to be changed without changing that. */
  constructor(before?: Known) {
    this.#neighbours = new Map(before ? before.#neighbours : [])
    this.#drains = new Map(before ? before.#drains : [])
    this.#lost = new Set(before ? before.#lost : [])
    if (before) for (const [pool, servers] of before.#views) this.#views.set(pool, new Map(servers))
  }

  neighbourOf(server: string): Neighbour {
    return this.#neighbours.get(server) ?? { why: 'not resolved yet' }
  }

  reachOf(server: string): Reach | undefined {
    const neighbour = this.neighbourOf(server)
    return 'mac' in neighbour ? neighbour : undefined
  }

  isReachable(server: string): boolean {
    return this.reachOf(server) !== undefined
  }

  setNeighbour(server: string, neighbour: Neighbour): void {
    this.#neighbours.set(server, neighbour)
  }

  /** isOpen: whether new flows may go to a server of a pool, if it is reachable. */
  isOpen(pool: string, server: string, configured: number): boolean {
    return this.viewOf(pool, server).up && this.weightOf(pool, server, configured) > 0
  }

  viewOf(pool: string, server: string): ServerView {
    return this.#views.get(pool)?.get(server) ?? UP
  }

  setView(pool: string, server: string, view: ServerView, now: number): void {
    const servers = this.#views.get(pool) ?? new Map<string, ServerView>()
    this.#views.set(pool, servers.set(server, view))
    const key = `${pool} ${server}`
    if (view.weight !== 0) this.#drains.delete(key)
    else if (!this.#drains.has(key)) this.#drains.set(key, now)
  }

  setViews(views: Views, now: number): void {
    for (const [pool, servers] of views)
      for (const [server, view] of servers) this.setView(pool, server, view, now)
  }

  isLost(pool: string): boolean {
    return this.#lost.has(pool)
  }

  setLost(pool: string, isLost: boolean): void {
    if (isLost) this.#lost.add(pool)
    else this.#lost.delete(pool)
  }

  /** forget what no pool and no server of a spec is concerned by. */
  forget({ pools, servers }: EngineSpec): void {
    const names = new Set(servers.map(({ name }) => name))
    for (const name of this.#neighbours.keys()) if (!names.has(name)) this.#neighbours.delete(name)
    const members = new Map(
      pools.map(({ name, members, sorry = [] }) => [
        name,
        new Set([...members, ...sorry].map(({ server }) => server)),
      ]),
    )
    for (const pool of this.#lost) if (!members.has(pool)) this.#lost.delete(pool)
    for (const [pool, views] of this.#views)
      for (const server of views.keys())
        if (!members.get(pool)?.has(server)) {
          views.delete(server)
          this.#drains.delete(`${pool} ${server}`)
        }
  }

  /** drainingSince: when a server of a pool got the weight 0. */
  drainingSince(pool: string, server: string): number | undefined {
    return this.#drains.get(`${pool} ${server}`)
  }

  /** weightOf: what counts of a configured weight while the server is up and reachable. */
  weightOf(pool: string, server: string, configured: number): number {
    return Math.min(this.viewOf(pool, server).weight ?? configured, configured)
  }

  /** partOf: the part of its configured weight that counts now, 0..1. */
  partOf(pool: string, server: string, configured: number): number {
    if (configured === 0 || !this.viewOf(pool, server).up || !this.isReachable(server)) return 0
    return this.weightOf(pool, server, configured) / configured
  }

  stateOf(pool: string, server: string, configured: number): PoolServer['state'] {
    if (configured === 0) return 'off'
    if (!this.viewOf(pool, server).up) return 'failed'
    if (this.weightOf(pool, server, configured) === 0) return 'draining'
    return this.isReachable(server) ? 'up' : 'unreachable'
  }
}
