// Attack or overload? A verdict about one service, with its reasons, from what is counted, what is recorded and what is usual.
// What tells them apart is whether connections go on: clients finish their handshakes however many they are, and a flood's
// sources do not; slow connections go on, with next to nothing. One sentence with figures, in an order that an operator
// reads at night: what, how much, why, what to do (verdict-words.ts).

import type { Group } from './facts.ts'
import { NONE, type Slow } from './slow.ts'
import { flagNames, type Suggestion, suggest } from './suggest.ts'
import type { Sampled } from './tally.ts'
import type { Known, Normal, Rates } from './usual.ts'
import {
  type Advice,
  addressesText,
  countText,
  msText,
  percent,
  perSecond,
  ruleAdvice,
  shapeText,
  slowAdvice,
  sourceCount,
  sourcesText,
} from './verdict-words.ts'

/** Kind: `busy`: much, and all is well; `overload`: much, and the servers do not keep up; `carpet`: to what nobody has. */
export type Kind =
  | 'calm'
  | 'busy'
  | 'overload'
  | 'syn-flood'
  | 'udp-flood'
  | 'packet-flood'
  | 'slow'
  | 'carpet'
/** isAttack: somebody means harm. */
export const isAttack = (kind: Kind): boolean => kind !== 'calm' && kind !== 'busy' && kind !== 'overload'

/** Least: rates below which nothing is a flood, and connections; and how many times what is usual one is. */
const LEAST = { openings: 1_000, udp: 10_000, others: 10_000, slow: 300 }
const TIMES = 4
/** AGAIN: times that clients ask when nobody answers: their systems repeat SYNs (RFC 6298: after 1, 3, 7, 15 s), and they try again. */
const AGAIN = 8
/** BUSY: times what is usual that are much; LEAST_BUSY: connections a second that are, where nothing is known. */
const BUSY = 2
const LEAST_BUSY = 500
/** FOLLOWED: so many connections have to be followed before it is said whether they go on. */
const FOLLOWED = 50
/** USERS: likewise, of those that defence let through. */
const USERS = 20
/** COMPLETES: of clients' connections more than this go on. */
const COMPLETES = 0.5
/** SLOW: times what is usual that a check takes when servers do not keep up; SLOW_MS: at least so long. */
const SLOW = 4
const SLOW_MS = 100
/** LONE: the share of flows with one packet that only a generator has. */
const LONE = 0.8
/** PACKETS of a connection beside its SYN, where nothing is known of what is usual. */
const PACKETS = 10
/** EACH: slow connections of one source that no client has, where nothing is known of what is usual. */
const EACH = 20

/** Servers of the service's pool: how many are up, and how long checks take, ms. `kept`: down, and the guard sends them traffic. */
export interface Servers {
  readonly up: number
  readonly kept?: number
  readonly of: number
  readonly latencyMs?: number
}

/** Reading: what is known of a service now. */
export interface Reading {
  readonly service: string
  readonly rates: Rates
  readonly sampled: Sampled
  readonly slow?: Slow
  readonly usual?: Known
  readonly normal: Normal
  readonly servers: Servers
  /** Proof of source is asked for. */
  readonly isUnderProof: boolean
}

/** Verdict: `text` is the sentence; `reasons` are its parts. */
export interface Verdict {
  readonly service: string
  readonly kind: Kind
  readonly text: string
  readonly reasons: readonly string[]
  /** Packets a second; of `slow`: connections. */
  readonly perS: number
  /** The share of connections that go on, 0..1; absent: not known. */
  readonly completed?: number
  readonly sources: number
  /** The command that would help, and what it would take. */
  readonly advice?: Advice
}

/** Said makes a verdict of its parts. */
type Said = (kind: Kind, what: string, reasons: readonly string[], more?: Partial<Verdict>) => Verdict

