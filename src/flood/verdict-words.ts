// The words of a verdict: what packets of a flood have in common, where they come from, and the command that would help, with
// what it would have taken of normal traffic.

import { formatPrefix, isIn } from '../base/prefix.ts'
import type { RuleMatch } from '../dataplane/rule.ts'
import type { Facts, Group } from './facts.ts'
import { optionsOf } from './rule-text.ts'
import type { Crowd, Slow } from './slow.ts'
import { LEAST_NORMAL, type Suggestion } from './suggest.ts'
import type { Mode, Sampled } from './tally.ts'

/** ALL: what all services are called together; NOBODY: what is that is no service's. */
export const ALL = 'all services'
export const NOBODY = 'no service'

/** MANY: addresses that packets went to, none of which had half of them. */
const MANY = 8
/** COMMON: what so many have is told. */
const COMMON = 0.8
/** MOST: of slow connections so many come from who is to be banned. */
const MOST = 0.5

/** BAN_HARM: a network from which more of normal connections come is not banned. */
const BAN_HARM = 0.1

/** Advice: a command; `wanted`: the share of the attack that it takes, `harm`: of `normal` packets of clients. `text`: all of it. */
export interface Advice {
  readonly command?: string
  readonly wanted: number
  readonly harm: number
  readonly normal: number
  readonly text: string
}

/** NORMAL: what a rule of a group is checked with. */
const NORMAL: Readonly<Record<Group, string>> = {
  opening: 'SYNs of clients',
  other: 'packets of connections',
  udp: 'UDP packets of calm times',
}
/** PACKETS: what of a group was recorded. */
const PACKETS: Readonly<Record<Group, string>> = { opening: 'SYNs', other: 'packets', udp: 'packets' }
/** ENDINGS: of the name of a suggested rule. */
const ENDINGS: Readonly<Record<Group, string>> = { opening: '-flood', other: '-packets', udp: '-udp' }
/** NAME_MOST: characters of a rule's name. */
const NAME_MOST = 63

/** sourcesText: of all packets of a group, or of those that were recorded where these are a part of them. */
export function sourcesText(group: Group, { sources, counts, seconds }: Sampled, perS: number): string {
  const [of, recorded] = [sources[group], counts[group]]
  return recorded >= 0.5 * perS * Math.max(1, seconds)
    ? `${sourceCount(of)} in 10 s`
    : `${sourceCount(of)} of ${countText(recorded)} recorded ${PACKETS[group]}`
}

/** addressesText: where it is spread over many addresses. */
export const addressesText = ({ destinations, destinationShare }: Sampled): string[] =>
  destinations >= MANY && destinationShare < COMMON ? [`to ${countText(destinations)} addresses`] : []

/** shapeText: what most have in common, in words. A SYN's TTL tells little; flags are told with what it is. */
export function shapeText(group: Group, modes: readonly Mode[]): string[] {
  const odd = modes.filter(
    ({ field, value, share }) =>
      share >= COMMON &&
      field !== 'flags' &&
      !(field === 'ttl' && group === 'opening') &&
      !(field === 'options' && value === 'some'),
  )
  if (odd.length === 0) return []
  const words = odd.flatMap(({ field, value }) => {
    const head = odd.find((mode) => mode.field === 'head')?.value
    switch (field) {
      case 'options':
        return ['no options']
      case 'ttl':
        return [`TTL ${value}`]
      case 'sourcePort':
        return [`source port ${value}`]
      case 'head':
        return [`payload ${value}${odd.find((mode) => mode.field === 'next')?.value ?? ''}`]
      case 'next':
        return head === undefined ? [`payload ${value} from its fifth byte on`] : []
      default:
        return [`${field} ${value}`]
    }
  })
  const share = Math.min(...odd.map((mode) => mode.share))
  const listed = words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`
  return [`${percent(share)} have ${listed}`]
}

/** ruleAdvice: the rule, what it would have taken of clients, and the command. */
export function ruleAdvice(service: string, suggestion: Suggestion): Advice {
  const { group, match, wanted, harm, normal } = suggestion
  const command = commandOf(service, group, match)
  const checked = checkedText(normal, harm, NORMAL[group])
  return {
    command,
    wanted,
    harm,
    normal,
    text: `suggested rule: takes ${percent(wanted)} of it, ${checked}: ${command}`,
  }
}

/** slowAdvice: to ban who most come from, if clients do not; else what helps against many. */
export function slowAdvice({ source, network }: Slow, normal: readonly Facts[]): Advice {
  const crowd = [source, network].find((each): each is Crowd => each !== undefined && each.share >= MOST)
  const harm =
    crowd && normal.length > 0
      ? normal.filter((each) => isIn(each.source, crowd.prefix)).length / normal.length
      : 0
  if (!crowd || harm > BAN_HARM) {
    const why = crowd
      ? `clients are behind ${formatPrefix(crowd.prefix)}, too`
      : 'no network has half of them'
    return {
      wanted: 0,
      harm,
      normal: normal.length,
      text: `${why}: shorten the time that servers wait for a request`,
    }
  }
  const command = `tenbin flood ban ${formatPrefix(crowd.prefix)} --for 1h`
  const checked = checkedText(normal.length, harm, NORMAL.opening)
  return {
    ...{ command, wanted: crowd.share, harm, normal: normal.length },
    text: `suggested ban: takes ${percent(crowd.share)} of them, ${checked}: ${command}`,
  }
}

const checkedText = (normal: number, harm: number, what: string): string =>
  normal < LEAST_NORMAL
    ? 'too little normal traffic is known to check it with'
    : `of ${countText(normal)} ${what} it would have dropped ${harm === 0 ? 'none' : percent(harm)}`

/** commandOf: what adds a rule that was suggested. */
function commandOf(service: string, group: Group, match: RuleMatch): string {
  const [whose, of] = service === ALL ? ['all', ''] : [service, ` --service ${service}`]
  const name = `${whose.slice(0, NAME_MOST - ENDINGS[group].length)}${ENDINGS[group]}`
  return `tenbin flood add ${name} ${optionsOf(match)}${of} --action drop --for 1h`
}

export const sourceCount = (n: number): string => `${countText(n)} ${n === 1 ? 'source' : 'sources'}`
export const countText = (n: number): string => Math.round(n).toLocaleString('en-US')
export const perSecond = (n: number): string => `${countText(n)}/s`
export const percent = (share: number): string => {
  const value = share * 100
  if (value === 0 || value >= 100 || (value >= 1 && value <= 99)) return `${Math.round(value)} %`
  // What is nearly all is not all, and what is nearly nothing is something.
  const tenths = value < 1 ? Math.ceil(value * 10) : Math.floor(value * 10)
  return `${(tenths / 10).toFixed(1)} %`
}
export const msText = (ms: number): string =>
  ms >= 1000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`
