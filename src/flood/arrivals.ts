// How many packets of a service arrive in a second, and which share of its SYNs defence stops. SYNs that come as far as limits
// are counted, each of them; outcomes are counted of all services and kinds of packets together, and what was recorded says
// which of them are whose. Pure.

import { GROUPS, type Group } from './facts.ts'
import { type Counted, type Fate, type Kept, OUTCOMES } from './fate.ts'
import type { Rates } from './usual.ts'

/** Arriving: what is known of a service. */
export interface Arriving {
  /** Recorded packets of the service, and for how many seconds; likewise those of all services. */
  readonly counted: Counted
  readonly seconds: number
  readonly all: Counted
  readonly allSeconds: number
  /** Packets a second by outcome, of all services. */
  readonly outcomes: ReadonlyMap<string, number>
  /** Packets a second that went to its servers. */
  readonly packets: number
  /** SYNs a second that were counted: those that no list, ban or rule has dropped before. */
  readonly exact: number
  /** Some of its SYNs have to prove their source; and all of them. */
  readonly isProofAsked: boolean
  readonly isUnderProof: boolean
}

/** Arrivals of a service: `stoppedShare` of its SYNs, 0..1. */
export interface Arrivals {
  readonly rates: Rates
  readonly stoppedShare: number
}

const sum = ({ own, drawn }: Kept): number => own + drawn

/** arrivalsOf a service. */
export function arrivalsOf(known: Arriving): Arrivals {
  const { counted, seconds, packets, exact } = known
  const { passed } = counted
  const recorded = (group: Group, fates: readonly Fate[]): number =>
    fates.reduce((total, fate) => total + sum(counted[fate][group]), 0) / seconds
  const stopped = (group: Group) => perSecond(known, 'refused', group) + perSecond(known, 'limited', group)
  const challenged = perSecond(known, 'challenged', 'opening')
  // Who proves himself sends another SYN, which goes to a server: a RST that nothing follows is worth nothing.
  const proven = Math.min(challenged, packets, perSecond(known, 'proven', 'other'))
  const arrived = Math.max(
    exact + perSecond(known, 'refused', 'opening'),
    recorded('opening', ['passed', 'challenged', 'refused', 'limited']),
  )
  // rates of outcomes lag behind those of SYNs, of which those who prove themselves send half at most
  const openingsPerS = arrived - Math.min(proven, arrived / 2)
  const stoppedPerS = challenged - proven + stopped('opening')
  // likewise, of a service under proof no more SYNs can have passed than packets
  const notPassedPerS = known.isProofAsked ? Math.max(0, openingsPerS - packets) : 0
  const opened = known.isUnderProof ? 0 : Math.max(0, openingsPerS - stoppedPerS)
  const others = Math.max(0, packets - opened)
  const [udp, other] = [sum(passed.udp), sum(passed.other)]
  const udpPassed = Math.max(udp / seconds, udp === 0 ? 0 : (others * udp) / (udp + other))
  const othersPassed = Math.max(other / seconds, others - udpPassed)
  return {
    rates: {
      openingsPerS,
      othersPerS: othersPassed + stopped('other'),
      udpPerS: udpPassed + stopped('udp'),
    },
    stoppedShare: openingsPerS === 0 ? 0 : Math.min(1, Math.max(stoppedPerS, notPassedPerS) / openingsPerS),
  }
}

/** perSecond: packets of a fate and a group, as counted of all: those that were kept for what they are, and their part of the others. */
function perSecond(
  { counted, seconds, all, allSeconds, outcomes }: Arriving,
  fate: Exclude<Fate, 'passed'>,
  group: Group,
): number {
  const mine = counted[fate][group]
  const total = { own: 0, drawn: 0 }
  for (const each of GROUPS) {
    total.own += all[fate][each].own
    total.drawn += all[fate][each].drawn
  }
  const countedPerS = OUTCOMES[fate].reduce((rate, name) => rate + (outcomes.get(name) ?? 0), 0)
  // where none were drawn, those that were kept are a sample, too
  const [part, whole] = total.drawn === 0 ? [mine.own, total.own] : [mine.drawn, total.drawn]
  const share = whole === 0 ? 0 : Math.min(1, part / seconds / (whole / allSeconds))
  const others = Math.max(0, countedPerS - total.own / allSeconds)
  return Math.max(sum(mine) / seconds, mine.own / seconds + share * others)
}
