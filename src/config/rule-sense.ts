// Whether a rule makes sense: one that can match nothing is a mistake, one that drops all of what a service is for is a
// disaster. Both are refused with what to write instead.

import { bitsOf, isIn } from '../base/prefix.ts'
import type { RuleMatch } from '../dataplane/rule.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import type { Merged } from './merge.ts'
import { breadthFault } from './rule-breadth.ts'
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

/** checkSense says why a rule can match nothing, or too much. */
export function checkSense(rule: Rule, services: readonly Listening[], say: Say): void {
  const { match } = rule
  checkLengths(match, say)
  checkFamilies(match, say)
  checkServices(rule, services, say)
  const fault = breadthFault(rule)
  if (fault !== undefined) say(fault)
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
