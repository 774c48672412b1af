// What a pool does with the standings of its members: who serves with what weight, whether the guard holds some, whether
// the pool has lost its quorum and its sorry servers answer. Its idea: one pure step from what was to what is, with the
// time when it must be asked again though nothing is found (a ramp's next step, the end of a guard); what changed is the
// difference of two views.

import type { Report } from './checker.ts'
import { type GuardRules, type GuardState, guardEnds, noGuard, stepGuard } from './guard.ts'
import type { Standing } from './machine.ts'
import { ramped, rampNext, rampShare } from './slow-start.ts'

/** PoolRules: `quorum` and `hysteresis` are sums of weights. */
export interface PoolRules {
  readonly guard: GuardRules
  readonly slowStartMs: number
  /** Below quorum - hysteresis the pool is lost, at quorum + hysteresis it is regained. */
  readonly quorum: number
  readonly hysteresis: number
}

/** Member: of the pool, or one of its sorry servers. */
export interface Member {
  readonly name: string
  /** The file's, or the operator's. */
  readonly weight: number
  readonly standing: Standing
  readonly report?: Report
}

/** Served: what a member is to get. Held: it failed, and the guard does not believe it. */
export interface Served {
  readonly name: string
  readonly state: Standing | 'held'
  /** 0: nothing new. */
  readonly weight: number
}

/** PoolState: what must be remembered from step to step. */
export interface PoolState {
  readonly guard: GuardState
  readonly isLost: boolean
  /** By name: since when it is up, and whether by a ramp. */
  readonly up: ReadonlyMap<string, { readonly since: number; readonly isRamped: boolean }>
}

/** newPool: nothing is known. */
export const newPool: PoolState = { guard: noGuard, isLost: false, up: new Map() }

/** PoolView: what follows. `wakeAt`: step again by then at the latest. */
export interface PoolView {
  readonly state: PoolState
  readonly members: readonly Served[]
  /** Sorry servers answer, members do not. */
  readonly isSorry: boolean
  readonly wakeAt?: number
}

/** stepPool: the members as they are now. */
export function stepPool(
  state: PoolState,
  members: readonly Member[],
  sorry: readonly Member[],
  now: number,
  rules: PoolRules,
): PoolView {
  const named = (standing: Standing) =>
    new Set(members.filter((member) => member.standing === standing).map(({ name }) => name))
  const [upNames, down] = [named('up'), named('down')]
  const fell = [...down].filter((name) => state.up.has(name))
  const hasSubstitute = sorry.some(({ standing }) => standing === 'up')
  const guard = stepGuard(state.guard, { up: upNames, down, fell, hasSubstitute }, now, rules.guard)

  // A ramp protects one that joins others which have served for a while; where all begin together there is none.
  const isJoining = [...state.up].some(
    ([name, { since }]) => upNames.has(name) && since <= now - rules.guard.windowMs,
  )
  const up = new Map(
    [...upNames].map((name) => {
      // One that was held has served all the time.
      const isBack = !state.up.has(name) && !state.guard.held.has(name)
      return [name, state.up.get(name) ?? { since: now, isRamped: isBack && isJoining }] as const
    }),
  )

  const rampOf = (name: string): number => {
    const entry = up.get(name)
    return entry?.isRamped ? rampShare(entry.since, now, rules.slowStartMs) : 1
  }
  const served = members.map(({ name, weight, standing, report }): Served => {
    const held = guard.held.has(name)
    const isServing = standing === 'up' || held
    const full = isServing ? reported(weight, report) : 0
    return { name, state: held ? 'held' : standing, weight: ramped(full, rampOf(name)) }
  })
  const total = members.reduce(
    (sum, { name, weight, report }) =>
      up.has(name) || guard.held.has(name) ? sum + reported(weight, report) : sum,
    0,
  )
  const isLost = total < rules.quorum + (state.isLost ? rules.hysteresis : -rules.hysteresis)
  const isSorry = isLost && sorry.some(({ standing, weight }) => standing === 'up' && weight > 0)
  const ends = [...up.values()].flatMap(({ since, isRamped }) =>
    isRamped ? (rampNext(since, now, rules.slowStartMs) ?? []) : [],
  )
  const wakeAt = Math.min(...ends, up.size > 0 ? (guardEnds(guard, rules.guard) ?? Infinity) : Infinity)
  return {
    state: { guard, isLost, up },
    members: isSorry ? served.map((member) => ({ ...member, weight: 0 })) : served,
    isSorry,
    ...(wakeAt !== Number.POSITIVE_INFINITY && { wakeAt }),
  }
}

/** reported: a weight after what the server says of itself. */
function reported(weight: number, report: Report | undefined): number {
  if (report === undefined || weight === 0) return weight
  if (report.isDraining) return 0
  if (report.weight !== undefined) return report.weight
  return report.share === undefined ? weight : Math.ceil(weight * report.share)
}