/** judge a reading. Pure. */
export function judge(reading: Reading): Verdict {
  const { service, rates, usual, sampled, slow = NONE } = reading
  const completed = completedOf(reading)
  const known = { service, ...(completed !== undefined && { completed }) }
  const said: Said = (kind, what, reasons, more) => ({
    ...known,
    ...{ kind, reasons, perS: rates.openingsPerS, sources: sampled.sources.opening },
    text: `${service}: ${[what, ...reasons].join(', ')}${more?.advice ? `; ${more.advice.text}` : ''}`,
    ...more,
  })
  const isAbove = (rate: keyof Rates, least: number, times = 1) =>
    rates[rate] >= times * Math.max(least, TIMES * (usual?.[rate] ?? 0))
  // Of who was always there much may come, too: of a node that has just started, or taken over, nothing is usual yet.
  const isMade = (group: Group) => suggestionOf(reading, group) !== undefined
  const isStrange = (group: Group) => usual !== undefined || isMade(group)
  const isMore = !hasNobody(reading) || isAbove('openingsPerS', LEAST.openings, AGAIN)
  const isFlood = isAbove('openingsPerS', LEAST.openings) && (isMore || isMade('opening'))
  if (isFlood && completed !== undefined && completed < COMPLETES)
    return flooded(reading, 'opening', said, 'syn-flood', 'SYN flood', [
      `${percent(1 - completed)} never completed`,
    ])
  if (isAbove('udpPerS', LEAST.udp) && isStrange('udp'))
    return flooded(reading, 'udp', said, 'udp-flood', 'UDP flood', [])
  const lone = loneShare(sampled)
  const isUnexplained = rates.othersPerS >= TIMES * ofConnections(reading, completed)
  if (isAbove('othersPerS', LEAST.others) && lone >= LONE && isUnexplained && isStrange('other')) {
    const flags = sampled.modes.other.find(({ field, share }) => field === 'flags' && share >= LONE)
    const what = flags ? `${flagNames(Number(flags.value)) || 'flagless TCP'} flood` : 'flood'
    return flooded(
      reading,
      'other',
      said,
      'packet-flood',
      `${what} of packets that belong to no connection`,
      [`${percent(lone)} of their flows have one packet`],
    )
  }
  if (isSlowAttack(slow, usual)) {
    const { count, sources, bytesPerS } = slow
    const advice = slowAdvice(slow, reading.normal.opening)
    const reasons = [
      ...(usual === undefined || count < BUSY * usual.slow ? [] : [`usual are ${countText(usual.slow)}`]),
      `${countText(bytesPerS)} bytes/s each`,
      sourceCount(sources),
    ]
    return said(
      'slow',
      `slow connections, at least ${countText(count)} open and sending next to nothing`,
      reasons,
      {
        perS: count,
        sources,
        advice,
      },
    )
  }
  return load(reading, completed, said)
}

const RATE = { opening: 'openingsPerS', other: 'othersPerS', udp: 'udpPerS' } as const

/** flooded by packets of a group: what they have in common, where they come from, and a rule where there is one. */
function flooded(
  reading: Reading,
  group: Group,
  said: Said,
  kind: Kind,
  what: string,
  why: readonly string[],
): Verdict {
  const { service, sampled, rates, usual, isUnderProof } = reading
  const [perS, modes, sources] = [rates[RATE[group]], sampled.modes[group], sampled.sources[group]]
  const reasons = [
    ...usualReasons(usual?.[RATE[group]], perS),
    ...why,
    ...shapeText(group, modes),
    ...addressesText(sampled),
    ...(sources === 0 ? [] : [sourcesText(group, sampled, perS)]),
    ...(group === 'opening' && isUnderProof ? ['proof of source is asked for'] : []),
  ]
  const suggestion = suggestionOf(reading, group)
  return said(kind, `${what}, ${perSecond(perS)}`, reasons, {
    ...{ perS, sources },
    ...(suggestion && { advice: ruleAdvice(service, suggestion) }),
  })
}

const suggestionOf = (
  { sampled: { modes, sources }, normal }: Reading,
  group: Group,
): Suggestion | undefined => suggest({ group, modes: modes[group], sources: sources[group] }, normal[group])

/** hasNobody who would answer: no server gets traffic, so no client's connection goes on. */
const hasNobody = ({ servers: { up, kept = 0, of } }: Reading): boolean => of > 0 && up + kept === 0

/** isUnanswered: so many ask a service that has nobody to answer that it might seem a flood, of all services together. */
export const isUnanswered = (reading: Reading): boolean =>
  hasNobody(reading) && reading.rates.openingsPerS >= LEAST.openings

/** isSlowAttack: far more than usual; where nothing is usual yet, more of each source than clients have. */
const isSlowAttack = ({ count, sources }: Slow, usual: Known | undefined): boolean =>
  count >= LEAST.slow && (usual ? count >= TIMES * usual.slow : count >= EACH * sources)

