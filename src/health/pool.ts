// What a pool does with the standings of its members: who serves with what weight, whether the guard holds some, whether
// the pool has lost its quorum. Its idea: one pure step from what was to what is, with the time when it must be asked again
// though nothing is found (a ramp's next step, the end of a guard); what changed is the difference of two views.
//
// The quorum is counted as keepalived counts it: the weights of those that serve, whole ones though they ramp up; with
// nobody it is lost, since no quorum is below 1. At the start it is neither lost nor there until it is reached or everybody has
// been looked at: sorry servers must not greet the clients of members whose turn to be looked at has not come.

import type { Quorum } from '../config/quorum.ts'
import type { Report } from './checker.ts'
import { type GuardRules, type GuardState, guardEnds, noGuard, stepGuard } from './guard.ts'
import type { Standing } from './machine.ts'
import { ramped, rampNext, rampShare } from './slow-start.ts'

/** PoolRules: times in ms. */
export interface PoolRules {
  readonly guard: GuardRules
  readonly slowStartMs: number
  readonly quorum: Quorum
  /** What one round of looks takes. */
  readonly roundMs: number
}

/** Member: of the pool, or one of its sorry servers. */
export interface Member {
  readonly name: string
  /** The file's. */
  readonly weight: number
  /** What an operator leaves of it; absent: all. */
  readonly left?: number
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
  /** Unknown: not reached yet, and some have not been looked at. */
  readonly quorum: 'unknown' | 'there' | 'lost'
  /** The first step. */
  readonly begun?: number
  /** By name: since when it is up, and whether by a ramp. */
  readonly up: ReadonlyMap<string, { readonly since: number; readonly isRamped: boolean }>
}

/** newPool: nothing is known. */
export const newPool: PoolState = { guard: noGuard, quorum: 'unknown', up: new Map() }

/** PoolView: what follows. `wakeAt`: step again by then at the latest. */
export interface PoolView {
  readonly state: PoolState
  readonly members: readonly Served[]
  readonly sorry: readonly Served[]
  /** The weights that count for the quorum. */
  readonly present: number
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
  const hasSubstitute = sorry.some((each) => each.standing === 'up' && weightOf(each) > 0)
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
  const present = members.reduce(
    (sum, each) => (up.has(each.name) || guard.held.has(each.name) ? sum + weightOf(each) : sum),
    0,
  )
  const { begun = now } = state
  const isAwaited = members.some(({ standing }) => standing === 'unknown') && now < begun + rules.roundMs
  const quorum = stepQuorum(state.quorum, present, isAwaited, rules.quorum)
  const ends = [...up.values()].flatMap(({ since, isRamped }) =>
    isRamped ? (rampNext(since, now, rules.slowStartMs) ?? []) : [],
  )
  const wakeAt = Math.min(
    ...ends,
    up.size > 0 ? (guardEnds(guard, rules.guard) ?? Infinity) : Infinity,
    quorum === 'unknown' ? begun + rules.roundMs : Infinity,
  )
  return {
    state: { guard, quorum, begun, up },
    members: served,
    sorry: sorry.map(({ name, weight, standing, report }) => ({
      name,
      state: standing,
      weight: standing === 'up' ? reported(weight, report) : 0,
    })),
    present,
    ...(wakeAt !== Number.POSITIVE_INFINITY && { wakeAt }),
  }
}

function stepQuorum(
  before: PoolState['quorum'],
  present: number,
  isAwaited: boolean,
  { up, down }: Quorum,
): PoolState['quorum'] {
  if (before === 'there') return present < down ? 'lost' : 'there'
  if (present >= up) return 'there'
  return before === 'unknown' && isAwaited ? 'unknown' : 'lost'
}

/** weightOf a member that is up: what it says of itself, and what an operator leaves it. */
const weightOf = ({ weight, report, left }: Member): number =>
  Math.min(reported(weight, report), left ?? Number.POSITIVE_INFINITY)

/** reported: a weight after what the server says of itself. */
function reported(weight: number, report: Report | undefined): number {
  if (report === undefined || weight === 0) return weight
  if (report.isDraining) return 0
  if (report.weight !== undefined) return report.weight
  return report.share === undefined ? weight : Math.ceil(weight * report.share)
}
