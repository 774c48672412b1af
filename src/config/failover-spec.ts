// How an address set moves between nodes: what its `vrid` and the keys beside it say, resolved. The words are RFC 9568's
// where it has them. What of it is this node's part is made by the daemon (daemon/vrrp-spec.ts).

import type { Ip } from '../base/addresses.ts'
import type { Prefix } from '../base/prefix.ts'

/** Announce: how often neighbours are told again; 0: not. */
export interface Announce {
  readonly repeatMs: number
  readonly refreshMs: number
}

/** UnicastRole: who speaks on one role's network: the addresses of each node there, at most one of each family. */
export interface UnicastRole {
  readonly role: string
  readonly nodes: Readonly<Record<string, readonly Ip[]>>
}

/** FailoverAuth: files that have the secrets; of `hmac` the first signs, and the second is accepted as well. */
export type FailoverAuth =
  | { readonly kind: 'pass'; readonly file: string }
  | { readonly kind: 'hmac'; readonly files: readonly string[] }

/** TrackedThing: what is looked at. A file that is there means down. */
export type TrackedThing =
  | { readonly kind: 'link'; readonly role: string }
  | { readonly kind: 'service'; readonly service: string }
  | {
      readonly kind: 'script'
      readonly command: readonly string[]
      readonly user: string
      readonly everyMs: number
      readonly timeoutMs: number
    }
  | { readonly kind: 'file'; readonly path: string }
  /** Up while one of them answers. */
  | { readonly kind: 'reach'; readonly addresses: readonly Ip[]; readonly everyMs: number }

/**
 * TrackRule: while it is down: with a weight below 0 that is taken off the priority, with one above 0 that is not added to
 * it (-253..253); `fault`: the node has no role. What is seen counts once it has been so for `riseMs` or `fallMs`.
 */
export interface TrackRule {
  /** Of its set; no other has it. Such as `service:www`. */
  readonly name: string
  readonly thing: TrackedThing
  readonly weight: number | 'fault'
  readonly riseMs: number
  readonly fallMs: number
}

/** RouteOfSet: a static route that the active node has. `on`: a role of the set; `source`: one of its addresses. */
export interface RouteOfSet {
  readonly on: string
  readonly to: Prefix
  readonly gateway: Ip
  readonly source: Ip
  /** 1..2^32-1; absent: the kernel's own. */
  readonly metric?: number
}

/** Failover: of one address set. It has one virtual router for each role and family that it has addresses of. */
export interface Failover {
  /** 1..255. */
  readonly vrid: number
  readonly version: 2 | 3
  /** Of each node of the file, 1..255; of a file without nodes: of ONLY_NODE. */
  readonly priorities: Readonly<Record<string, number>>
  /** Advertisement_Interval: 10..40950 in steps of 10; version 2: whole seconds to 255. */
  readonly advertMs: number
  /** Preempt_Mode. */
  readonly preempt: boolean
  readonly preemptDelayMs: number
  /** Accept_Mode. */
  readonly accept: boolean
  /** Which form is sent; counts for version 3 over IPv4. */
  readonly checksum: 'rfc5798' | 'rfc9568'
  /** virtual: a macvlan with the virtual router's MAC. */
  readonly mac: 'interface' | 'virtual'
  /** Absent: by multicast. */
  readonly unicast?: readonly UnicastRole[]
  /** Least TTL or hop limit of an advert by unicast. */
  readonly minTtl?: number
  readonly auth?: FailoverAuth
  readonly announce: Announce
  readonly routes: readonly RouteOfSet[]
  /** Its own links and the packet path are faults without being named. */
  readonly track: readonly TrackRule[]
}
