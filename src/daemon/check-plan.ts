// What a file asks to be looked at, by what it moves: the orders of its checks, and for each pool its rules and the orders
// of each member. Pure.

import { formatIp } from '../base/addresses.ts'
import { guardOf } from '../config/guard.ts'
import { QUORUM } from '../config/quorum.ts'
import { type DesiredState, type PoolState as FilePool, serversOf } from '../config/state.ts'
import type { FoundPool } from '../engine/holders.ts'
import { type Ordered, ordersOf } from '../health/orders.ts'
import { newPool, type PoolRules, type PoolState, type Served } from '../health/pool.ts'

/** CheckedMembers: by server: its weight, and the orders that move it; none: it is taken for up. */
export type CheckedMembers = ReadonlyMap<
  string,
  { readonly weight: number; readonly keys: readonly string[] }
>

/** PoolOfChecks: a pool of which some server is moved by checks; `wakeAt`: its step is due by then. */
export interface PoolOfChecks {
  readonly services: readonly string[]
  readonly rules: PoolRules
  readonly members: CheckedMembers
  readonly sorry: CheckedMembers
  state: PoolState
  /** Sorry servers among them. */
  served: ReadonlyMap<string, Served>
  /** The weights that count for the quorum. */
  present: number
  wakeAt: number
}

/** Plan: what a file asks to be looked at: orders by key, pools by name. */
export interface Plan {
  readonly ordered: ReadonlyMap<string, Ordered>
  readonly pools: ReadonlyMap<string, PoolOfChecks>
  /** By pool, where no check moves anybody: its servers, which all serve, with their addresses. */
  readonly trusted: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** The pool of each service. */
  readonly poolOf: ReadonlyMap<string, string>
}

/** planFound: nothing is asked for yet, and who gets new flows of a packet path that runs already serves. */
export const planFound = (pools: readonly FoundPool[]): Plan => ({
  ordered: new Map(),
  pools: new Map(),
  trusted: new Map(pools.map(({ name, holders }) => [name, holders])),
  poolOf: new Map(pools.flatMap(({ name, services }) => services.map((service) => [service, name]))),
})

/** formerName: what a pool was called in a plan: the same, or as the pool that one of its services had. */
export function formerName(
  { pools, trusted, poolOf }: Plan,
  pool: string,
  services: readonly string[],
): string {
  if (pools.has(pool) || trusted.has(pool)) return pool
  return services.map((service) => poolOf.get(service)).find((name) => name !== undefined) ?? pool
}

/** newPools: those of a plan that were nowhere before: of their servers nobody can say whether they served. */
export const newPools = ({ pools, poolOf }: Plan, before: Plan): ReadonlySet<string> => {
  const servicesOf = (pool: string) => [...poolOf].flatMap(([service, of]) => (of === pool ? [service] : []))
  const isKnown = (name: string) => before.pools.has(name) || before.trusted.has(name)
  return new Set(
    [...pools.keys()].filter(
      (pool) => !isKnown(pool) && !isKnown(formerName(before, pool, servicesOf(pool))),
    ),
  )
}

/** planOf: pools that were there before go on with what is known of them. */
export function planOf(desired: DesiredState, node: string, before: Plan): Plan {
  const ordered = new Map(ordersOf(desired, node).map((each) => [each.order.key, each]))
  const pools = poolsOf(desired, ordered, before)
  const addresses = new Map(desired.servers.map(({ name, address }) => [name, formatIp(address)]))
  const trusted = desired.pools
    .filter(({ name }) => !pools.has(name))
    .map(
      (pool) =>
        [pool.name, new Map(serversOf(pool).map((server) => [server, addresses.get(server) ?? '']))] as const,
    )
  const poolOf = new Map(desired.services.map(({ name, pool }) => [name, pool]))
  return { ordered, pools, trusted: new Map(trusted), poolOf }
}

function poolsOf(desired: DesiredState, ordered: Plan['ordered'], before: Plan): Plan['pools'] {
  const keys = new Map<string, string[]>()
  const windows = new Map<string, number>()
  for (const { order, users } of ordered.values())
    for (const { pool, server, isObserved } of users) {
      if (isObserved) continue
      const pair = `${pool}\0${server}`
      keys.set(pair, [...(keys.get(pair) ?? []), order.key])
      const { everyMs, timeoutMs } = order.check.rhythm
      windows.set(pool, Math.max(windows.get(pool) ?? 0, everyMs + timeoutMs))
    }
  const servicesOf = (pool: string) => desired.services.filter((service) => service.pool === pool)
  return new Map(
    desired.pools
      .filter(({ name }) => windows.has(name))
      .map((pool): [string, PoolOfChecks] => {
        const { name, members, sorry, quorum = QUORUM } = pool
        const users = servicesOf(name)
        const services = users.map((service) => service.name)
        const { share, intervalMs, holdMs } = guardOf(users.map(({ guard }) => guard))
        const roundMs = windows.get(name)!
        const former = formerName(before, name, services)
        const checked = (list: FilePool['members']): CheckedMembers =>
          new Map(
            list.map(({ server, weight }) => [
              server,
              { weight, keys: keys.get(`${name}\0${server}`) ?? [] },
            ]),
          )
        return [
          name,
          {
            services,
            rules: {
              guard: { share, windowMs: intervalMs ?? roundMs, holdMs },
              slowStartMs: Math.max(...users.map(({ slowStartMs }) => slowStartMs)),
              quorum,
              roundMs,
            },
            members: checked(members),
            sorry: checked(sorry?.members ?? []),
            state: before.pools.get(former)?.state ?? servedSoFar(pool, before.trusted.get(former)),
            served: servedBefore(pool, before.pools.get(former)),
            present: before.pools.get(former)?.present ?? 0,
            wakeAt: Number.POSITIVE_INFINITY,
          },
        ]
      }),
  )
}

/** servedBefore: as its servers were; who is new has not been looked at. */
const servedBefore = (pool: FilePool, former: PoolOfChecks | undefined): ReadonlyMap<string, Served> =>
  new Map(
    serversOf(pool).map((server) => [
      server,
      former?.served.get(server) ?? { name: server, state: 'unknown', weight: 0 },
    ]),
  )

/**
 * servedSoFar: those that nobody looked at, or whom a packet path was found to serve: down now is that they fell. Where it
 * was found with sorry servers alone, the quorum was lost.
 */
function servedSoFar({ sorry }: FilePool, holders: ReadonlyMap<string, string> = new Map()): PoolState {
  const aside = new Set(sorry?.members.map(({ server }) => server))
  const names = [...holders.keys()].filter((name) => !aside.has(name))
  const quorum = holders.size === 0 ? 'unknown' : names.length === 0 ? 'lost' : 'there'
  const entry = { since: Number.NEGATIVE_INFINITY, isRamped: false }
  return { ...newPool, quorum, up: new Map(names.map((name) => [name, entry])) }
}
