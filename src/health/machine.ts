// Whether a server is up, by what looks at it find: up and down each hold until enough findings in a row contradict
// them (rise, fall). Its idea: pure, stepped by findings, each with its time, so that every rule is a test; what has
// happened is kept beside it for people (history.ts), and decides nothing.
//
//               good                       fall bad in a row
//   unknown ------------> up <-----------------------------+
//      |                   \------------------------------> down
//      +---------------------------------------------------> ^     rise good in a row bring it up again
//               bad
//
// A server that was never looked at is neither: it gets no traffic, and nobody is told that it failed. Its first finding
// decides at once. A state that survived a restart of the process is up or down from the start, and takes as many
// findings to change as ever. A finding of outcome `none` says nothing and changes nothing.

import type { Rhythm } from '../config/check-spec.ts'
import type { Finding, Verdict } from './checker.ts'

/** Standing: what a server is taken for. */
export type Standing = 'unknown' | 'up' | 'down'

/** Health: the machine's state. In doubt while `streak` is above 0. */
export interface Health {
  readonly standing: Standing
  /** Findings in a row that contradict the standing. */
  readonly streak: number
  /** When the standing began, in ms of the clock that findings carry. */
  readonly since: number
}

/** Transition: a change of standing, and why. */
export interface Transition {
  readonly at: number
  readonly from: Standing
  readonly to: 'up' | 'down'
  /** The finding that decided. */
  readonly text: string
  /** How many in a row it took. */
  readonly count: number
}

/** Stepped: what follows from a finding. */
export interface Stepped {
  readonly health: Health
  readonly transition?: Transition
}

/** unlooked: nothing is known yet. */
export const unlooked = (now: number): Health => ({ standing: 'unknown', streak: 0, since: now })

/** isInDoubt: findings contradict the standing, not enough of them yet. */
export const isInDoubt = ({ streak }: Health): boolean => streak > 0

/** step: one finding more, at `now`. */
export function step(
  health: Health,
  { outcome, text }: Pick<Finding, keyof Verdict>,
  now: number,
  { rise, fall }: Pick<Rhythm, 'rise' | 'fall'>,
): Stepped {
  if (outcome === 'none') return { health }
  const to = outcome === 'good' ? 'up' : 'down'
  const { standing: from } = health
  if (from === to) return { health: health.streak === 0 ? health : { ...health, streak: 0 } }
  const needed = from === 'unknown' ? 1 : to === 'up' ? rise : fall
  const count = health.streak + 1
  if (count < needed) return { health: { ...health, streak: count } }
  return { health: { standing: to, streak: 0, since: now }, transition: { at: now, from, to, text, count } }
}

/** untilNext: ms from the start of the look that led to `health` to the start of the next. */
export const untilNext = (health: Health, { everyMs, inDoubtMs }: Rhythm): number =>
  isInDoubt(health) ? Math.min(everyMs, inDoubtMs) : everyMs
