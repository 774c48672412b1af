// What an engine defends services by, as plain data: signature rules, lists, proof of source, limits, ceilings, the recorder.
// Names are the file's, rates are packets or flows a second, times seconds.

import type { Prefix } from '../base/prefix.ts'
import type { RuleMatch } from '../dataplane/rule.ts'

/** RuleAction: what becomes of a packet that a rule matches; `limit`: what is above `perSecond` is dropped. */
export type RuleAction = 'count' | 'drop' | 'limit'

/** RuleSpec: one rule. They are asked in order, and the first that drops is the last. */
export interface RuleSpec {
  readonly name: string
  readonly match: RuleMatch
  readonly action: RuleAction
  /** Of `limit`. */
  readonly perSecond?: number
  /** What it matches is recorded, as densely as what is dropped. */
  readonly record: boolean
  /** Absent: all. */
  readonly services?: readonly string[]
}

/** ProofSpec: when the sources of SYNs have to prove themselves, and for how long one that has is remembered. */
export interface ProofSpec {
  /** Unproven SYNs a second to one service: above, proof is asked for; off again `holdS` after they fell below. */
  readonly above: number
  readonly below: number
  readonly holdS: number
  readonly rememberS: number
}

/** SourcesSpec: how much one source may send: an IPv4 network of `prefix` bits, an IPv6 one of `prefix6`. */
export interface SourcesSpec {
  /** New flows a second; absent: no limit. */
  readonly newPerS?: number
  /** UDP packets a second; absent: no limit. */
  readonly udpPerS?: number
  readonly prefix: number
  readonly prefix6: number
  /** How long a proven source above its limit is banned; absent: what is above is dropped, and no more. */
  readonly banS?: number
}

/** RecorderSpec: bytes in memory and on disk; seconds before and after what made it write. */
export interface RecorderSpec {
  /** Absent: by the number of CPUs. */
  readonly memory?: number
  readonly disk: number
  readonly aroundS: number
}

/** DefenceSpec: of the whole node. */
export interface DefenceSpec {
  readonly rules: readonly RuleSpec[]
  readonly allow: readonly Prefix[]
  readonly deny: readonly Prefix[]
  /** Sources that are not allowed are dropped. */
  readonly only: boolean
  /** Absent: nobody is asked for proof. */
  readonly proof?: ProofSpec
  readonly sources?: SourcesSpec
  /** New flows a second of all services together; absent: no ceiling. */
  readonly ceiling?: number
  readonly recorder?: RecorderSpec
  /** The share of established traffic that a rule may match before it is told of, 0..1; absent: a hundredth. */
  readonly doubt?: number
}

/** ProofMode: whether proof is asked for: by how many unproven SYNs there are, always, never. */
export type ProofMode = 'auto' | 'on' | 'off'

/** ServiceDefence: what is said of one service. */
export interface ServiceDefence {
  readonly proof: ProofMode
  /** New flows a second; absent: no ceiling. */
  readonly ceiling?: number
}

/** Ban: a source that is dropped until a time of day, in ms of the epoch. */
export interface Ban {
  readonly prefix: Prefix
  readonly until: number
}
