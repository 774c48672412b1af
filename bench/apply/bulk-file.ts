// A file of very many services, each with a pool of its own, no two with the same servers.

import { nodesOf, type Topology } from '../../src/lab/topology.ts'

/** BulkFile: how large it is. `weight`: of the first service's first server; `more`: servers that it has beyond the others. */
export interface BulkFile {
  readonly services: number
  readonly servers: number
  readonly weight?: number
  readonly more?: number
  /** inventory: servers in the file, without those; as many as a pool has at least. */
  readonly inventory?: number
}

/** WEIGHT: from here on a weight makes the first service's pool no other one's. */
export const WEIGHT = 100

/** bulkFile: its text; of several nodes all share the file, and the first has the addresses while it lives. */
export function bulkFile(
  topology: Topology,
  { services, servers, weight = WEIGHT, more = 0, inventory = INVENTORY }: BulkFile,
): string {
  const nodes = nodesOf(topology, 'balancer')
  const [address] = topology.serviceAddresses
  const starts = inventory - servers + 1
  const all = bulkAddresses(inventory + more)
  const lines = Array.from({ length: services }, (_, i) => {
    const start = (i % starts) + 1
    const first = `{ name: s${start}, weight: ${i === 0 ? weight : Math.floor(i / starts) + 1} }`
    const extra = i === 0 && more > 0 ? `, s${inventory + 1}..${inventory + more}` : ''
    const list = `[${first}, s${start + 1}..${start + servers - 1}${extra}]`
    return `  v${i}: { listen: ["${address}:${1000 + i}"], servers: ${list} }`
  })
  const ips = `[${topology.serviceAddresses.map((each) => `${each}/16`).join(', ')}]`
  const failover = nodes.length > 1 ? `, vrid: 51, prefer: ${nodes[0]!.name}, advert: 100ms` : ''
  return `
nodes: { ${nodes.map(({ name, address }) => `${name}: ${address}`).join(', ')} }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: ${ips}${failover} } }
servers: { s1..${all.length}: ${all[0]}..${all.at(-1)} }
defaults: { forward: dsr, check: none }
services:
${lines.join('\n')}
`
}

/** INVENTORY: a kernel keeps 1,024 neighbours, of all its namespaces, where nobody has raised that (gc_thresh3). */
export const INVENTORY = 500

/** bulkAddresses of so many servers, from 10.0.16.1 on. */
export const bulkAddresses = (servers: number): readonly string[] =>
  Array.from({ length: servers }, (_, i) => {
    const host = (16 << 8) + i + 1
    return `10.0.${host >> 8}.${host & 0xff}`
  })
