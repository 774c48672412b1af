// From names to numbers: an EngineSpec resolved to the packet path's shape and to a table a pool. Pure. Servers (from 1)
// and services keep the numbers that they had in the generation before (ids.ts), so numbers differ between nodes;
// tables depend on names and weights alone and are the same on every node. A server of no pool that a service uses has
// a number as long as it had one in the generation before: flows may be with it, and they keep it.
// Each interface has a shape of its own, all over the same memory.

import { createHash } from 'node:crypto'
import { formatIp } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { entriesFor } from '../dataplane/flow-record.ts'
import { recordsFor, usualMemory } from '../dataplane/record.ts'
import { type Clock, type ListenerShape, type Shape, STATELESS } from '../dataplane/shape.ts'
import { virtualMacOf } from '../dataplane/virtual-mac.ts'
import { defenceShapeOf } from './defence-shape.ts'
import type { EngineInterface, EngineSpec } from './engine.ts'
import { FRESH } from './fresh.ts'
import { type Ids, INTERFACE_IDS, keepIds, SERVER_IDS, SERVICE_IDS } from './ids.ts'
import { longestIdle } from './lives.ts'
import { pickerOf } from './picker.ts'
import { blankTables, type PoolTables, type TablesOf, tablesFrom } from './pool-tables.ts'

/** PlannedPool: a pool's tables, and who is in them. */
export interface PlannedPool extends PoolTables {
  readonly name: string
  /** The server id of each member. */
  readonly ids: readonly number[]
}

/** PlannedService: `at` is its place in the spec's list. */
export interface PlannedService {
  readonly name: string
  readonly pool: number
  readonly at: number
}

/** PlannedInterface: an interface, its number, and the shape of the program that goes there. */
export interface PlannedInterface extends EngineInterface {
  readonly number: number
  readonly shape: Shape
}

/** Plan: a spec as the packet path wants it. */
export interface Plan {
  readonly spec: EngineSpec
  /** In the spec's order. Their shapes differ in what the interface is, on which no map depends. */
  readonly interfaces: readonly PlannedInterface[]
  /** Of the first interface: for what all have in common. */
  readonly shape: Shape
  readonly pools: readonly PlannedPool[]
  /** By name: a pool's place among them. */
  readonly poolAt: ReadonlyMap<string, number>
  /** By index; undefined: nobody has that number. */
  readonly services: readonly (PlannedService | undefined)[]
  /** Names by id; undefined: nobody has that id, as [0]. */
  readonly servers: readonly (string | undefined)[]
  /** The id of each server by its name. */
  readonly idOf: ReadonlyMap<string, number>
  readonly ids: Numbered
}

/** Numbered: who has which number, as the generations after want it. A server is its name and its address. */
export interface Numbered {
  readonly servers: Ids
  readonly services: Ids
  readonly interfaces: Ids
}

/** Before: what a plan takes over: the numbers, and where this daemon made it, tables. */
export interface Before {
  readonly ids: Numbered
  readonly spec?: EngineSpec
  readonly pools?: readonly PlannedPool[]
}

/**
 * Machine: what a plan depends on beside the spec: possible CPUs, the clock of the packet path, the index of the veth that
 * answers to checks through service addresses go into, where there is one.
 */
export interface Machine {
  readonly cpus: number
  readonly clock: Clock
  readonly veth?: number
}

/** JUMBO_MTU: from here on a frame may not fit one page with its headroom, and XDP sees it in several buffers. */
const JUMBO_MTU = 3_400

/** serverKey: what makes a server the same one in two generations. */
export const serverKey = (name: string, address: string): string => `${name} ${address}`

function numbersOf(
  { interfaces, services, servers }: EngineSpec,
  used: ReadonlySet<string>,
  before?: Before,
): Numbered {
  const known = new Set(before?.ids.servers)
  const keys = servers
    .map(({ name, address }) => ({ name, key: serverKey(name, formatIp(address)) }))
    .filter(({ name, key }) => used.has(name) || known.has(key))
    .map(({ key }) => key)
  return {
    servers: keepIds(keys, before?.ids.servers ?? [], SERVER_IDS),
    services: keepIds(
      services.map(({ name }) => name),
      before?.ids.services ?? [],
      SERVICE_IDS,
    ),
    interfaces: keepIds(
      interfaces.map(({ name }) => name),
      before?.ids.interfaces ?? [],
      INTERFACE_IDS,
    ),
  }
}

/**
 * planOf resolves the spec. Numbers are kept from what was `before`, and tables where members
 * are the same; pools with the same members share one. Unknown names are bugs: config/ has checked them. Throws
 * IDS_EXHAUSTED.
 */
