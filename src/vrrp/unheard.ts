// A network of an address set on which nobody is heard, while another one is: cut, or filtered, there alone. The group rightly
// moves nobody (group.ts), so nothing else would show it before the node is needed. Its idea: an advert that arrives on one
// network after the Active_Down_Timer of another has fired is the proof, since the active node sends on all of them; told
// once, and once more when adverts are heard on all again; at most once in EVERY_MS. Pure.

import type { Event } from './event.ts'
import { EVERY_MS, type Finding } from './finding.ts'
import type { State } from './state.ts'

/** Unheard: whether it was told, and when it may be told again. */
export interface Unheard {
  readonly isTold: boolean
  readonly nextAt: number
}

export const noneUnheard: Unheard = { isTold: false, nextAt: 0 }

/** lookForUnheard: after `event` has happened to the member `to`, or to all; what is to be told, if anything. */
export function lookForUnheard(
  unheard: Unheard,
  members: ReadonlyMap<string, { readonly state: State }>,
  { to, event }: { readonly to: string | undefined; readonly event: Pick<Event, 'kind'> },
  now: number,
): readonly [Unheard, Finding | undefined] {
  const isHeard = event.kind === 'advert'
  const silent = [...members].flatMap(([name, { state }]) => (isSilent(state) ? [name] : []))
  if (silent.length === 0) {
    if (!unheard.isTold) return [unheard, undefined]
    return [{ ...unheard, isTold: false }, isHeard ? { name: 'heard-again' } : undefined]
  }
  const isNews = isHeard && !unheard.isTold && now >= unheard.nextAt
  if (!isNews || to === undefined || !isListening(members.get(to)!.state, now)) return [unheard, undefined]
  return [
    { isTold: true, nextAt: now + EVERY_MS },
    { name: 'unheard', members: silent, heardOn: to },
  ]
}

/** isSilent: nobody was heard for an Active_Down_Interval, and the rest of the group is not ready. */
const isSilent = ({ phase }: State): boolean =>
  phase.role === 'backup' && phase.isWanting && (phase.cause === 'silence' || phase.cause === 'overslept')

/** isListening: what has just been heard was no priority 0, and is not preempted at once. */
const isListening = ({ phase }: State, now: number): boolean =>
  phase.role === 'backup' && phase.heard !== undefined && phase.heard.priority > 0 && now < phase.downAt
