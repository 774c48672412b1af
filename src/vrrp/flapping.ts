// Too many takeovers in a short time: two nodes that die in turn of the same cause would otherwise do so unseen, and one
// that cannot hold its role would take it again and again. Its idea: from so many takeovers on there is one alarm, and
// each further one puts off preemption by the whole back-off. Nobody's silence is put off: a service without any node is
// the greater harm. The alarm is over when there was no takeover for the window. Pure.

import type { FlapRules } from './router.ts'

/** Flaps: takeovers within the window, as many as the rules count; `isAlarmed` until it is over. */
export interface Flaps {
  readonly takeovers: readonly number[]
  readonly isAlarmed: boolean
  /** Until then nobody is preempted. */
  readonly holdUntil: number
}

export const noFlaps: Flaps = { takeovers: [], isAlarmed: false, holdUntil: 0 }

/** countTakeover: one more at `now`; `isNew`: the alarm begins. */
export function countTakeover(
  flaps: Flaps,
  now: number,
  { takeovers: most, withinMs, backOffMs }: FlapRules,
): { readonly flaps: Flaps; readonly isNew: boolean } {
  const takeovers = [...flaps.takeovers.filter((at) => at > now - withinMs), now].slice(-most)
  if (takeovers.length < most) return { flaps: { ...flaps, takeovers }, isNew: false }
  return { flaps: { takeovers, isAlarmed: true, holdUntil: now + backOffMs }, isNew: !flaps.isAlarmed }
}

/** alarmEnds: when an alarm is over if nothing happens; undefined without one. */
export const alarmEnds = ({ isAlarmed, takeovers }: Flaps, { withinMs }: FlapRules): number | undefined =>
  isAlarmed ? takeovers.at(-1)! + withinMs : undefined
