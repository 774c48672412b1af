// What a file defends its services by, as people read it: a phrase each. What it says itself of rules is by their names.

import type { RuleSpec } from '../engine/defence-spec.ts'
import type { DesiredState } from './state.ts'

/** defenceWords of a state; empty: it defends nothing. */
export function defenceWords({
  defence,
  services,
}: Pick<DesiredState, 'defence'> & Pick<DesiredState, 'services'>): string[] {
  if (!defence) return []
  const { rules, allow, deny, only, proof, sources, ceiling, recorder } = defence
  const modes = services.map((each) => each.defence?.proof ?? 'auto')
  const count = (mode: string) => modes.filter((each) => each === mode).length
  const isOwn = services.some((each) => each.defence?.ceiling !== undefined)
  return [
    ...(proof && count('auto') > 0
      ? [`proof of source above ${rateText(proof.above, 'SYN')} of a service`]
      : []),
    ...(proof && count('on') > 0 ? [`proof of source always: ${plural(count('on'), 'service')}`] : []),
    ...(proof && count('off') > 0 ? [`proof of source never: ${plural(count('off'), 'service')}`] : []),
    ...rules.map((rule) => `rule ${rule.name}: ${actionText(rule)}`),
    ...(sources?.newPerS === undefined ? [] : [`${rateText(sources.newPerS, 'new flow')} of a source`]),
    ...(sources?.udpPerS === undefined ? [] : [`${rateText(sources.udpPerS, 'UDP packet')} of a source`]),
    ...(ceiling === undefined ? [] : [`${rateText(ceiling, 'new flow')} in all`]),
    ...(isOwn ? ['ceilings of services'] : []),
    ...(allow.length > 0 ? [`${plural(allow.length, 'network')} allowed${only ? ', nobody else' : ''}`] : []),
    ...(deny.length > 0 ? [`${plural(deny.length, 'network')} denied`] : []),
    ...(recorder ? ['a recorder of the last minute at least'] : []),
  ]
}

const actionText = ({ action, perSecond }: RuleSpec): string =>
  action === 'limit' ? `limit ${rateText(perSecond!, 'packet')}` : action

/** rateText: `10,000 SYNs a second`. */
const rateText = (perSecond: number, what: string): string => `${plural(perSecond, what)} a second`
const plural = (count: number, what: string): string =>
  `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`