function load(
  { rates, usual, servers, sampled }: Reading,
  completed: number | undefined,
  said: Said,
): Verdict {
  const { openingsPerS } = rates
  const isMuch = openingsPerS >= (usual ? Math.max(20, BUSY * usual.openingsPerS) : LEAST_BUSY)
  const isSlow =
    servers.latencyMs !== undefined && servers.latencyMs >= Math.max(SLOW_MS, SLOW * (usual?.latencyMs ?? 0))
  const reasons = [
    ...usualReasons(usual?.openingsPerS, openingsPerS),
    ...(completed === undefined ? [] : [`${percent(completed)} complete`]),
    sourcesText('opening', sampled, openingsPerS),
    ...(isSlow ? [`checks of its servers take ${msText(servers.latencyMs!)}${latencyUsual(usual)}`] : []),
    ...(servers.up < servers.of ? [`${servers.of - servers.up} of ${servers.of} servers are down`] : []),
  ]
  const connections = `new connections, ${perSecond(openingsPerS)}`
  if (!isMuch || completed === undefined || completed < COMPLETES)
    return said('calm', `calm, ${perSecond(openingsPerS)}`, reasons)
  // One of many may be away for weeks: what was there before tells, and where nothing was, that half of them are.
  const isDown = usual ? servers.up < servers.of : servers.of > 0 && 2 * servers.up <= servers.of
  return isSlow || isDown
    ? said('overload', `overload, not an attack: ${connections}`, reasons)
    : said('busy', `busy, not an attack: ${connections}`, reasons)
}

/** partOf: the share of the TCP packets that open nothing which was recorded. */
export function partOf({ counts, seconds }: Sampled, { othersPerS }: Rates): number {
  const perS = counts.other / Math.max(1, seconds)
  return othersPerS <= perS ? 1 : perS / othersPerS
}

/**
 * completedOf: the share of connections that go on. Of those that were followed some went on unseen, since only a part of
 * the packets is recorded: each sends two more at least, and the chance to see one of them is known. What defence stopped does not.
 */
function completedOf(reading: Reading): number | undefined {
  const { followed, stopped, stoppedShare } = reading.sampled
  if (followed + stopped < FOLLOWED) return undefined
  const wentOn = wentOnOf(reading)
  return wentOn === undefined ? undefined : wentOn * (1 - stoppedShare)
}

/** wentOnOf the connections that were followed; undefined: nothing would be seen of them. */
function wentOnOf({ sampled, rates }: Reading): number | undefined {
  const { followed, wentOn } = sampled
  const seen = 1 - (1 - partOf(sampled, rates)) ** 2
  if (seen === 0) return undefined
  return followed === 0 ? 0 : Math.min(1, wentOn / followed / seen)
}

/** Users: what they get: connections a second that defence lets through, and which share of them goes on; absent: too few were seen. */
export interface Users {
  readonly perS: number
  readonly completed?: number
}

/** usersOf a service. Connections of a flood that pass count as well: of those nobody can tell. */
export function usersOf(reading: Reading): Users {
  const { rates, sampled } = reading
  const completed = sampled.followed < USERS ? undefined : wentOnOf(reading)
  return {
    perS: rates.openingsPerS * (1 - sampled.stoppedShare),
    ...(completed !== undefined && { completed }),
  }
}

/**
 * ofConnections: packets a second that those connections send which are opened now and go on. Where few packets are
 * recorded of many connections, nearly each is of another one.
 */
function ofConnections({ rates, usual }: Reading, completed: number | undefined): number {
  if (completed === undefined || completed < COMPLETES) return 0
  const each = usual && usual.openingsPerS > 0 ? usual.othersPerS / usual.openingsPerS : PACKETS
  return rates.openingsPerS * each
}

const loneShare = ({ flows, counts: { other } }: Sampled): number =>
  other < 200 ? 0 : Math.min(1, flows / other)

const usualReasons = (usual: number | undefined, now: number): string[] =>
  usual === undefined || now < BUSY * usual ? [] : [`usual are ${perSecond(usual)}`]

const latencyUsual = (usual: Known | undefined): string =>
  usual?.latencyMs === undefined ? '' : ` (usual ${msText(usual.latencyMs)})`
