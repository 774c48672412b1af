// Whether a rule makes sense: one that can match nothing is a mistake, one that drops all of what a service is for is a
// disaster. Both are refused with what to write instead.

import { formatRate } from '../base/amounts.ts'
import { bitsOf, isEverybody, isIn } from '../base/prefix.ts'
import { type Range, type RuleMatch, TCP_FLAGS } from '../dataplane/rule.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import type { Merged } from './merge.ts'
import type { Say } from './rule-words.ts'
import type { ListenerState } from './state.ts'

type Rule = Pick<RuleSpec, 'match' | 'action' | 'perSecond' | 'services'>
/** Listening: a service as rules see it; without listeners: what it listens on is not known. */
export interface Listening {
  readonly name: string
  readonly listeners: readonly ListenerState[]
}

/** listening: the services of a file, also those that have a fault; undefined: some may not be known. */
export function listening(
  { services: entries, incomplete }: Pick<Merged, 'services' | 'incomplete'>,
  services: readonly Listening[],
): Listening[] | undefined {
  if (incomplete.has('services')) return undefined
  const known = new Map(services.map((service) => [service.name, service]))
  return entries.map(({ name }) => known.get(name) ?? { name, listeners: [] })
}

const { fin, syn, rst, psh, ack } = TCP_FLAGS
/** ORDINARY: flags of the segments that every connection consists of. */
const ORDINARY = [syn, ack, psh | ack, fin | ack, fin | psh | ack, rst, rst | ack]

/** LEAST_LIMIT: a limit of what anybody sends is a ceiling from where a flood begins: of SYNs, of all else (decision 0034). */
const LEAST_LIMIT = { opening: 1_000, others: 10_000 }

/** checkSense says why a rule can match nothing, or too much. */
export function checkSense(rule: Rule, services: readonly Listening[], say: Say): void {
  const { match } = rule
  checkLengths(match, say)
  checkFamilies(match, say)
  checkServices(rule, services, say)
  const fault = breadthFault(rule)
  if (fault !== undefined) say(fault)
}

/** breadthFault: why a rule would keep out clients as such; undefined: it would not. */
export function breadthFault({ match, action, perSecond = 0 }: Omit<Rule, 'services'>): string | undefined {
  if (action === 'count' || !isBroad(match)) return undefined
  const { set, clear } = match.flags ?? { set: 0, clear: 0 }
  const least = LEAST_LIMIT[(set & syn) !== 0 && (clear & ack) !== 0 ? 'opening' : 'others']
  if (action === 'limit' && perSecond >= least) return undefined
  const does = action === 'drop' ? 'drops' : 'limits'
  const what = match.flags ? 'what every connection consists of' : 'every packet'
  const most = action === 'drop' ? '' : `write ${formatRate(least)} or more, or `
  return `it ${does} ${what}: ${most}say more, such as window, length, source or options: none`
}

/** ORDINARY_LENGTH, ORDINARY_TTL: what packets of clients have. */
const ORDINARY_LENGTH: Range = { first: 40, last: 1_500 }
const ORDINARY_TTL: Range = { first: 32, last: 128 }
/** ORDINARY_NUMBER: windows and source ports. */
const ORDINARY_NUMBER: Range = { first: 1, last: 65_535 }

/** isBroad: it matches ordinary packets of anybody: nothing that it says beside protocol and flags keeps any out. */
function isBroad(match: RuleMatch): boolean {
  const { flags, window, options, length, ttl, source, sourcePorts, payload } = match
  if (options === 'none' || payload !== undefined) return false
  const isWhole = (range: Range | undefined, ordinary: Range) =>
    range === undefined || (range.first <= ordinary.first && range.last >= ordinary.last)
  if (!isWhole(length, ORDINARY_LENGTH) || !isWhole(ttl, ORDINARY_TTL)) return false
  if (!isWhole(window, ORDINARY_NUMBER)) return false
  if (source && !source.some(isEverybody)) return false
  if (sourcePorts && !sourcePorts.some((range) => isWhole(range, ORDINARY_NUMBER))) return false
  return !flags || ORDINARY.some((each) => (each & flags.set) === flags.set && (each & flags.clear) === 0)
}

/** checkLengths: an IP packet has its headers at least. */
function checkLengths(
  { protocol, options, length, payload, source, destination }: RuleMatch,
  say: Say,
): void {
  if (!length) return
  const is6 = [...(source ?? []), ...(destination ?? [])].some(({ address }) => bitsOf(address) === 128)
  const reach = Math.max(0, ...(payload ?? []).map(({ at, bytes }) => at + bytes.length))
  const least = (is6 ? 40 : 20) + (protocol === 'tcp' ? 20 : 8) + (options === 'some' ? 4 : 0) + reach
  if (length.last < least) say(`no such packet is shorter than ${least} bytes`, 'length')
}

function checkFamilies({ source, destination }: RuleMatch, say: Say): void {
  const [from, to] = [source?.[0], destination?.[0]]
  if (from && to && bitsOf(from.address) !== bitsOf(to.address))
    say('source and destination are of different address families: it matches nothing', 'source')
}

function checkServices({ match, services: named }: Rule, services: readonly Listening[], say: Say): void {
  const of = named === undefined ? services : services.filter(({ name }) => named.includes(name))
  const listeners = of.flatMap((each) => each.listeners)
  if (of.some((each) => each.listeners.length === 0)) return
  const whose = named === undefined ? 'no service' : `none of ${named.join(', ')}`
  const { protocol, ports, destination, source } = match
  const isSpoken = (each: ListenerState) => protocol === undefined || each.protocol === protocol
  if (!listeners.some(isSpoken)) {
    say(`${whose} listens on ${protocol!.toUpperCase()}: it matches nothing`, protocol!)
    return
  }
  const isPort = ({ port, lastPort }: ListenerState) =>
    !ports || ports.some(({ first, last }) => first <= lastPort && port <= last)
  if (!listeners.some((each) => isSpoken(each) && isPort(each))) {
    say(`${whose} listens on these ports: it matches nothing`, 'ports')
    return
  }
  if (
    destination &&
    !listeners.some(({ address }) => destination.some((network) => isIn(address, network)))
  ) {
    say(`${whose} listens there: it matches nothing`, 'destination')
    return
  }
  const family = destination ? undefined : source?.[0]
  if (family && !listeners.some(({ address }) => bitsOf(address) === bitsOf(family.address)))
    say(`${whose} listens on IPv${bitsOf(family.address) === 32 ? 4 : 6}: it matches nothing`, 'source')
}
