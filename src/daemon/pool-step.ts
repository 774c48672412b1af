// One step of a pool that checks move: its members and sorry servers as their checks and operators have them, what the
// pool makes of it (health/pool.ts), and what of that is other than it was. Pure but for the pool, which is stepped.

import type { Standing } from '../health/machine.ts'
import { type Member, type PoolState, type Served, stepPool } from '../health/pool.ts'
import type { State } from '../health/protocol.ts'
import type { CheckedMembers, PoolOfChecks } from './check-plan.ts'

/** Sources: what is known of a check, and what an operator leaves of a server's weight; undefined: all. */
export interface Sources {
  readonly stateOf: (key: string) => State | undefined
  readonly leftOf: (services: readonly string[], server: string) => number | undefined
}

/** Stepped: servers whose view is another, how many the guard holds, and the quorum where it turned. */
export interface Stepped {
  readonly changed: readonly string[]
  readonly held: { readonly before: number; readonly now: number }
  readonly quorum?: Exclude<PoolState['quorum'], 'unknown'>
}

/** stepChecked: `now` in ms of a clock that nobody sets. */
export function stepChecked(pool: PoolOfChecks, sources: Sources, now: number): Stepped {
  const before = pool.state
  const members = membersOf(pool, pool.members, sources)
  const view = stepPool(before, members, membersOf(pool, pool.sorry, sources), now, pool.rules)
  const served = new Map([...view.members, ...view.sorry].map((each) => [each.name, each]))
  const { quorum } = view.state
  const isTurned = quorum !== before.quorum
  // What sorry servers get depends on whether the quorum is known at all.
  const isShut = (state: PoolState, name: string) => state.quorum === 'unknown' && pool.sorry.has(name)
  const changed = [...served.values()].filter(
    (each) =>
      isOther(each, pool.served.get(each.name)) ||
      isShut(before, each.name) !== isShut(view.state, each.name),
  )
  pool.state = view.state
  pool.served = served
  pool.present = view.present
  pool.wakeAt = view.wakeAt ?? Number.POSITIVE_INFINITY
  return {
    changed: changed.map(({ name }) => name),
    held: { before: before.guard.held.size, now: view.state.guard.held.size },
    ...(isTurned && quorum !== 'unknown' && { quorum }),
  }
}

const isOther = ({ state, weight }: Served, before: Served | undefined): boolean =>
  before?.state !== state || before.weight !== weight

function membersOf(
  { services }: PoolOfChecks,
  members: CheckedMembers,
  { stateOf, leftOf }: Sources,
): Member[] {
  return [...members].map(([name, { weight, keys }]) => {
    const states = keys.map(stateOf)
    const report = states.find((state) => state?.report)?.report
    const left = leftOf(services, name)
    return {
      name,
      weight,
      standing: worstOf(states.map((state) => state?.standing)),
      ...(left !== undefined && { left }),
      ...(report && { report }),
    }
  })
}

const worstOf = (standings: readonly (Standing | undefined)[]): Standing => {
  if (standings.includes('down')) return 'down'
  return standings.every((standing) => standing === 'up') ? 'up' : 'unknown'
}
