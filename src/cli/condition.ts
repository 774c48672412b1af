// How well a status is: services, servers of each, and what is wrong, by weight. `tenbin status` puts the most troubled
// first by it, `status --check` makes an exit code of it. Pure.

import type { Status } from '../daemon/api-schema.ts'

/** PoolServer: a server as one pool sees it. */
export type PoolServer = Status['pools'][number]['servers'][number]
export type Service = Status['services'][number]

/** Condition: what is wrong with one server of a pool, in a few words; `trouble` 0: nothing. */
export interface Condition {
  readonly trouble: number
  readonly why: string
}

/** TROUBLE: what weighs how much. */
export const TROUBLE = { none: 0, note: 1, byHand: 2, doubt: 3, down: 4, outage: 5 } as const

const fine: Condition = { trouble: TROUBLE.none, why: '' }

/** serverCondition: of a server in a pool; what failed says why, if that is known. */
export function serverCondition({ state, weight, configured, check }: PoolServer): Condition {
  if (check?.isOverdue === true && state === 'up')
    return { trouble: TROUBLE.doubt, why: 'its check stands still' }
  if (state === 'unreachable') return { trouble: TROUBLE.down, why: check?.why ?? '' }
  if (check?.state === 'held')
    return {
      trouble: TROUBLE.doubt,
      why: `the guard does not believe it${check.why === undefined ? '' : `: ${check.why}`}`,
    }
  if (state === 'failed')
    return check?.state === 'unknown'
      ? { trouble: TROUBLE.doubt, why: `not looked at yet${check.why === undefined ? '' : `: ${check.why}`}` }
      : { trouble: TROUBLE.down, why: check?.why ?? '' }
  if (state === 'disabled' || state === 'drained' || state === 'draining')
    return { trouble: TROUBLE.byHand, why: check?.why ?? '' }
  if (check?.warning !== undefined) return { trouble: TROUBLE.note, why: check.warning }
  if (check?.why !== undefined) return { trouble: TROUBLE.note, why: check.why }
  return state === 'up' && weight < configured ? { trouble: TROUBLE.note, why: '' } : fine
}

/** isUp: a server that gets new flows. */
const isUp = ({ state }: PoolServer): boolean => state === 'up'

/** ServiceCondition: `up` of `servers`: those that get new flows, of those whose weight in the file is above 0. */
export interface ServiceCondition extends Condition {
  readonly name: string
  readonly up: number
  readonly servers: number
}

/** serviceConditions: of all services, in the file's order. */
export function serviceConditions({ services, pools }: Status): ServiceCondition[] {
  const poolOf = new Map(pools.map((pool) => [pool.name, pool]))
  return services.map(({ name, pool }) => {
    const found = poolOf.get(pool)
    const servers = (found?.servers ?? []).filter(({ state, sorry }) => state !== 'off' && !sorry)
    const up = servers.filter(isUp).length
    return { name, up, servers: servers.length, ...conditionOf(servers, up, found) }
  })
}

function conditionOf(
  servers: readonly PoolServer[],
  up: number,
  pool: Status['pools'][number] | undefined,
): Condition {
  const sorry = pool?.sorry ? ', sorry servers answer' : ''
  if (pool?.quorum?.state === 'lost') {
    const { present, down } = pool.quorum
    return { trouble: TROUBLE.outage, why: `no quorum: ${present} of ${down}${sorry}` }
  }
  if (up === 0) return { trouble: TROUBLE.outage, why: `no server${sorry}` }
  const conditions = servers.map(serverCondition)
  const count = (is: (server: PoolServer, at: number) => boolean) => servers.filter(is).length
  const counts = [
    [count((_, at) => conditions[at]!.trouble === TROUBLE.down), 'down'],
    [count(({ check }) => check?.state === 'held'), 'held by the guard'],
    [count(({ state, check }) => state === 'failed' && check?.state === 'unknown'), 'not looked at yet'],
    [count(({ check }) => check?.isOverdue === true), 'whose check stands still'],
    [count((_, at) => conditions[at]!.trouble === TROUBLE.byHand), 'out by hand'],
  ] as const
  const words = counts.filter(([many]) => many > 0).map(([many, what]) => `${many} ${what}`)
  return { trouble: Math.max(...conditions.map(({ trouble }) => trouble)), why: words.join(', ') }
}
