// What one generation of the packet path is made of, resolved to small integers. A Shape decides the program
// (it is generated for exactly this), Tables are what its maps are filled with. Both are plain data: the
// generated program, the model and the engine all start from them. Left out so far: tracking.

import type { Ip, Mac, Protocol } from '../base/addresses.ts'

/** ListenerShape: an address, protocol and port that clients use; `service` and `pool` index Shape's lists. */
export interface ListenerShape {
  readonly address: Ip
  readonly protocol: Protocol
  /** 1..65535, host order. */
  readonly port: number
  readonly service: number
  readonly pool: number
}

/**
 * Track: which flows are remembered. `changes`: those whose server a change of the pool would change; `all`: every
 * one; `none`: none, the table alone decides.
 */
export type Track = 'none' | 'changes' | 'all'
/** OnFailure: what becomes of a failed server's TCP flows: they stay with it, or clients get a RST. */
export type OnFailure = 'keep' | 'reset'
/** Timeouts: seconds that a flow may be silent before it is forgotten. */
export interface Timeouts {
  readonly syn: number
  readonly established: number
  readonly fin: number
  readonly udp: number
}
/** TIMEOUTS: those of LVS (net/netfilter/ipvs/ip_vs_proto_tcp.c, ip_vs_proto_udp.c). */
export const TIMEOUTS: Timeouts = { syn: 60, established: 900, fin: 120, udp: 300 }

/** ServiceShape: what the packet path does for one service beside choosing by the table. */
export interface ServiceShape {
  readonly track: Track
  readonly onFailure: OnFailure
  /** What of a flow chooses its slot: address and ports, or the client's address alone. */
  readonly hash: 'flow' | 'source'
}

/** STATELESS: a service whose flows nobody remembers: the least that the packet path does. */
export const STATELESS: ServiceShape = { track: 'none', onFailure: 'keep', hash: 'flow' }

/** Shape: everything that the program's instructions depend on. */
export interface Shape {
  /** The interface's own MAC: frames to others pass untouched, and it is the source of every frame sent. */
  readonly mac: Mac
  /** Frames may span several buffers (MTU above one page): lengths are asked for, not computed. */
  readonly jumbo: boolean
  /** At least one; no two have the same address, protocol and port. */
  readonly listeners: readonly ListenerShape[]
  /** By index. */
  readonly services: readonly ServiceShape[]
  /** How many servers: their ids are 1..servers; id 0 is nobody, whose state is never usable. At most 32,767. */
  readonly servers: number
  /** The number of slots of each pool's table, a prime of schedule/. */
  readonly pools: readonly number[]
  /** Counter blocks, one a possible CPU: a power of two. */
  readonly cpus: number
}

/** ServerEntry: where frames for a server id go; not usable: packets are dropped as `no-server`. */
export interface ServerEntry {
  readonly mac: Mac
  readonly usable: boolean
}

/** Tables: the contents of one generation's maps. */
export interface Tables {
  /** HASH_KEYS random 64-bit multipliers (schedule/hash.ts): [0..2] and [6..8] choose the slot, [3..5] and [10..13] the listener's bucket. */
  readonly keys: BigUint64Array
  /** For each pool its slots' words: bits 0..14 the current server's id, 15..29 the settled one's, 31 "has records". */
  readonly slots: readonly Uint32Array[]
  /** By server id; [0] is nobody. */
  readonly servers: readonly ServerEntry[]
}

export const HASH_KEYS = 16
/** Which key multiplies what; the one before the first of a group is added. */
export const KEY_SOURCE = 1
export const KEY_PORTS = 2
export const KEY_ADDRESS = 4
export const KEY_PORT = 5
/** The words of an IPv6 source after the first, and those of an IPv6 listener's address. */
export const KEY_SOURCE6 = 6
export const KEY_ADDRESS6 = 10
/** SERVER_MASK: the current server's id in a slot's word. */
export const SERVER_MASK = 0x7fff
