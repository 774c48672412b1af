// What a file asks to be looked at, by what it moves: the orders of its checks, and for each pool its rules and the orders
// of each member. Pure.

import { formatIp } from '../base/addresses.ts'
import type { DesiredState } from '../config/state.ts'
import type { FoundPool } from '../engine/holders.ts'
import { HOLD_MS } from '../health/guard.ts'
import { type Ordered, ordersOf } from '../health/orders.ts'
import { newPool, type PoolRules, type PoolState, type Served } from '../health/pool.ts'

/** PoolOfChecks: a pool of which some server is moved by checks; `wakeAt`: its step is due by then. */
export interface PoolOfChecks {
  readonly rules: PoolRules
  /** By server: its weight, and the orders that move it. */
  readonly members: ReadonlyMap<string, { readonly weight: number; readonly keys: readonly string[] }>
  state: PoolState
  served: ReadonlyMap<string, Served>
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
      ({ name, members }) =>
        [name, new Map(members.map(({ server }) => [server, addresses.get(server) ?? '']))] as const,
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
  const formerOf = (pool: string) =>
    formerName(
      before,
      pool,
      servicesOf(pool).map(({ name }) => name),
    )
  const former = (pool: string) => before.pools.get(formerOf(pool))
  return new Map(
    desired.pools
      .filter(({ name }) => windows.has(name))
      .map(({ name, members }) => [
        name,
        {
          rules: {
            guard: {
              share: Math.min(...servicesOf(name).map(({ guard }) => guard)),
              windowMs: windows.get(name)!,
              holdMs: HOLD_MS,
            },
            slowStartMs: Math.max(...servicesOf(name).map(({ slowStartMs }) => slowStartMs)),
            quorum: 1,
            hysteresis: 0,
          },
          members: new Map(
            members.map(({ server, weight }) => [server, { weight, keys: keys.get(`${name}\0${server}`)! }]),
          ),
          state: former(name)?.state ?? servedSoFar(before.trusted.get(formerOf(name))),
          served: new Map(
            members.map(({ server }) => [
              server,
              former(name)?.served.get(server) ?? {
                name: server,
                state: 'unknown' as const,
                weight: 0,
              },
            ]),
          ),
          wakeAt: Number.POSITIVE_INFINITY,
        },
      ]),
  )
}

/** servedSoFar: those that nobody looked at, or whom a packet path was found to serve: down now is that they fell. */
const servedSoFar = (servers: ReadonlyMap<string, string> = new Map()): PoolState => ({
  ...newPool,
  up: new Map(
    [...servers.keys()].map((name) => [name, { since: Number.NEGATIVE_INFINITY, isRamped: false }]),
  ),
})
