// What runs, as the daemon remembers it, and what it tells of it: one Status from the file, the machine and the
// packet path. Pure: everything is handed in.

import { formatIp, formatListener } from '../base/addresses.ts'
import type { DesiredState } from '../config/state.ts'
import type { EngineStatus, Traffic } from '../engine/engine.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import { isUsable, type Link } from '../netlink/links.ts'
import type { Status } from './api-schema.ts'
import type { Placement } from './placement.ts'
import type { Owned } from './record.ts'

/** Running: what was applied last. */
export interface Running {
  readonly desired: DesiredState
  readonly placement: Placement
  readonly appliedAt: Date
}

/** Observed: the machine and the packet path at the moment of asking. `link`: the NIC, if it is there. */
export interface Observed {
  readonly link: Link | undefined
  readonly addresses: readonly InterfaceAddress[]
  readonly own: readonly Owned[]
  readonly engine: EngineStatus
}

/** RunningStatus: the part of Status that comes of what runs. */
export type RunningStatus = Required<Pick<Status, 'node' | 'interface' | 'program'>> &
  Pick<Status, 'addresses' | 'services' | 'servers' | 'outcomes'>

/** nothingRuns: the same part while nothing is applied. */
export const nothingRuns: Pick<Status, 'addresses' | 'services' | 'servers' | 'outcomes'> = {
  addresses: [],
  services: [],
  servers: [],
  outcomes: {},
}

/** runningStatus tells of what runs. */
export function runningStatus({ desired, placement }: Running, observed: Observed): RunningStatus {
  const { engine, link } = observed
  const { mode, memoryBytes, program } = engine
  const { name, index, mac, mtu } = link ?? placement.link
  const pools = new Map(desired.pools.map((each) => [each.name, each.members]))
  const services = new Map(engine.services.map((each) => [each.name, each]))
  const servers = new Map(engine.servers.map((each) => [each.name, each]))
  return {
    node: placement.node,
    interface: {
      name,
      index,
      mac: mac ?? placement.link.mac,
      mtu,
      up: link !== undefined && isUsable(link),
      mode,
    },
    program: { engine: engine.engine, ...program, memoryBytes },
    addresses: placement.held.map(({ address, prefix, nic }) => ({
      address: formatIp(address),
      prefix,
      interface: nic,
      present: observed.addresses.some((each) => each.address === address),
      owned: observed.own.some((each) => each.address === address),
    })),
    services: desired.services.map(({ name, listeners, pool }) => ({
      name,
      listeners: listeners.map(formatListener),
      pool,
      servers: (pools.get(pool) ?? []).map(({ server, weight }) => ({ name: server, weight })),
      ...trafficOf(services.get(name)),
    })),
    servers: placement.spec.servers.map(({ name, address }) => {
      const found = servers.get(name)
      return {
        name,
        address: formatIp(address),
        ...found?.neighbour,
        share: found?.share ?? 0,
        ...trafficOf(found),
      }
    }),
    outcomes: Object.fromEntries(Object.entries(engine.outcomes).map(([name, count]) => [name, `${count}`])),
  }
}

const trafficOf = (found: Traffic | undefined): { packets: string; bytes: string } => ({
  packets: `${found?.packets ?? 0n}`,
  bytes: `${found?.bytes ?? 0n}`,
})
