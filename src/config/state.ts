// What the file wants, resolved: ranges expanded, defaults filled in, every name known to exist. Plain readonly
// data, the same on every node that has the same file; load() makes it and nothing changes it. Names are the
// file's, lists are in the file's order, included files after the main one in the order of their paths.

import { type Endpoint, formatIp, type Ip, type Protocol } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import type { CountingScheduler, OnFailure, Persistence, Timeouts, Track } from '../dataplane/shape.ts'
import type { DefenceSpec, ServiceDefence } from '../engine/defence-spec.ts'
import type { Limits, Weighed } from '../engine/engine.ts'
import type { Check } from './checks.ts'
import type { Failover } from './failover-spec.ts'
import type { GuardState } from './guard.ts'
import type { NotifyTarget } from './notify-spec.ts'
import type { Quorum } from './quorum.ts'

/** NodeState: a machine that runs tenbin. */
export interface NodeState {
  readonly name: string
  readonly address: Ip
}

/** InterfaceState: the NIC that plays a role, the same on every node or by node name. */
export interface InterfaceState {
  readonly role: string
  readonly nic: string | Readonly<Record<string, string>>
}

/** ServiceAddress: an address that clients use and the prefix length it is added with; 32 or 128: no network is told. */
export interface ServiceAddress {
  readonly address: Ip
  readonly prefix: number
}

/** AddressPart: the addresses of a set that are on one role of `interfaces`; at least one. */
export interface AddressPart {
  readonly on: string
  readonly addresses: readonly ServiceAddress[]
}

/** AddressSet: addresses that live on one node at a time, and move together. Without failover that is the file's first node. */
export interface AddressSet {
  readonly name: string
  /** One of each role. */
  readonly parts: readonly AddressPart[]
  readonly failover?: Failover
}

/** addressesOf a set, of all its parts. */
export const addressesOf = ({ parts }: Pick<AddressSet, 'parts'>): ServiceAddress[] =>
  parts.flatMap(({ addresses }) => addresses)

/** ServerState: a machine of the inventory; whether a pool has it is the pools' matter. */
export interface ServerState {
  readonly name: string
  readonly address: Ip
}

/** PoolState: servers that answer for the same services. `weight` 0..65535, at least one of them above 0. */
export interface PoolState {
  readonly name: string
  readonly members: readonly Weighed[]
  /** Who answers when none of these can, or fewer than the quorum; none of them. */
  readonly sorry?: {
    readonly members: readonly Weighed[]
    /** Absent: as the members are checked. */
    readonly check?: Check
  }
  /** Absent: somebody is up. */
  readonly quorum?: Quorum
}

/** serversOf a pool: the names of its members and of its sorry servers. */
export const serversOf = ({ members, sorry }: PoolState): string[] =>
  [...members, ...(sorry?.members ?? [])].map(({ server }) => server)

/**
 * ListenerState: where clients connect. Of several around a port of an address and protocol the narrowest has it: an
 * exact port before a range, a range before all ports.
 */
export interface ListenerState {
  readonly address: Ip
  /** First and last port; 1..65535. */
  readonly port: number
  readonly lastPort: number
  readonly protocol: Protocol
}

/** ALL_PORTS: every port of the address and protocol that no other listener has (LVS: port 0). */
export const ALL_PORTS = { port: 1, lastPort: 65_535 } as const

/** Forward: how a packet reaches its server. */
export type Forward = 'dsr' | 'nat'

/**
 * Scheduler: what picks a server; `mh` and `sh` have the same table and differ in `hash` unless it is said. The others
 * count turns or connections.
 */
export type Scheduler = 'mh' | 'sh' | CountingScheduler

/** countingOf: the scheduler, if it is one that counts. */
export const countingOf = (scheduler: Scheduler | undefined): CountingScheduler | undefined =>
  scheduler === 'mh' || scheduler === 'sh' ? undefined : scheduler

/** ServiceState: what clients use. `pool` names a PoolState: one of the file, or one made of `servers:`. */
export interface ServiceState {
  readonly name: string
  readonly listeners: readonly ListenerState[]
  readonly pool: string
  readonly forward: Forward
  /** Of nat: the servers' port, where it is not the listener's. */
  readonly serverPort?: number
  readonly scheduler: Scheduler
  /** How its servers are checked; an `interface` in it is a role. */
  readonly check: Check
  /** Of its pool: of services that share one, the longest and the most careful count. */
  readonly slowStartMs: number
  readonly guard: GuardState
  readonly track: Track
  readonly onFailure: OnFailure
  readonly hash: 'flow' | 'source'
  readonly timeouts: Timeouts
  /** With `track: all`. */
  readonly persistence?: Persistence
  /** Where the file has a defence: what is said of this service; absent: proof is asked for by itself, and no ceiling. */
  readonly defence?: ServiceDefence
}

