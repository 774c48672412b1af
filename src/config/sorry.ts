// `sorry: [web99]`, or `sorry: { servers: web99, check: … }`: who answers for a pool when nobody else can, or fewer than its
// quorum. What is said under `defaults` is for pools of both address families and for pools that these servers are in
// themselves, so each pool takes of it whom it can have.

import { isIp4 } from '../base/addresses.ts'
import { type Check, resolveCheck } from './checks.ts'
import type { Findings } from './findings.ts'
import type { Inventory } from './inventory.ts'
import type { PoolRef } from './pools.ts'
import type { MembersShape, ServiceShape } from './schema-services.ts'
import { inside, keyOf, type Place } from './source.ts'
import type { PoolState } from './state.ts'

export type SorryShape = NonNullable<ServiceShape['sorry']>

/** Sorry: who, and how they are checked where that is not as the members are. */
export interface Sorry {
  readonly refs: readonly PoolRef[]
  readonly check?: Check
  /** Where the file says it. */
  readonly checkAt?: Place
}

/** SorryOptions: `refsOf` resolves names; undefined, and findings, where some are not right. */
export interface SorryOptions {
  readonly refsOf: (shape: MembersShape, at: Place) => readonly PoolRef[] | undefined
  readonly roles: ReadonlySet<string> | undefined
  readonly findings: Findings
}

/** resolveSorry: undefined where there are none, or not rightly. */
export function resolveSorry(shape: SorryShape, at: Place, options: SorryOptions): Sorry | undefined {
  if (shape === 'none') return undefined
  const isLong = typeof shape === 'object' && !Array.isArray(shape)
  const servers = isLong ? shape.servers : shape
  const place = isLong ? inside(at, 'servers') : at
  const refs = options.refsOf(servers, place)
  const check =
    isLong && shape.check !== undefined
      ? resolveCheck(shape.check, inside(at, 'check'), options.roles, options.findings)
      : undefined
  return refs && { refs, ...(check !== undefined && { check, checkAt: inside(at, 'check') }) }
}

/** checkSorry: sorry servers that a pool says itself and cannot have. */
export function checkSorry(
  { refs }: Sorry,
  { name, members }: PoolState,
  { servers }: Inventory,
  findings: Findings,
): void {
  const own = new Set(members.map(({ server }) => server))
  const first = members.flatMap(({ server }) => servers.get(server) ?? [])[0]
  for (const { place, members: asked } of refs)
    for (const { server } of asked) {
      if (own.has(server))
        findings.add(place, `${server} is in pool ${name} itself: a sorry server is none of its own servers`)
      const state = servers.get(server)
      if (state && first && isIp4(state.address) !== isIp4(first.address))
        findings.add(
          place,
          `${server} and ${first.name} of pool ${name} are of two families: a pool is of one, sorry servers too`,
        )
    }
}

/** fitting: of the sorry servers of `defaults`, whom a pool can have; undefined: nobody. */
export function fitting(sorry: Sorry, { members }: PoolState, { servers }: Inventory): Sorry | undefined {
  const own = new Set(members.map(({ server }) => server))
  const first = members.flatMap(({ server }) => servers.get(server) ?? [])[0]
  const canHave = (server: string): boolean => {
    const state = servers.get(server)
    return !own.has(server) && (!state || !first || isIp4(state.address) === isIp4(first.address))
  }
  const kept = sorry.refs.map((ref) => ({
    ...ref,
    members: ref.members.filter(({ server }) => canHave(server)),
  }))
  if (kept.every((ref) => ref.members.every(({ weight }) => weight === 0))) return undefined
  return { ...sorry, refs: kept }
}

/** checkOwned: what belongs to a pool that others may share is not said by a service that only names it. */
export function checkOwned(service: ServiceShape, place: Place, findings: Findings): void {
  for (const key of ['sorry', 'quorum'] as const)
    if (service.pool !== undefined && service[key] !== undefined)
      findings.add(
        keyOf(inside(place, key)),
        `${key} belongs to the pool, which other services may share: write it there, under pools: ${service.pool}: { servers: …, ${key}: … }`,
      )
}
