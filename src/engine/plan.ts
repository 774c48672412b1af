// From names to numbers: an EngineSpec resolved to the packet path's shape and to a table a pool. Pure. Servers (from 1)
// and services keep the numbers that they had in the generation before (ids.ts), so numbers differ between nodes;
// tables depend on names and weights alone and are the same on every node. A server of no pool that a service uses has
// a number as long as it had one in the generation before: flows may be with it, and they keep it.
// Each interface has a shape of its own, all over the same memory.

import { createHash } from 'node:crypto'
import { formatIp } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { entriesFor } from '../dataplane/flow-record.ts'
import { type Clock, type ListenerShape, type Shape, STATELESS } from '../dataplane/shape.ts'
import { type Member, sortMembers, tableSize } from '../schedule/maglev.ts'
import { buildTable, type Table } from '../schedule/ranks.ts'
import type { EngineInterface, EngineSpec } from './engine.ts'
import { type Ids, INTERFACE_IDS, keepIds, SERVER_IDS, SERVICE_IDS } from './ids.ts'
import { longestIdle } from './lives.ts'
import { pickerOf } from './picker.ts'

/** PlannedPool: a pool's tables, and who is in them. */
export interface PlannedPool {
  readonly name: string
  readonly table: Table
  /** Of its sorry servers, with as many slots; absent where it has none. */
  readonly sorry?: Table
  /** The table's members, and behind them the sorry ones. */
  readonly members: readonly Member[]
  /** The server id of each of these. */
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

/** Before: what a plan takes over: the numbers, and tables that are made already. */
export interface Before {
  readonly ids: Numbered
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

const tableKey = (members: readonly Member[], slots: number): string =>
  JSON.stringify([slots, members.map(({ name, weight }) => [name, weight])])

const asMember = ({ server, weight }: { readonly server: string; readonly weight: number }): Member => ({
  name: server,
  weight,
})

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
  makeTable: (members: readonly Member[], slots: number) => Table = buildTable,
): Plan {
  const made = before?.pools?.flatMap(({ table, sorry }) => [table, ...(sorry ? [sorry] : [])]) ?? []
  const tables = new Map(made.map((table) => [tableKey(table.members, table.slots), table]))
  const tableOf = (members: readonly Member[], slots = tableSize(members.length)): Table => {
    const key = tableKey(sortMembers(members), slots)
    const table = tables.get(key) ?? makeTable(members, slots)
    tables.set(key, table)
    return table
  }
  const used = new Set(spec.services.map(({ pool }) => pool))
  const pools = spec.pools.filter(({ name }) => used.has(name))
  const ids = numbersOf(
    spec,
    new Set(pools.flatMap(({ members, sorry = [] }) => [...members, ...sorry].map(({ server }) => server))),
    before,
  )
  const servers = ids.servers.map((key) => key?.slice(0, key.lastIndexOf(' ')))
  const idOf = new Map(servers.flatMap((name, id) => (name === undefined ? [] : [[name, id] as const])))
  const planned = pools.map(({ name, members: asked, sorry: askedSorry = [] }): PlannedPool => {
    const table = tableOf(asked.map(asMember))
    const sorry = askedSorry.length > 0 ? tableOf(askedSorry.map(asMember), table.slots) : undefined
    const members = [...table.members, ...(sorry?.members ?? [])]
    const ids = members.map((member) => {
      const id = idOf.get(member.name)
      invariant(id !== undefined, `pool ${name}: unknown server ${member.name}`)
      return id
    })
    return { name, table, ...(sorry && { sorry }), members, ids }
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
      flows: { entries: entriesFor(spec.limits.flows), newFlows: spec.limits.newFlows, clock, idle },
    }),
    cpus: 2 ** Math.ceil(Math.log2(cpus)),
  }
  const interfaces = interfacesOf(spec, ids, shared, veth)
  const of = { pools: planned, poolAt: poolOf, services, servers, idOf, ids }
  return { spec, interfaces, shape: interfaces[0]!.shape, ...of }
}

/** interfacesOf: a shape for each, from what all have in common. */
function interfacesOf(
  { interfaces, turn }: EngineSpec,
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
      ...(veth !== undefined && {
        turn: { ifindex: veth, addresses: own(each.name).map(({ address }) => address) },
      }),
      ...shared,
    },
  }))
}

/** shapesOf: the shape for each interface alone, without the time that tables take. */
export const shapesOf = (spec: EngineSpec, machine: Machine): readonly PlannedInterface[] =>
  planOf(spec, machine, undefined, blankTable).interfaces

function blankTable(pool: readonly Member[], slots: number): Table {
  const none = new Uint16Array()
  return {
    members: sortMembers(pool),
    slots,
    owner: none,
    second: none,
    marks: new Int32Array(),
  }
}

/** fingerprint of bytes, for telling whether what runs is what would be made. */
export const fingerprint = (...parts: readonly (Uint8Array | string)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