/** SysctlState: a kernel setting by the name that sysctl(8) has for it. `nic`: only where that one plays a role. */
export interface SysctlState {
  readonly name: string
  readonly value: number
  readonly nic?: string
}

/** ClusterState: where nodes meet. `also`: a second address of each node, by its name. */
export interface ClusterState {
  readonly port: number
  readonly also?: Readonly<Record<string, Ip>>
}

/** DesiredState: the whole file. At least one service, so at least one address set, role and server. */
export interface DesiredState {
  /** Empty: the file is for one machine, whichever it is. */
  readonly nodes: readonly NodeState[]
  readonly cluster: ClusterState
  readonly interfaces: readonly InterfaceState[]
  readonly addressSets: readonly AddressSet[]
  readonly servers: readonly ServerState[]
  readonly pools: readonly PoolState[]
  readonly services: readonly ServiceState[]
  readonly limits: Limits
  /** Absent: services are not defended. */
  readonly defence?: DefenceSpec
  /** Where metrics are read; absent: nowhere. */
  readonly metrics?: Endpoint
  /** In the order in which they are set. */
  readonly sysctls: readonly SysctlState[]
  /** Who is told what happens. */
  readonly notify: readonly NotifyTarget[]
}

/** ONLY_NODE: what the one machine is called by a file that names no nodes. */
export const ONLY_NODE = 'local'

/**
 * whichNode: the name of the node that has one of this machine's addresses. A file of one node or none needs no
 * match. Throws NODE_UNKNOWN when no node matches, NODE_AMBIGUOUS when several do.
 */
export function whichNode({ nodes }: Pick<DesiredState, 'nodes'>, localAddresses: readonly Ip[]): string {
  if (nodes.length === 0) return ONLY_NODE
  if (nodes.length === 1) return nodes[0]!.name
  const local = new Set(localAddresses)
  const mine = nodes.filter(({ address }) => local.has(address))
  if (mine.length === 1) return mine[0]!.name
  const list = (some: readonly NodeState[]) =>
    some.map(({ name, address }) => `${name} ${formatIp(address)}`).join(', ')
  if (mine.length > 1)
    throw new TenbinError('NODE_AMBIGUOUS', 'find own node', {
      detail: `this machine has the addresses of ${list(mine)}`,
    })
  throw new TenbinError('NODE_UNKNOWN', 'find own node', {
    detail: `this machine has none of the addresses of ${list(nodes)}: it has ${localAddresses.map(formatIp).join(', ')}`,
  })
}

/** nicOf: the NIC that plays a role on a node. `role` is one of the state's, `node` an answer of whichNode. */
export function nicOf({ interfaces }: Pick<DesiredState, 'interfaces'>, role: string, node: string): string {
  const { nic } = interfaces.find((each) => each.role === role)!
  return typeof nic === 'string' ? nic : nic[node]!
}

/** nicsOf a node: every NIC that plays a role there, in the file's order of roles. */
export const nicsOf = (state: Pick<DesiredState, 'interfaces'>, node: string): string[] => [
  ...new Set(state.interfaces.map(({ role }) => nicOf(state, role, node))),
]

/** serviceNics: those of a node that its address sets are on, in the same order: each of them forwards. */
export function serviceNics(state: DesiredState, node: string): string[] {
  const used = new Set(
    state.addressSets.flatMap(({ parts }) => parts.map(({ on }) => nicOf(state, on, node))),
  )
  return nicsOf(state, node).filter((nic) => used.has(nic))
}

/** HeldAddress: a service address that a node has, or may have, on which NIC and for which address set. */
export interface HeldAddress extends ServiceAddress {
  readonly nic: string
  readonly addressSet: string
  /** It is there only while the node is active for its set. */
  readonly byRole: boolean
}

/**
 * heldBy: the service addresses that a node has or may have: those of sets with failover on every node, those of others on
 * the file's first.
 */
export function heldBy(state: DesiredState, node: string): HeldAddress[] {
  const isFirst = state.nodes.length === 0 || state.nodes[0]!.name === node
  return state.addressSets.flatMap(({ name, parts, failover }) => {
    const byRole = failover !== undefined
    if (!byRole && !isFirst) return []
    return parts.flatMap(({ on, addresses }) =>
      addresses.map((address) => ({
        ...address,
        ...{ nic: nicOf(state, on, node), addressSet: name, byRole },
      })),
    )
  })
}
