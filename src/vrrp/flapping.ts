// Too many takeovers in a short time by one node that lives on: one that cannot hold its role would take it again and again.
// Its idea: from so many takeovers of the address set on there is one alarm, and each further one puts off preemption by the
// whole back-off. Nobody's silence is put off: a service without any node is the greater harm. The alarm is over when there
// was no takeover for the window. Left out: nodes that die in turn, which none of them outlives; main counts those
// (daemon/takeovers.ts). Pure.

import type { Finding } from './finding.ts'
import type { FlapRules } from './router.ts'

/** Flaps: takeovers within the window, as many as the rules count; the alarm is on until `alarmedUntil`, 0: it is not. */
export interface Flaps {
  readonly takeovers: readonly number[]
  readonly alarmedUntil: number
  /** Until then nobody is preempted. */
  readonly backOffUntil: number
}

export const noFlaps: Flaps = { takeovers: [], alarmedUntil: 0, backOffUntil: 0 }

/** FlapStep: what follows, and what is to be told, if anything. */
type FlapStep = readonly [Flaps, Finding | undefined]

/** countTakeover: one more at `now`; told where the alarm begins. */
export function countTakeover(flaps: Flaps, now: number, rules: FlapRules): FlapStep {
  const { takeovers: most, withinMs, backOffMs } = rules
  const takeovers = [...flaps.takeovers.filter((at) => at > now - withinMs), now].slice(-most)
  if (takeovers.length < most) return [{ ...flaps, takeovers }, undefined]
  const alarmed = { takeovers, alarmedUntil: now + withinMs, backOffUntil: now + backOffMs }
  return [alarmed, isAlarmed(flaps) ? undefined : { name: 'flapping', takeovers: most, withinMs }]
}

/** calmed: the alarm is over when it is time. */
export function calmed(flaps: Flaps, now: number): FlapStep {
  if (!isAlarmed(flaps) || now < flaps.alarmedUntil) return [flaps, undefined]
  return [{ ...flaps, alarmedUntil: 0 }, { name: 'flapping-over' }]
}

/** alarmEnds: when an alarm is over if nothing happens; undefined without one. */
export const alarmEnds = (flaps: Flaps): number | undefined =>
  isAlarmed(flaps) ? flaps.alarmedUntil : undefined

const isAlarmed = ({ alarmedUntil }: Flaps): boolean => alarmedUntil > 0
