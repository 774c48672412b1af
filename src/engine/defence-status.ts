// The defence of an engine while it runs: what can be said to it without a new program, and what it says of itself.

import type { Ip } from '../base/addresses.ts'
import type { Prefix } from '../base/prefix.ts'
import type { Ban, ServiceDefence } from './defence-spec.ts'

/** LiveDefence: what changes by single stores. All of it each time: what is not named is as the spec has it. */
export interface LiveDefence {
  readonly services: ReadonlyMap<string, ServiceDefence>
  /** Sources that are banned by hand. */
  readonly bans: readonly Ban[]
}

/** ServiceReading: a service as its counters have it. */
export interface ServiceReading {
  readonly name: string
  /** SYNs of the last whole second or so, each of them counted; absent where nothing of its defence counts them. */
  readonly openingsPerS?: number
  /** SYNs of the service have to prove their source at present. */
  readonly isUnderProof: boolean
}

/** RuleReading: packets that a rule has matched since it is there: SYNs without ACK, and all others. */
export interface RuleReading {
  readonly name: string
  readonly opening: bigint
  readonly others: bigint
}

/** DefenceReading: of the generation that runs. */
export interface DefenceReading {
  readonly services: readonly ServiceReading[]
  readonly rules: readonly RuleReading[]
}

/** EarnedBan: of a source that the packet path has banned. Times are ms of the epoch. */
export interface EarnedBan {
  readonly source: Prefix
  readonly since: number
  readonly until: number
}

/** Earned: bans that the packet path has made. */
export interface Earned {
  /** How many there are. */
  readonly count: number
  /** of an address; undefined: it has none. */
  of(address: Ip): EarnedBan | undefined
  /** release the source that a network is in, or is; false: it was not banned, or the network is more than a source. */
  release(network: Prefix): boolean
}

/** EngineDefence: an engine's, while it has one. */
export interface EngineDefence {
  /** reading is cheap: ten times a second is meant. */
  reading(): DefenceReading
  /** earned: bans of the packet path's own; absent: it makes none. */
  readonly earned?: Earned | undefined
  /** set what holds beside the spec; it holds until the next set, over apply() too. Throws TenbinError. */
  set(live: LiveDefence): void
}