export function planOf(
  spec: EngineSpec,
  { cpus, clock, veth }: Machine,
  before?: Before,
  tablesOf: TablesOf = tablesFrom(madeBefore(before)),
): Plan {
  const pools = usedPools(spec)
  const members = new Set<string>()
  for (const { members: own, sorry = [] } of pools)
    for (const list of [own, sorry]) for (const { server } of list) members.add(server)
  const ids = numbersOf(spec, members, before)
  const servers = ids.servers.map((key) => key?.slice(0, key.lastIndexOf(' ')))
  const idOf = new Map(servers.flatMap((name, id) => (name === undefined ? [] : [[name, id] as const])))
  const planned = pools.map((pool): PlannedPool => {
    const { table, sorry, members } = tablesOf(pool)
    const ids = members.map((member) => {
      const id = idOf.get(member.name)
      invariant(id !== undefined, `pool ${pool.name}: unknown server ${member.name}`)
      return id
    })
    return { name: pool.name, table, ...(sorry && { sorry }), members, ids }
  })
  const poolOf = new Map(planned.map(({ name }, index) => [name, index]))
  const places = new Map(spec.services.map(({ name }, at) => [name, at]))
  const services = ids.services.map((name): PlannedService | undefined => {
    if (name === undefined) return undefined
    const at = places.get(name)!
    const pool = poolOf.get(spec.services[at]!.pool)
    invariant(pool !== undefined, `service ${name}: unknown pool ${spec.services[at]!.pool}`)
    return { name, pool, at }
  })
  const indexOf = new Map(
    services.flatMap((service, index) => (service ? [[service.name, index] as const] : [])),
  )
  const listeners = spec.services.flatMap(({ name, listeners }): ListenerShape[] => {
    const service = indexOf.get(name)!
    const { pool } = services[service]!
    return listeners.map((listener) => ({ ...listener, service, pool }))
  })
  const idle = longestIdle(spec)
  const specOf = new Map(pools.map((pool) => [pool.name, pool]))
  const blocks = 2 ** Math.ceil(Math.log2(cpus))
  const recorder = spec.defence?.recorder
  const defence = defenceShapeOf(spec, services)
  const shared = {
    listeners,
    services: services.map((service) => {
      if (!service) return STATELESS
      const wanted = spec.services[service.at]!
      const { track, onFailure, hash, nat, persistence } = wanted
      const picker = pickerOf(wanted, specOf.get(wanted.pool)!)
      const base = { track, onFailure, hash, ...(picker && { picker }) }
      return { ...base, ...(nat && { nat }), ...(persistence && { persistence }) }
    }),
    servers: servers.length - 1,
    pools: planned.map(({ table }) => table.slots),
    clock,
    ...(idle && {
      flows: {
        ...{ entries: entriesFor(spec.limits.flows), newFlows: spec.limits.newFlows, clock, idle },
        ...(spec.isTold && { fresh: FRESH }),
      },
    }),
    ...(defence && { defence }),
    ...(recorder && { recorder: { records: recordsFor(recorder.memory ?? usualMemory(blocks), blocks) } }),
    cpus: blocks,
  }
  const interfaces = interfacesOf(spec, ids, shared, veth)
  const of = { pools: planned, poolAt: poolOf, services, servers, idOf, ids }
  return { spec, interfaces, shape: interfaces[0]!.shape, ...of }
}

/** interfacesOf: a shape for each, from what all have in common. */
function interfacesOf(
  { interfaces, turn, virtual, unaccepted }: EngineSpec,
  { interfaces: ids }: Numbered,
  shared: Omit<Shape, 'mac' | 'own' | 'others' | 'jumbo'>,
  veth: number | undefined,
): PlannedInterface[] {
  const own = (name: string) => turn?.addresses.filter(({ on }) => on === name) ?? []
  const all = interfaces.map((each) => ({ ...each, number: ids.indexOf(each.name) }))
  return all.map((each) => ({
    ...each,
    shape: {
      mac: each.mac,
      own: each.number,
      others: all
        .filter(({ number }) => number !== each.number)
        .map(({ number, index, mac }) => ({ number, ifindex: index, mac })),
      jumbo: each.mtu > JUMBO_MTU,
      ...(virtual && {
        virtual: virtual
          .filter(({ on }) => on === each.name)
          .map(({ family, vrid }) => virtualMacOf({ ifindex: each.index, family, vrid })),
      }),
      ...(unaccepted && { unaccepted }),
      ...(veth !== undefined && {
        turn: { ifindex: veth, addresses: own(each.name).map(({ address }) => address) },
      }),
      ...shared,
    },
  }))
}

const addresses = new WeakMap<Plan, ReadonlyMap<string, string>>()

/** addressesIn a plan: of its servers, as text, by their names; made once. */
export function addressesIn(plan: Plan): ReadonlyMap<string, string> {
  const known =
    addresses.get(plan) ??
    new Map(plan.spec.servers.map(({ name, address }) => [name, formatIp(address)] as const))
  addresses.set(plan, known)
  return known
}

/** shapesOf: the shape for each interface alone, without the time that tables take. */
export const shapesOf = (spec: EngineSpec, machine: Machine): readonly PlannedInterface[] =>
  planOf(spec, machine, undefined, blankTables).interfaces

/** usedPools: those that some service has, in the spec's order: a plan's. */
function usedPools({ services, pools }: EngineSpec): EngineSpec['pools'] {
  const used = new Set(services.map(({ pool }) => pool))
  return pools.filter(({ name }) => used.has(name))
}

const madeBefore = (before: Before | undefined) =>
  before?.spec && before.pools && { asked: usedPools(before.spec), made: before.pools }

/** fingerprint of bytes, for telling whether what runs is what would be made. */
export const fingerprint = (...parts: readonly (Uint8Array | string)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
