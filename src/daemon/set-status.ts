// An address set as status tells of it: what the file says, what vrrp said last, what other nodes say themselves. Pure.

import { formatIp } from '../base/addresses.ts'
import { type AddressSet, addressesOf } from '../config/state.ts'
import { formatRoute } from '../netlink/static-routes.ts'
import type { SetStatus } from '../vrrp/protocol.ts'
import type { SetStatusAnswer } from './api-schema-roles.ts'
import type { PeerOfSet } from './peer-roles.ts'
import type { SetRole } from './roles.ts'

/** SetOfFile: an address set, on this node, and the services that listen on it. */
export interface SetOfFile {
  readonly set: AddressSet
  readonly node: string
  readonly services: readonly string[]
}

/** Known: of a set now. */
export interface Known {
  readonly role: SetRole | undefined
  readonly told: SetStatus | undefined
  readonly peers: readonly PeerOfSet[]
}

const timeText = (ms: number): string => new Date(ms).toISOString()

/** setStatus of one. */
export function setStatus({ set, node, services }: SetOfFile, { role, told, peers }: Known): SetStatusAnswer {
  const { failover } = set
  return {
    name: set.name,
    addresses: addressesOf(set).map(({ address, prefix }) => `${formatIp(address)}/${prefix}`),
    services: [...services],
    ...(role && { role: role.role, since: timeText(role.since) }),
    ...(role?.active !== undefined && { active: role.active }),
    ...(failover && {
      failover: {
        vrid: failover.vrid,
        version: failover.version,
        advertMs: failover.advertMs,
        configured: failover.priorities[node]!,
        routes: failover.routes.map(formatRoute),
        ...toldOf(told),
      },
      nodes: peers.map(({ peer, role: theirs }) => ({
        node: peer.name,
        ...(theirs && { role: theirs.role, since: timeText(theirs.since), priority: theirs.priority }),
        faults: [...(theirs?.faults ?? [])],
      })),
    }),
  }
}

function toldOf(
  told: SetStatus | undefined,
): Omit<NonNullable<SetStatusAnswer['failover']>, 'vrid' | 'version' | 'advertMs' | 'configured' | 'routes'> {
  if (!told)
    return { faults: [], tracks: [], unrouted: [], routers: [], counters: {}, refused: {}, remarked: {} }
  const { priority, faults, tracks, unrouted = [], heldUntil, routers, lateness } = told
  const { refused, remarked, ...counters } = told.counters
  return {
    priority,
    faults: faults.map((each) => ({ ...each })),
    tracks: tracks.map((each) => ({ ...each })),
    unrouted: [...unrouted],
    ...(heldUntil !== undefined && { heldUntil: timeText(heldUntil) }),
    routers: routers.map(({ name, nic, vrid, role, primary }) => ({
      ...{ name, nic, vrid, role },
      ...(primary !== undefined && { primary }),
    })),
    counters,
    refused,
    remarked,
    lateness: { counts: [...lateness.counts], sumMs: lateness.sumMs, worstMs: lateness.worstMs },
  }
}
