// What one generation of the packet path is made of, resolved to small integers. A Shape decides the program
// (it is generated for exactly this), Tables are what its maps are filled with. Both are plain data: the
// generated program, the model and the engine all start from them.

import type { Ip, Mac, Protocol } from '../base/addresses.ts'
import type { LeastKind } from '../schedule/least.ts'
import type { RotationKind } from '../schedule/rotation.ts'
import type { DefenceShape, DefenceTables, RecorderShape } from './defence-shape.ts'
import type { ScheduleTable } from './scheduling.ts'
import type { VirtualMac } from './virtual-mac.ts'

/**
 * ListenerShape: an address, protocol and port, or range of ports, that clients use; `service` and `pool` index Shape's
 * lists. Of several around a port the narrowest has it (port-ranges.ts).
 */
export interface ListenerShape {
  readonly address: Ip
  readonly protocol: Protocol
  /** 1..65535, host order. */
  readonly port: number
  /** The last port of a range that begins with `port`; 1..65535 are all ports. Absent: the one port. */
  readonly lastPort?: number
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

/**
 * Persistence: a client network keeps its server, over all listeners of a service, until none of its flows has sent for
 * so many seconds (LVS: persistent services). How many leading bits of an address are the network.
 */
export interface Persistence {
  readonly timeout: number
  readonly network: number
  readonly network6: number
}

/** ServiceShape: what the packet path does for one service beside choosing by the table. */
export interface ServiceShape {
  readonly track: Track
  readonly onFailure: OnFailure
  /** What of a flow chooses its slot: address and ports, or the client's address alone. */
  readonly hash: 'flow' | 'source'
  /** With `track: all` only. */
  readonly persistence?: Persistence
  /** Who picks a new flow's server; absent: its slot. With one, `track` is `all`. */
  readonly picker?: PickerShape
  /** Packets are translated, and the servers' answers; its flows are tracked, all of them. Absent: dsr. */
  readonly nat?: Nat
}

/** Nat: what translation needs of a service: the servers' port; 0: the listener's, whichever it is. */
export interface Nat {
  readonly port: number
}

/** CountingScheduler: one that picks a new flow's server by turns or by connections, by LVS's name. */
export type CountingScheduler = RotationKind | LeastKind

/** PickerShape: a scheduler that counts turns or connections (scheduling.ts). */
export interface PickerShape {
  readonly kind: CountingScheduler
  /** For how many turns (rr, wrr) or servers there is room. */
  readonly room: number
}

/** STATELESS: a service whose flows nobody remembers: the least that the packet path does. */
export const STATELESS: ServiceShape = { track: 'none', onFailure: 'keep', hash: 'flow' }

/**
 * Clock: where the packet path reads its time from, in jiffies, and what of it records hold: ticks of 2^shift jiffies.
 * `jiffies`: the kernel's own (bpf_jiffies64); `word`: the map `clock`, so that tests set the time.
 */
export interface Clock {
  readonly source: 'jiffies' | 'word'
  /** Jiffies a second (CONFIG_HZ). */
  readonly hz: number
  /** A tick is about 64 ms: clockOf. */
  readonly shift: number
}

/** FlowsShape: the flow table, its clock, and what bounds it. */
export interface FlowsShape {
  /** Records that the table has room for; rounded up to whole buckets of four. */
  readonly entries: number
  /** So many new records each CPU makes in a second at most. */
  readonly newFlows: number
  readonly clock: Clock
  /** Of each time-out the longest that any service has: a record that old may be overwritten by any other. */
  readonly idle: Timeouts
  /** Of so many of its newest records each CPU leaves word, a power of two (Fresh); absent: of none, no other node wants it. */
  readonly fresh?: number
}

/** OtherInterface: a NIC of the node beside the one that the program is attached to; servers may be behind it. */
export interface OtherInterface {
  /** Which one: what server entries say (ServerEntry). Different from Shape's `own`. */
  readonly number: number
  readonly ifindex: number
  /** The source of frames that leave by it. */
  readonly mac: Mac
}

/** TurnShape: where answers to checks through a service address go (turn.ts). */
export interface TurnShape {
  /** Of the veth's end on this side. */
  readonly ifindex: number
  /** The interface's own addresses, which such checks come from. */
  readonly addresses: readonly Ip[]
}

/** MAX_INTERFACES: their numbers are below; a server's entry has a byte for one. */
export const MAX_INTERFACES = 256

/** Shape: everything that the program's instructions depend on. */
export interface Shape {
  /** The interface's own MAC: frames to others pass untouched, and it is the source of every frame sent by it. */
  readonly mac: Mac
  /** Frames to these are for the node, too, while it is active; absent: on none of its interfaces. */
  readonly virtual?: readonly VirtualMac[]
  /** Addresses whose packets are a listener's or nobody's (RFC 9568, Accept_Mode); absent: none. No two are the same. */
  readonly unaccepted?: readonly Ip[]
  /** Which of the node's interfaces it is. */
  readonly own: number
  /** The node's other interfaces; none: what server entries say of interfaces is not read. */
  readonly others: readonly OtherInterface[]
  /** Frames may span several buffers (MTU above one page): lengths are asked for, not computed. */
  readonly jumbo: boolean
  /** At least one. No two have the same address, protocol and ports; ranges lie apart or within each other. */
  readonly listeners: readonly ListenerShape[]
  /** By index; one that no listener has does not matter. */
  readonly services: readonly ServiceShape[]
  /** The highest server id; id 0 is nobody, whose state is never usable. At most 32,766. */
  readonly servers: number
  /** The number of slots of each pool's table: schedule/ has powers of two, here any number will do. */
  readonly pools: readonly number[]
  /**
   * For each pool the number of slots of the table that it had before its size changed, 0 where it did not; absent
   * where no pool's did. Read for slots whose settled server is ASK_BEFORE.
   */
  readonly before?: readonly number[]
  /** Checks go through service addresses; absent: none does. */
  readonly turn?: TurnShape
  /** Where there is no flow table: the clock; absent: the kernel's, of 250 jiffies a second. */
  readonly clock?: Clock
  /** The flow table; absent: no flow is tracked, whatever `track` a service has. */
  readonly flows?: FlowsShape
  /** What listeners' packets have to pass first; absent: nothing. */
  readonly defence?: DefenceShape
  /** Packets are recorded; absent: none is. */
  readonly recorder?: RecorderShape
  /** Counter blocks, one a possible CPU: a power of two. */
  readonly cpus: number
}

/** ServerEntry: where frames for a server id go; not usable: packets are dropped as `no-server`. */
export interface ServerEntry {
  readonly mac: Mac
  readonly usable: boolean
  /** The number of the interface that it is behind. */
  readonly via: number
  /** Of the family of its services' listeners. Absent: nobody's id. */
  readonly address?: Ip
  /** How many bits all addresses of its network begin with, where that is the node's, too; absent: its address is all of it. */
  readonly network?: number
}

/** Tables: the contents of one generation's maps. */
export interface Tables {
  /** HASH_KEYS random 64-bit multipliers (schedule/hash.ts): [0..2] and [6..9] choose the slot, [3..5] and [10..13] the listener's bucket. */
  readonly keys: BigUint64Array
  /** For each pool its slots' words (slotWord). */
  readonly slots: readonly Uint32Array[]
  /** By server id; [0] is nobody. */
  readonly servers: readonly ServerEntry[]
  /** For each pool the words of its table before, where the shape has one: as many as the shape says. */
  readonly before?: readonly Uint32Array[]
  /** Bits of servers that have failed in a pool (failedBit); absent: none has. */
  readonly failed?: Uint32Array
  /** The same bits of servers to whom no client network is to come back: failed, drained, no member (any more). */
  readonly shut?: Uint32Array
  /** By service: what its scheduler goes by, where it has one that counts. */
  readonly schedules?: ReadonlyMap<number, ScheduleTable>
  /** What the shape's defence goes by; absent: NO_DEFENCE_TABLES. */
  readonly defence?: DefenceTables
  /** Virtual routers that the node is active for from the beginning; absent: none, until somebody says so. */
  readonly active?: readonly VirtualMac[]
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
/** What the sum that chooses a slot is mixed by. */
export const KEY_MIX = 9
/**
 * A slot's word:
 *
 *   bits 0..14   current: who takes new flows
 *   bits 15..29  settled: who had the slot before the oldest change that is still young; else the current one
 *   bit 30       LEARN: UDP flows without a record are the settled server's (after a planned change)
 *   bit 31       RECORDS: some flow of the slot may be another server's than the current one's
 */
export const SERVER_MASK = 0x7fff
export const SETTLED_SHIFT = 15
export const SLOT_LEARN = 0x4000_0000
export const SLOT_RECORDS = 0x8000_0000
/** ASK_BEFORE as the settled id: the word of the pool's table before, by the same hash, has the settled server. */
export const ASK_BEFORE = 0x7fff

/** slotWord of a current and a settled server; `flags` are SLOT_LEARN and SLOT_RECORDS. */
export const slotWord = (current: number, settled: number, flags = 0): number =>
  ((settled << SETTLED_SHIFT) | current | flags) >>> 0
export const currentOf = (word: number): number => word & SERVER_MASK
export const settledOf = (word: number): number => (word >>> SETTLED_SHIFT) & SERVER_MASK
