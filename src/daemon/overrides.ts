// What operators said of servers at run time, and what comes of it. An override is about a server in every pool that
// has it, or in the pool of one service; the latter goes first. It has two halves that do not touch each other: an
// order (drain, disable) and a weight. Pure: lists in, lists out; the time is handed in.
//
//   order      the server               its flows                    a deadline
//   drained    gets no new flows        stay                         then as if disabled
//   disabled   is as if it had failed   go by the service's on_failure
//   ready      is as the file has it    (said of one service, against a drain or disable of all)

import type { DesiredState } from '../config/state.ts'
import type { ServerView, Views } from '../engine/engine.ts'

export type Order = 'ready' | 'drained' | 'disabled'

/** Override: at least one of `order` and `weight`; `weight` counts where it is below the file's. */
export interface Override {
  readonly server: string
  /** Absent: all pools that have the server. Present: the pool of this service. */
  readonly service?: string
  readonly order?: Order
  readonly weight?: number
  /** Milliseconds of the epoch, as `deadline`. */
  readonly since: number
  /** Of `drained`: from then on it is as if disabled. */
  readonly deadline?: number
  /** Where and when among all words it was said (words.ts); absent: before there was a cluster. */
  readonly said?: Version
}

/** Version: of two words about the same the one with the higher count is the later one; of equals that of the later name. */
export interface Version {
  readonly count: number
  /** The node's name; empty: it was in no cluster. */
  readonly by: string
}

/** UsedPool: a pool that some services use. */
export interface UsedPool {
  readonly name: string
  readonly services: readonly string[]
  readonly members: DesiredState['pools'][number]['members']
  /** Its sorry servers, of whom the same may be said. */
  readonly sorry?: UsedPool['members']
}

/** weighedOf a pool: members and sorry servers, with the file's weights. */
export const weighedOf = ({ members, sorry }: Pick<UsedPool, 'members' | 'sorry'>): UsedPool['members'] =>
  sorry ? [...members, ...sorry] : members

/** usedPools: the pools of a file that services use, in the file's order. */
export function usedPools({ pools, services }: Pick<DesiredState, 'pools' | 'services'>): UsedPool[] {
  const users = new Map<string, string[]>()
  for (const { name, pool } of services) users.set(pool, [...(users.get(pool) ?? []), name])
  return pools.flatMap(({ name, members, sorry }) => {
    const services = users.get(name)
    return services ? [{ name, members, ...(sorry && { sorry: sorry.members }), services }] : []
  })
}

/** Standing: what counts for a server of one pool now. */
export interface Standing {
  readonly order: Order
  /** Drained, and its deadline has passed: as if disabled. */
  readonly isOverdue: boolean
  readonly since?: number
  readonly deadline?: number
  /** Absent: the file's. */
  readonly weight?: number
}

/** standingOf: what of the list is about a server of a pool. `services`: those of the pool. */
export function standingOf(
  overrides: readonly Override[],
  server: string,
  services: readonly string[],
  now: number,
): Standing {
  const about = overrides.filter((each) => each.server === server)
  const own = about
    .filter(({ service }) => service !== undefined && services.includes(service))
    .reduce<Override | undefined>((last, each) => (last && last.since > each.since ? last : each), undefined)
  const all = about.find(({ service }) => service === undefined)
  const ordered = own?.order ? own : all
  const weight = own?.weight ?? all?.weight
  const { order = 'ready', since, deadline } = ordered ?? {}
  return {
    order,
    isOverdue: order === 'drained' && deadline !== undefined && deadline <= now,
    ...(order !== 'ready' && since !== undefined && { since }),
    ...(order === 'drained' && deadline !== undefined && { deadline }),
    ...(weight !== undefined && { weight }),
  }
}

/** leftOf: what is left of a server's weight by what was said of it for these services; undefined: all. */
export function leftOf(
  overrides: readonly Override[],
  server: string,
  services: readonly string[],
  now: number,
): number | undefined {
  if (overrides.length === 0) return undefined
  const { up, weight } = viewOf(standingOf(overrides, server, services, now))
  return up ? weight : 0
}

/** viewOf: the same for an engine. */
export function viewOf({ order, isOverdue, weight }: Standing): ServerView {
  if (order === 'disabled' || isOverdue) return { up: false }
  if (order === 'drained') return { up: true, weight: 0 }
  return weight === undefined ? { up: true } : { up: true, weight }
}

/** viewsOf: the views of all servers of pools that some override is about; `ready` ones among them. */
export function viewsOf(overrides: readonly Override[], pools: readonly UsedPool[], now: number): Views {
  const named = new Set(overrides.map(({ server }) => server))
  const views = new Map<string, ReadonlyMap<string, ServerView>>()
  for (const { name, services, ...pool } of pools) {
    const known = weighedOf(pool).filter(({ server }) => named.has(server))
    if (known.length === 0) continue
    views.set(
      name,
      new Map(known.map(({ server }) => [server, viewOf(standingOf(overrides, server, services, now))])),
    )
  }
  return views
}

/** isStillMeant: the file still has what an override is about. */
export const isStillMeant = (
  { server, service }: { readonly server: string; readonly service?: string | undefined },
  pools: readonly UsedPool[],
): boolean =>
  pools.some(
    ({ services, ...pool }) =>
      (service === undefined || services.includes(service)) &&
      weighedOf(pool).some((each) => each.server === server),
  )

/** nextDeadline: when the next drain is over, if any has a deadline that has not passed. */
export function nextDeadline(overrides: readonly Override[], now: number): number | undefined {
  const ahead = overrides.flatMap(({ order, deadline }) =>
    order === 'drained' && deadline !== undefined && deadline > now ? [deadline] : [],
  )
  return ahead.length === 0 ? undefined : ahead.reduce((first, each) => Math.min(first, each))
}
