// What runs, as the daemon remembers it, and what it tells of it: one Status from the file, the machine and the
// packet path. Pure: everything is handed in.

import { type Endpoint, formatEndpoint, formatIp, formatListener, type Protocol } from '../base/addresses.ts'
import type { Steps } from '../base/steps.ts'
import type { DesiredState, SysctlState } from '../config/state.ts'
import { sysctlsOf } from '../config/sysctls.ts'
import type { EngineStatus, Neighbour, PoolServer, PoolStatus, Traffic } from '../engine/engine.ts'
import type { InterfaceAddress } from '../netlink/addresses.ts'
import { isUsable, type Link } from '../netlink/links.ts'
import type { Status, SysctlStatus } from './api-schema.ts'
import { type Override, type Standing, standingOf, type UsedPool } from './overrides.ts'
import type { EthernetLink, Placement } from './placement.ts'
import type { Rate, RateView } from './rates.ts'
import type { Owned } from './record.ts'
import type { CheckedServer, PoolQuorum } from './server-health.ts'

/** Running: what was applied last. */
export interface Running {
  readonly desired: DesiredState
  readonly placement: Placement
  readonly appliedAt: Date
}

/** wantedSysctls of what runs. */
export const wantedSysctls = ({ desired, placement }: Running): readonly SysctlState[] =>
  sysctlsOf(desired, placement.node)

/** Observed: the machine and the packet path at the moment of asking. `links`: the NICs that are there. */
export interface Observed {
  readonly links: readonly Link[]
  readonly addresses: readonly InterfaceAddress[]
  readonly own: readonly Owned[]
  readonly engine: EngineStatus
  readonly rates: RateView
  readonly overrides: readonly Override[]
  readonly sysctls: readonly SysctlStatus[]
  readonly pools: readonly UsedPool[]
  readonly health: {
    checked(pool: string, server: string): CheckedServer | undefined
    quorumOf(pool: string): PoolQuorum | undefined
  }
  readonly now: Date
}

/** RunningStatus: the part of Status that comes of what runs. */
export type RunningStatus = Required<Pick<Status, 'node' | 'program'>> &
  Pick<Status, Listed | 'flows' | 'events' | 'sysctls'>

type Listed = 'interfaces' | 'addresses' | 'services' | 'servers' | 'pools' | 'overrides' | 'outcomes'

/** askedOf: what a trace was asked, as text. */
export const askedOf = (client: Endpoint, listener: Endpoint, protocol: Protocol) => ({
  client: formatEndpoint(client),
  listener: formatListener({ ...listener, protocol }),
  protocol,
})

/** nothingRuns: the same part while nothing is applied. */
export const nothingRuns: Pick<Status, Listed> = {
  interfaces: [],
  addresses: [],
  services: [],
  servers: [],
  pools: [],
  overrides: [],
  outcomes: {},
}

/** runningSteps tells of what runs. */
export function* runningSteps({ desired, placement }: Running, observed: Observed): Steps<RunningStatus> {
  const { engine, rates } = observed
  const { generation, memoryBytes, maps, flows } = engine
  const members = new Map(desired.pools.map((each) => [each.name, each.members]))
  const ofService = new Map(engine.services.map((each) => [each.name, each]))
  const ofServer = new Map(engine.servers.map((each) => [each.name, each]))
  const used = new Map(observed.pools.map((each) => [each.name, each.services]))
  const services = yield* mapped(desired.services, ({ name, listeners, pool, track, persistence }) => ({
    name,
    listeners: listeners.map(formatListener),
    pool,
    servers: (members.get(pool) ?? []).map(({ server, weight }) => ({ name: server, weight })),
    track,
    flows: ofService.get(name)?.flows ?? 0,
    ...(persistence && { persistence: { ...persistence, networks: ofService.get(name)?.networks ?? 0 } }),
    ...trafficOf(ofService.get(name)),
    ...rateOf(rates.services.get(name)),
  }))
  const servers = yield* mapped(placement.spec.servers, ({ name, address }) => {
    const found = ofServer.get(name)
    return {
      name,
      address: formatIp(address),
      ...neighbourOf(found?.neighbour),
      share: found?.share ?? 0,
      flows: found?.flows ?? 0,
      ...trafficOf(found),
      ...rateOf(rates.servers.get(name)),
    }
  })
  const pools = yield* mapped(engine.pools, (pool) => poolOf(pool, used.get(pool.name) ?? [], observed))
  return {
    node: placement.node,
    interfaces: placement.links.map((placed) => interfaceOf(placed, observed)),
    program: { engine: engine.engine, generation, memoryBytes, maps: [...maps] },
    addresses: placement.held.map(({ address, prefix, nic, addressSet }) => ({
      address: formatIp(address),
      prefix,
      interface: nic,
      present: observed.addresses.some((each) => each.address === address),
      owned: observed.own.some((each) => each.address === address),
      set: addressSet,
    })),
    ...(observed.sysctls.length > 0 && { sysctls: [...observed.sysctls] }),
    services,
    servers,
    pools,
    overrides: observed.overrides.map(({ since, deadline, said: _, ...rest }) => ({
      ...rest,
      since: timeText(since),
      ...(deadline !== undefined && { deadline: timeText(deadline) }),
    })),
    ...(flows && {
      flows: { ...flowsOf(flows), ...(rates.newFlows !== undefined && { newPerS: rates.newFlows }) },
    }),
    outcomes: countsText(engine.outcomes),
    ...(engine.events && { events: countsText(engine.events) }),
  }
}

