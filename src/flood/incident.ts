// From verdicts, one a second, to incidents: one begins when a service was flooded or overloaded for some seconds in a row, and
// ends when it was not for half a minute, so that a flood that changes its shape or pauses is told once. Pure.

import { isAttack, type Kind, type Verdict } from './verdict.ts'

/** BEGINS: so many verdicts in a row; ENDS_MS: so long without one. */
const BEGINS = 3
const ENDS_MS = 30_000

/** BadKind: what makes an incident. */
export type BadKind = Exclude<Kind, 'calm' | 'busy'>

/** Incident: `first` is the verdict that it was told with. */
export interface Incident {
  readonly kind: BadKind
  readonly since: number
  readonly first: Verdict
  readonly most: number
  /** When it was last so. */
  readonly seenAt: number
}

/** Course: of one service: verdicts in a row that are bad, and the incident. */
export interface Course {
  readonly inARow: number
  readonly from?: number
  readonly incident?: Incident
}

export const QUIET: Course = { inARow: 0 }

/** Step: what a verdict makes of a course; `told`: an incident that has begun, become a worse one, or ended. */
export interface Step {
  readonly course: Course
  readonly told?: { readonly what: 'began' | 'ended'; readonly incident: Incident }
}

const isBad = (kind: Kind): kind is BadKind => isAttack(kind) || kind === 'overload'
/** isWorse: an overload turns out to be an attack. */
const isWorse = (now: Kind, before: Kind): boolean => isAttack(now) && !isAttack(before)

/** stepped: a course after a verdict. */
export function stepped({ inARow, from, incident }: Course, verdict: Verdict, now: number): Step {
  const { kind, perS } = verdict
  if (!isBad(kind)) {
    if (!incident) return { course: QUIET }
    if (now - incident.seenAt < ENDS_MS) return { course: { inARow: 0, incident } }
    return { course: QUIET, told: { what: 'ended', incident } }
  }
  const begun = { inARow: inARow + 1, from: inARow === 0 ? now : (from ?? now) }
  const again = incident && {
    ...incident,
    seenAt: now,
    most: Math.max(incident.most, isWorse(incident.kind, kind) ? 0 : perS),
  }
  if (begun.inARow < BEGINS || (again && !isWorse(kind, again.kind)))
    return { course: { ...begun, ...(again && { incident: again }) } }
  const next: Incident = { kind, since: begun.from, first: verdict, most: perS, seenAt: now }
  return { course: { ...begun, incident: next }, told: { what: 'began', incident: next } }
}
