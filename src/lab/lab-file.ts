// The tenbin.yaml of a lab: as short as such a file gets. Pure text, made from the Topology; `without` leaves
// servers out of the service, not out of the inventory.

import { nodesOf, PREFIX_LENGTH, type Topology } from './topology.ts'

/** SERVICE_PORT: where the lab's service listens, and its web servers. */
export const SERVICE_PORT = 80

/** labFile: the text of the file, for one node ("lb1") and one service of all servers but `without`. */
export function labFile(topology: Topology, without: readonly string[] = []): string {
  const [balancer] = nodesOf(topology, 'balancer')
  const [service] = topology.serviceAddresses
  const servers = nodesOf(topology, 'server')
  const addresses = range(servers[0]!.address, servers.at(-1)!.address, /\d+$/)
  const wanted = ranges(
    servers.map(({ name }) => name).map((name) => (without.includes(name) ? undefined : name)),
  )
  return `nodes: { ${balancer!.name}: ${balancer!.address} }
interfaces: { lan: eth0 }

addresses:
  front: { on: lan, ips: [${service}/${PREFIX_LENGTH}] }

servers:
  ${range(servers[0]!.name, servers.at(-1)!.name, /\d+$/)}: ${addresses}

services:
  www:
    listen: [${service}:${SERVICE_PORT}]
    servers: ${wanted.length === 1 ? wanted[0] : `[${wanted.join(', ')}]`}
    forward: dsr
    check: none
`
}

/** ranges: consecutive names as FIRST..NUMBER; undefined breaks a range. */
function ranges(names: readonly (string | undefined)[]): string[] {
  const runs: string[][] = [[]]
  for (const name of names) {
    if (name === undefined) runs.push([])
    else runs.at(-1)!.push(name)
  }
  return runs.filter((run) => run.length > 0).map((run) => range(run[0]!, run.at(-1)!, /\d+$/))
}

const range = (first: string, last: string, end: RegExp): string =>
  first === last ? first : `${first}..${end.exec(last)![0]}`
