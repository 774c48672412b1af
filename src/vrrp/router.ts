// What one virtual router is on this node: RFC 9568 6.1's parameters, and how its times follow from them. One virtual
// router has one VRID on one interface in one family. All times are milliseconds, whole or not.
//
//   adverts of the active node    |--- 1 ---|--- 2 ---|--- 3 ---|- skew -|
//   last one heard                ^                              ^ the higher the priority the sooner it takes over

import type { Ip } from '../base/addresses.ts'
import { PRIORITY } from '../wire/vrrp.ts'

/** AnnounceRules: gratuitous ARP or unsolicited NA once more, and then again and again; 0: not. */
export interface AnnounceRules {
  readonly repeatMs: number
  readonly refreshMs: number
}

/** FlapRules: `takeovers` within so long are too many; then, for so long each time, nobody is preempted. */
export interface FlapRules {
  readonly takeovers: number
  readonly withinMs: number
  readonly backOffMs: number
}

/** VirtualRouter: parameters that may change while it runs (event `changed`). */
export interface VirtualRouter {
  /** 1..255. */
  readonly vrid: number
  readonly version: 2 | 3
  /** Priority as it is now, tracking included (tracking.ts): 1..255; 255 owns the addresses. */
  readonly priority: number
  /** Advertisement_Interval: 10 ms to 40,950 ms in steps of 10; version 2: whole seconds to 255. */
  readonly adverMs: number
  /** Preempt_Mode; an owner preempts anyway. */
  readonly preempt: boolean
  /** How long a lower priority is let be before it is preempted. */
  readonly preemptDelayMs: number
  /** Accept_Mode: the node's own kernel answers on the addresses. */
  readonly accept: boolean
  /** The primary IPvX address of the interface: the source of adverts, and what breaks ties. */
  readonly primary: Ip
  readonly addresses: readonly Ip[]
  readonly announce: AnnounceRules
  readonly flaps: FlapRules
}

export const ANNOUNCE: AnnounceRules = { repeatMs: 5000, refreshMs: 0 }
export const FLAPS: FlapRules = { takeovers: 3, withinMs: 60_000, backOffMs: 60_000 }

export const isOwner = ({ priority }: VirtualRouter): boolean => priority === PRIORITY.owner

/** skewMs: Skew_Time (RFC 9568 6.1; RFC 3768 6.1, where it is a part of a second whatever the interval). */
export const skewMs = ({ version, priority }: VirtualRouter, activeAdverMs: number): number =>
  ((256 - priority) * (version === 3 ? activeAdverMs : 1000)) / 256

/** activeDownMs: Active_Down_Interval, `activeAdverMs` being Active_Adver_Interval (RFC 3768: Master_Down_Interval). */
export const activeDownMs = (router: VirtualRouter, activeAdverMs: number): number =>
  3 * activeAdverMs + skewMs(router, activeAdverMs)

/** deadMs: so long after its last advert an active node must take itself for replaced: the least that anybody waits. */
export const deadMs = ({ adverMs }: VirtualRouter): number => 3 * adverMs

/** listenMs: so long a node that overslept listens before it takes over: one advert of whoever is active, and the skew. */
export const listenMs = (router: VirtualRouter, activeAdverMs: number): number =>
  activeAdverMs + skewMs(router, activeAdverMs)
