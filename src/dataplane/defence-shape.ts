// What the packet path defends services by: the part that decides which instructions there are (DefenceShape), and the
// part that is only data, written to direct memory and changed by single stores (DefenceTables). docs/packet-path.md, D.

import type { Prefix } from '../base/prefix.ts'
import type { RuleMatch } from './rule.ts'

/** RuleShape: a signature rule, compiled into the program. They are asked in order. */
export interface RuleShape {
  readonly match: RuleMatch
  /** `limit`: what is above `perSecond`, of all CPUs together, is dropped. */
  readonly action: 'count' | 'drop' | 'limit'
  /** Of `limit`: at least 1. */
  readonly perSecond?: number
  /** What it matches is marked for the recorder. */
  readonly record: boolean
  /** Indexes of services; absent: all. */
  readonly services?: readonly number[]
}

/** ListsShape: prefixes of each family that there is room for, allowed, denied and banned ones together. */
export interface ListsShape {
  readonly entries: number
}

/** ProofShape: sources that there is room for which have proved that they are real. A multiple of 8. */
export interface ProofShape {
  readonly sources: number
}

/** SourcesShape: limits of what one source, a network of so many bits, may send. */
export interface SourcesShape {
  readonly prefix: number
  readonly prefix6: number
  /** Whether new flows of TCP are limited; whether packets of UDP are; whether who is above is banned for a time. */
  readonly new: boolean
  readonly udp: boolean
  readonly ban: boolean
  /** Sources that there is room for, and as many that are banned: a power of two, 8 at least. */
  readonly entries: number
}

/** KnownShape: flows of UDP that there is room for which have been let in. A multiple of 8. */
export interface KnownShape {
  readonly flows: number
}

/** DefenceShape: absent from a shape that defends nothing. */
export interface DefenceShape {
  readonly rules: readonly RuleShape[]
  readonly lists: ListsShape
  readonly proof?: ProofShape
  readonly sources?: SourcesShape
  /** Some service, or the node, has a ceiling of new flows. */
  readonly ceilings: boolean
  /** Where a ceiling counts flows of UDP, too: by who is known. */
  readonly known?: KnownShape
}

/** RecorderShape: how many records each CPU keeps: a power of two, 64 at least. */
export interface RecorderShape {
  readonly records: number
}

/** PROOF: a service's proof, as its word says it: by how many unproven SYNs there are, always, never. */
export const PROOF = { auto: 0, on: 1, off: 2 } as const
export type ProofMode = keyof typeof PROOF

/** Ban: of a source by hand. `until`: the tick (flow-clock.ts) from which on it has ended. */
export interface BannedPrefix {
  readonly prefix: Prefix
  readonly until: number
}

/** DefenceTables: rates are a second's; 0: no limit. */
export interface DefenceTables {
  readonly allow: readonly Prefix[]
  readonly deny: readonly Prefix[]
  readonly bans: readonly BannedPrefix[]
  /** What is not allowed is dropped. */
  readonly only: boolean
  /** New flows of all services. */
  readonly ceiling: number
  /** By service index. */
  readonly services: readonly { readonly ceiling: number; readonly proof: ProofMode }[]
  /** SYNs of unproven sources to one service: above, proof is asked for, until they have been below for `holdS`. */
  readonly proof?: {
    readonly above: number
    readonly below: number
    readonly holdS: number
    readonly rememberS: number
  }
  readonly sources?: { readonly newPerS: number; readonly udpPerS: number; readonly banS: number }
}

/** NO_DEFENCE_TABLES: nothing listed, nothing limited, proof of nobody. */
export const NO_DEFENCE_TABLES: DefenceTables = {
  allow: [],
  deny: [],
  bans: [],
  only: false,
  ceiling: 0,
  services: [],
}
