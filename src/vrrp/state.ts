// What one virtual router's machine knows between two events.

import type { Announcing } from './announcing.ts'
import type { Heard } from './event.ts'
import { noReports, type Reports } from './finding.ts'

export interface Initialize {
  readonly role: 'initialize'
}

export interface Backup {
  readonly role: 'backup'
  /** Active_Adver_Interval: learnt from adverts (RFC 9568 6.1). */
  readonly activeAdverMs: number
  /** When the Active_Down_Timer fires. */
  readonly downAt: number
  /** What it is if it fires. */
  readonly cause: 'silence' | 'other-left' | 'preempted' | 'overslept'
  /** It has fired, and the group is not ready. */
  readonly isWanting: boolean
  /** Since a lower priority is heard: from then on it is preempted. */
  readonly preemptAt: number | undefined
  /** The last advert that counted. */
  readonly heard: Heard | undefined
}

export interface Active {
  readonly role: 'active'
  /** When the Adver_Timer fires. */
  readonly adverAt: number
  /** From then on, without an advert sent, others may have taken over. */
  readonly deadAt: number
  /** The last advert out of turn. */
  readonly assertedAt: number
  readonly announcing: Announcing
}

/**
 * State: of one virtual router. Nobody is preempted before `holdUntil` (an operator's word) and `backOffUntil` (flapping.ts);
 * before `deferUntil` a node that leaves (priority 0) is left to another one.
 */
export interface State {
  readonly phase: Initialize | Backup | Active
  readonly holdUntil: number
  readonly deferUntil: number
  readonly backOffUntil: number
  readonly reports: Reports
}

/** initial: before startup. */
export const initial: State = {
  phase: { role: 'initialize' },
  holdUntil: 0,
  deferUntil: 0,
  backOffUntil: 0,
  reports: noReports,
}