/** mapped: each of them is a step. */
function* mapped<Item, Result>(items: readonly Item[], told: (item: Item) => Result): Steps<Result[]> {
  const results: Result[] = []
  for (const item of items) {
    results.push(told(item))
    yield
  }
  return results
}

function interfaceOf(placed: EthernetLink, { links, engine }: Observed): Status['interfaces'][number] {
  const link = links.find((each) => each.name === placed.name)
  const { index, mac = placed.mac, mtu } = link ?? placed
  const program = engine.interfaces.find((each) => each.name === placed.name)!
  const { mode, programId, instructions, loadMs } = program
  const up = link !== undefined && isUsable(link)
  return { name: placed.name, index, mac, mtu, up, mode, programId, instructions, loadMs }
}

const trafficOf = (found: Traffic | undefined): { packets: string; bytes: string } => ({
  packets: `${found?.packets ?? 0n}`,
  bytes: `${found?.bytes ?? 0n}`,
})

const rateOf = (rate: Rate | undefined) => (rate ? { rate: { ...rate } } : {})

/** neighbourOf: `interface` is where the MAC is. */
const neighbourOf = (found: Neighbour | undefined) =>
  found && 'mac' in found ? { mac: found.mac, interface: found.on } : found
const countsText = (counts: Readonly<Record<string, bigint>>): Record<string, string> =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, `${count}`]))

const timeText = (ms: number): string => new Date(ms).toISOString()

const flowsOf = ({
  capacity,
  live,
  networks,
  closed,
  syn,
  established,
}: NonNullable<EngineStatus['flows']>) => ({
  capacity,
  live,
  networks,
  closed,
  syn,
  established,
})

function poolOf(
  { name, slots, young, isSorry, servers }: PoolStatus,
  services: readonly string[],
  { overrides, health, now }: Observed,
) {
  const quorum = health.quorumOf(name)
  return {
    name,
    services: [...services],
    ...(isSorry && { sorry: true as const }),
    ...(quorum && { quorum }),
    slots,
    young,
    servers: servers.map((server) =>
      poolServerOf(
        server,
        standingOf(overrides, server.name, services, now.getTime()),
        health.checked(name, server.name),
      ),
    ),
  }
}

function poolServerOf(
  { name, state, isSorry, weight, configured, share, flows, active, inactive, drain }: PoolServer,
  { order, isOverdue, since, deadline }: Standing,
  check: CheckedServer | undefined,
): Status['pools'][number]['servers'][number] {
  const isDisabled = order === 'disabled' || isOverdue
  return {
    name,
    state:
      state === 'failed' && isDisabled ? 'disabled' : state === 'draining' && drain?.done ? 'drained' : state,
    ...(isSorry && { sorry: true as const }),
    weight,
    configured,
    share,
    flows,
    ...(check && {
      check: {
        state: check.state,
        ...(check.since !== undefined && { since: timeText(check.since) }),
        ...(check.why !== undefined && { why: check.why }),
        ...(check.warning !== undefined && { warning: check.warning }),
        ...(check.isOverdue === true && { isOverdue: true }),
      },
    }),
    ...(active !== undefined && { active }),
    ...(inactive !== undefined && { inactive }),
    ...((drain || order === 'drained') && {
      drain: {
        ...(since !== undefined && { since: timeText(since) }),
        ...(deadline !== undefined && { deadline: timeText(deadline) }),
        ...(drain?.silentS !== undefined && { silentS: drain.silentS }),
      },
    }),
  }
}
