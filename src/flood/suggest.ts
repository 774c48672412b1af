// A rule for a flood: what nearly all of its packets have in common, and as much more as it takes to spare normal traffic. It is
// only suggested when it takes at least half of the flood, and says what of the normal traffic it would have taken.

import { isIn, type Prefix } from '../base/prefix.ts'
import { type Range, type RuleMatch, TCP_FLAGS, type TcpFlag } from '../dataplane/rule.ts'
import type { Facts, Field, Group } from './facts.ts'
import type { Mode } from './tally.ts'

/** NEARLY_ALL: what so many have is always part of the rule: it costs nothing, and spares clients. */
const NEARLY_ALL = 0.95
/** COMMON: a field is worth something when so many of the flood have one value of it. */
const COMMON = 0.5
/** HARM: of the normal traffic a rule may take so much. */
const HARM = 0.001
/** LEAST_NORMAL: packets of clients that have to be known before a rule counts as checked. */
export const LEAST_NORMAL = 50
/** MADE: sources whose packets all have the same TTL and the rest in common; clients of so many networks have not. */
const MADE = 50

/** Flood: packets of a group: how they are distributed, and from how many sources they come. */
export interface Flood {
  readonly group: Group
  readonly modes: readonly Mode[]
  readonly sources: number
}

/** Suggestion: `wanted`: the share of the flood that it takes; `harm`: of `normal` packets of clients. */
export interface Suggestion {
  readonly group: Group
  readonly match: RuleMatch
  readonly wanted: number
  readonly harm: number
  readonly normal: number
}

/** suggest a rule; undefined: the flood has too little in common, or looks like clients. `normal`: of the same group. */
export function suggest(flood: Flood, normal: readonly Facts[]): Suggestion | undefined {
  const { group, modes } = flood
  const taken = modes.filter(({ share }) => share >= NEARLY_ALL)
  const others = modes
    .filter(({ share }) => share >= COMMON && share < NEARLY_ALL)
    .sort((a, b) => harmOf([a], normal) - harmOf([b], normal))
  for (const mode of others) {
    if (taken.length > 0 && isEnough(flood, taken, normal)) break
    taken.push(mode)
  }
  // fields that go together are nearly always the same packets; the least is a lower bound of what all have
  const wanted = taken.reduce((sum, { share }) => sum - (1 - share), 1)
  const harm = harmOf(taken, normal)
  if (!taken.some(({ field }) => field !== 'flags')) return undefined
  if (wanted < COMMON || (isKnown(normal) && harm > 10 * HARM)) return undefined
  if (!isKnown(normal) && !isOdd(flood, taken)) return undefined
  return { group, match: matchOf(group, taken), wanted, harm, normal: normal.length }
}

const isKnown = (normal: readonly Facts[]): boolean => normal.length >= LEAST_NORMAL

/**
 * isEnough: more would spare no clients; where they are not known, of SYNs that no client's are so. Of other packets what fewer than
 * nearly all have is no sign.
 */
const isEnough = (flood: Flood, taken: readonly Mode[], normal: readonly Facts[]): boolean =>
  isKnown(normal) ? harmOf(taken, normal) <= HARM : flood.group !== 'opening' || isOdd(flood, taken)

/**
 * isOdd: no client's packet has it, whatever the service is: SYNs with window 0 or without options; UDP from a port below
 * 1024, where servers are that answer to somebody else's name; all else that is the same of many sources, the TTL, too.
 */
function isOdd({ group, sources }: Flood, taken: readonly Mode[]): boolean {
  const has = (field: Field) => taken.some((mode) => mode.field === field)
  const is = (field: Field, value: (value: number | string) => boolean) =>
    taken.some((mode) => mode.field === field && value(mode.value))
  const isMade = sources >= MADE && has('ttl') && has('length')
  switch (group) {
    case 'opening':
      return is('window', (window) => window === 0) || is('options', (options) => options === 'none')
    case 'other':
      return isMade && has('window')
    case 'udp':
      return is('sourcePort', (port) => Number(port) < 1024) || (isMade && has('head'))
    default:
      return group satisfies never
  }
}

const harmOf = (modes: readonly Mode[], normal: readonly Facts[]): number =>
  normal.length === 0
    ? 0
    : normal.filter((facts) => modes.every(({ field, value }) => facts[field] === value)).length /
      normal.length

const { fin, syn, rst, ack } = TCP_FLAGS
/** NAMED: flags of which a rule says all; of the others those that it names. */
const NAMED = fin | syn | rst | ack

