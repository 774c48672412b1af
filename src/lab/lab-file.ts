// The tenbin.yaml of a lab: as short as such a file gets. Pure text, made from the Topology; `without` leaves
// servers out of the services, not out of the inventory. A service has servers of one address family, so a lab with IPv6
// has a second service, and each server a second name there: six01 is web01.

import { RHYTHM, type Rhythm } from '../config/check-spec.ts'
import { type LabNode, nodesOf, PREFIX_LENGTH, PREFIX_LENGTH6, type Topology } from './topology.ts'

/** SERVICE_PORT: where the lab's service listens, and its web servers. */
export const SERVICE_PORT = 80

/** LAB_RHYTHM: of the lab's checks, in ms: quick, for a demo that is to be short. */
export const LAB_RHYTHM: Rhythm = { ...RHYTHM, everyMs: 500, inDoubtMs: 500, timeoutMs: 500, fall: 2 }
const CHECK = '{ http: /, every: 500ms, timeout: 500ms, fall: 2 }'

/** labFile: the text of the file, for one node ("lb1") and a service of all servers but `without`, by IPv4 names. */
export function labFile(topology: Topology, without: readonly string[] = []): string {
  const [balancer] = nodesOf(topology, 'balancer')
  const servers = nodesOf(topology, 'server')
  const [service, service6] = [topology.serviceAddresses[0]!, topology.serviceAddresses6[0]]
  const addresses = (of: (node: LabNode) => string) =>
    range(of(servers[0]!), of(servers.at(-1)!), /[0-9a-f]+$/)
  const names = (name: (node: LabNode) => string) => ({
    all: range(name(servers[0]!), name(servers.at(-1)!), /\d+$/),
    wanted: ranges(servers.map((node) => (without.includes(node.name) ? undefined : name(node)))),
  })
  const [web, six] = [names(({ name }) => name), names(({ name }) => name.replace('web', 'six'))]
  const serviceLines = (name: string, listen: string, wanted: readonly string[]) => `  ${name}:
    listen: [${listen}]
    servers: ${wanted.length === 1 ? wanted[0] : `[${wanted.join(', ')}]`}
    forward: ${topology.forward}
    check: ${CHECK}
`
  const [ip, ip6] = [`${service}/${PREFIX_LENGTH}`, `${service6}/${PREFIX_LENGTH6}`]
  return `nodes: { ${balancer!.name}: ${balancer!.address} }
interfaces: { lan: eth0 }

addresses:
  front: { on: lan, ips: [${service6 === undefined ? ip : `${ip}, "${ip6}"`}] }

servers:
  ${web.all}: ${addresses(({ address }) => address)}
${service6 === undefined ? '' : `  ${six.all}: ${addresses(({ address6 }) => address6!)}\n`}
services:
${serviceLines('www', `${service}:${SERVICE_PORT}`, web.wanted)}${
  service6 === undefined ? '' : serviceLines('www6', `"[${service6}]:${SERVICE_PORT}"`, six.wanted)
}`
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
