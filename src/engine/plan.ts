// From names to numbers: an EngineSpec resolved to the packet path's shape and to a table a pool. Pure, and the
// same for the same spec on every node: services and servers are numbered in the spec's order (servers from 1),
// tables depend on names and weights alone. Servers of no pool that a service uses are left out.

import { createHash } from 'node:crypto'
import { invariant } from '../base/errors.ts'
import type { ListenerShape, Shape } from '../dataplane/shape.ts'
import { type Member, sortMembers } from '../schedule/maglev.ts'
import { buildTable, type Table } from '../schedule/ranks.ts'
import type { EngineSpec } from './engine.ts'

/** PlannedPool: a pool's table and the server id of each of the table's members. */
export interface PlannedPool {
  readonly name: string
  readonly table: Table
  readonly ids: readonly number[]
}

/** Plan: a spec as the packet path wants it. */
export interface Plan {
  readonly spec: EngineSpec
  readonly shape: Shape
  readonly pools: readonly PlannedPool[]
  /** By index. */
  readonly services: readonly { readonly name: string; readonly pool: number }[]
  /** By id; [0] is nobody and has no name. */
  readonly servers: readonly string[]
}

/** JUMBO_MTU: from here on a frame may not fit one page with its headroom, and XDP sees it in several buffers. */
const JUMBO_MTU = 3_400

const memberKey = (members: readonly Member[]): string =>
  JSON.stringify(members.map(({ name, weight }) => [name, weight]))

/**
 * planOf resolves the spec. `cpus`: possible CPUs. Tables are taken from the plan `before` where members are the
 * same, and pools with the same members share one. Unknown names are bugs: config/ has checked them.
 */
export function planOf(spec: EngineSpec, cpus: number, before?: Plan): Plan {
  const tables = new Map(before?.pools.map(({ table }) => [memberKey(table.members), table]))
  const tableOf = (members: readonly Member[]): Table => {
    const key = memberKey(sortMembers(members))
    const table = tables.get(key) ?? buildTable(members)
    tables.set(key, table)
    return table
  }
  const used = new Set(spec.services.map(({ pool }) => pool))
  const pools = spec.pools.filter(({ name }) => used.has(name))
  const members = new Set(pools.flatMap((pool) => pool.members.map(({ server }) => server)))
  const servers = ['', ...spec.servers.map(({ name }) => name).filter((name) => members.has(name))]
  const idOf = new Map(servers.map((name, id) => [name, id]))
  const planned = pools.map(({ name, members }): PlannedPool => {
    const table = tableOf(members.map(({ server, weight }) => ({ name: server, weight })))
    const ids = table.members.map((member) => {
      const id = idOf.get(member.name)
      invariant(id !== undefined, `pool ${name}: unknown server ${member.name}`)
      return id
    })
    return { name, table, ids }
  })
  const poolOf = new Map(planned.map(({ name }, index) => [name, index]))
  const services = spec.services.map(({ name, pool }) => {
    const index = poolOf.get(pool)
    invariant(index !== undefined, `service ${name}: unknown pool ${pool}`)
    return { name, pool: index }
  })
  const listeners = spec.services.flatMap(({ listeners }, service): ListenerShape[] =>
    listeners.map(({ address, port, protocol }) => ({
      address,
      port,
      protocol,
      service,
      pool: services[service]!.pool,
    })),
  )
  const shape: Shape = {
    mac: spec.interface.mac,
    jumbo: spec.interface.mtu > JUMBO_MTU,
    listeners,
    services: spec.services.map(({ track, onFailure, hash }) => ({ track, onFailure, hash })),
    servers: servers.length - 1,
    pools: planned.map(({ table }) => table.slots),
    cpus: 2 ** Math.ceil(Math.log2(cpus)),
  }
  return { spec, shape, pools: planned, services, servers }
}

/** fingerprint of bytes, for telling whether what runs is what would be made. */
export const fingerprint = (...parts: readonly (Uint8Array | string)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
