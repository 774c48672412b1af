// How many flows the flow table is enough for. A record is needed for each flow that another server than the slot's
// current one has: of the new flows of a pool, the share that a change moves, as long as such a flow lives. With track
// all each flow has one. So: records = new flows a second x share moved x life. Where a service persists, each flow may be
// of another client network, which has a record as well, for its time-out. Pure.

import type { DesiredState, PoolState, ServiceState } from '../config/state.ts'
import { usedPools } from './overrides.ts'

/** Enough: so many new flows a second, of a pool (track changes) or of a service (track all), fill the table. */
export interface Enough {
  readonly track: 'changes' | 'all'
  /** The pool's or the service's name. */
  readonly of: string
  readonly perSecond: number
  /** Of `changes`: the part of the pool's flows that its heaviest server has, out of how many servers. */
  readonly share: number
  readonly servers: number
  readonly lifeS: number
  /** Where the service persists: how long a network is kept. */
  readonly networkS?: number
}

/** FlowNeed: for each kind of tracking in use, the pool or service that the table is enough for least. */
export interface FlowNeed {
  readonly records: number
  readonly enough: readonly Enough[]
}

/** flowNeed: undefined where no service has flows remembered. */
export function flowNeed(state: DesiredState): FlowNeed | undefined {
  const records = state.limits.flows
  const pools = new Map(usedPools(state).map((pool) => [pool.name, pool]))
  const all = state.services.flatMap((service): Enough[] => {
    const { track, name, pool } = service
    if (track === 'none') return []
    const { members } = pools.get(pool)!
    const lifeS = lifeOf(service)
    const share = track === 'all' ? 1 : heaviest(members)
    const networkS = service.persistence?.timeout
    const perSecond = Math.floor(records / (share * (lifeS + (networkS ?? 0))))
    const of = track === 'all' ? name : pool
    const need = { track, of, perSecond, share, servers: members.length, lifeS }
    return [networkS === undefined ? need : { ...need, networkS }]
  })
  if (all.length === 0) return undefined
  const least = (track: Enough['track']) =>
    all.filter((each) => each.track === track).sort((a, b) => a.perSecond - b.perSecond)[0] ?? []
  return { records, enough: [least('changes'), least('all')].flat() }
}

/** A flow lives as long as its time-out, or longer; records of ended connections make way at once. */
function lifeOf({ listeners, timeouts }: ServiceState): number {
  const lives = listeners.map(({ protocol }) => (protocol === 'tcp' ? timeouts.established : timeouts.udp))
  return Math.max(...lives)
}

/** heaviest: the share of the server whose failure moves most; of one server all that there is. */
function heaviest(members: PoolState['members']): number {
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  return members.reduce((most, { weight }) => Math.max(most, weight), 0) / total
}