function matchOf(group: Group, modes: readonly Mode[]): RuleMatch {
  const value = (field: Field) => modes.find((mode) => mode.field === field)?.value
  const range = (field: Field): Range | undefined => {
    const at = value(field)
    return typeof at === 'number' ? { first: at, last: at } : undefined
  }
  const [window, length, ttl, sourcePort] = [
    range('window'),
    range('length'),
    range('ttl'),
    range('sourcePort'),
  ]
  const options = value('options') as RuleMatch['options']
  const flags = group === 'opening' ? syn : value('flags')
  const [head, next] = [value('head'), value('next')]
  const bytes = head === undefined ? next : `${head}${next ?? ''}`
  return {
    protocol: group === 'udp' ? 'udp' : 'tcp',
    ...(typeof flags === 'number' && { flags: flagsOf(flags) }),
    ...(window && { window }),
    ...(options && { options }),
    ...(length && { length }),
    ...(ttl && { ttl }),
    ...(sourcePort && { sourcePorts: [sourcePort] }),
    ...(bytes !== undefined && {
      payload: [{ at: head === undefined ? 4 : 0, bytes: [...Buffer.from(`${bytes}`, 'hex')] }],
    }),
  }
}

/** flagsOf a segment, as a rule has them (flagsOf of config/rule-words.ts, of their names). */
const flagsOf = (bits: number): NonNullable<RuleMatch['flags']> =>
  bits === 0 ? { set: 0, clear: 0x3f } : { set: bits, clear: NAMED & ~bits }

/** flagNames: `SYN+ACK`. */
export const flagNames = (bits: number): string =>
  (Object.keys(TCP_FLAGS) as TcpFlag[])
    .filter((name) => (bits & TCP_FLAGS[name]) !== 0)
    .map((name) => name.toUpperCase())
    .join('+')

const isWithin = (value: number | undefined, range: Range | undefined): boolean =>
  range === undefined || (value !== undefined && value >= range.first && value <= range.last)
const isWithinAny = (value: number, ranges: readonly Range[] | undefined): boolean =>
  ranges === undefined || ranges.some((range) => isWithin(value, range))

/** isTo one of these networks, or nobody knows where. */
const isTo = (destination: Facts['destination'], prefixes: readonly Prefix[]): boolean =>
  destination === undefined || prefixes.some((prefix) => isIn(destination, prefix))

/** groupsOf a rule: those that can match it. */
export function groupsOf({ protocol, flags, window, options }: RuleMatch): Group[] {
  const isOfTcp = protocol === 'tcp' || flags !== undefined || window !== undefined || options !== undefined
  const { set, clear } = flags ?? { set: 0, clear: 0 }
  const isOpening = (clear & syn) === 0 && (set & (ack | rst)) === 0
  const isOther = flags === undefined || (set & syn) === 0 || (set & (ack | rst)) !== 0
  return [
    ...(protocol !== 'udp' && isOpening ? (['opening'] as const) : []),
    ...(protocol !== 'udp' && isOther ? (['other'] as const) : []),
    ...(isOfTcp ? [] : (['udp'] as const)),
  ]
}

/** matchesFacts: whether a rule matches a packet, as far as its facts tell: of the payload they tell eight bytes at most; what they do not tell may match. */
export function matchesFacts(match: RuleMatch, facts: Facts): boolean {
  const { protocol, flags = { set: 0, clear: 0 }, window, options, length, ttl, source, destination } = match
  const bits = facts.flags ?? 0
  return (
    (protocol === undefined || protocol === facts.protocol) &&
    (bits & flags.set) === flags.set &&
    (bits & flags.clear) === 0 &&
    isWithin(facts.window, window) &&
    (options === undefined || facts.options === options) &&
    isWithin(facts.length, length) &&
    isWithin(facts.ttl, ttl) &&
    (!source || source.some((prefix) => isIn(facts.source, prefix))) &&
    (!destination || isTo(facts.destination, destination)) &&
    isWithinAny(facts.sourcePort, match.sourcePorts) &&
    (facts.port === undefined || isWithinAny(facts.port, match.ports)) &&
    (match.payload ?? []).every(({ at, bytes }) =>
      bytes.every((octet, i) => at + i >= KNOWN || octet === payloadAt(facts, at + i)),
    )
  )
}

/** KNOWN: bytes of the payload that facts tell. */
const KNOWN = 8
/** payloadAt: one of them; undefined: there is none. */
function payloadAt({ head = '', next = '' }: Facts, at: number): number | undefined {
  const text = `${head}${next}`.slice(2 * at, 2 * at + 2)
  return text === '' ? undefined : Number.parseInt(text, 16)
}
