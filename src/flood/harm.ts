// What a rule would take of traffic that is no flood: the largest share of what is known of a service, of one group of packets.
// Counters of a rule do not tell: the packets of a flood of ACKs or UDP open no connection either. Pure.

import type { RuleMatch } from '../dataplane/rule.ts'
import type { Facts, Group } from './facts.ts'
import { groupsOf, LEAST_NORMAL, matchesFacts } from './suggest.ts'

/** Established: what is known of a service's traffic that is no flood, of a group: samples, each on its own. */
export interface Established {
  readonly service: string
  readonly samples: (group: Group) => readonly (readonly Facts[])[]
}

/** Harm: packets of a sample that a rule matches. */
export interface Harm {
  readonly service: string
  readonly group: Group
  readonly matched: number
  readonly of: number
}

/** harmOf a rule, the worst of these services; undefined: too little is known of all of them. */
export function harmOf(match: RuleMatch, known: readonly Established[]): Harm | undefined {
  const all = known.flatMap(({ service, samples }) =>
    groupsOf(match).flatMap((group) =>
      samples(group)
        .filter((sample) => sample.length >= LEAST_NORMAL)
        .map((sample): Harm => {
          const matched = sample.filter((facts) => matchesFacts(match, facts)).length
          return { service, group, matched, of: sample.length }
        }),
    ),
  )
  return all.reduce<Harm | undefined>(
    (worst, each) => (worst && worst.matched / worst.of >= each.matched / each.of ? worst : each),
    undefined,
  )
}
