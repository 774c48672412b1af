// The tenbin.yaml of a lab: as short as such a file gets. Pure text, made from the Topology. A service has servers of one address family, so a lab with IPv6
// has a second service, and each server a second name there: six01 is web01.

import { RHYTHM, type Rhythm } from '../config/check-spec.ts'
import {
  type LabForward,
  type LabNode,
  nodesOf,
  PREFIX_LENGTH,
  PREFIX_LENGTH6,
  type Topology,
} from './topology.ts'

/** SERVICE_PORT: where the lab's service listens, and its web servers. */
export const SERVICE_PORT = 80

/** LAB_RHYTHM: of the lab's checks, in ms: quick, for a demo that is to be short. */
export const LAB_RHYTHM: Rhythm = { ...RHYTHM, everyMs: 500, inDoubtMs: 500, timeoutMs: 500, fall: 2 }
/** VRID: of the pair's virtual routers. */
const VRID = 51
/** ADVERT_MS: between its adverts: the other one takes over after three of them and a little. */
export const ADVERT_MS = 100
/** How the second service reaches the web server, whose port is another one. */
const NAT_TO_WEB = `nat\n    server_port: ${SERVICE_PORT}`
const CHECK = '{ http: /, every: 500ms, timeout: 500ms, fall: 2 }'

/** KEPT_PORT: where a second service listens, of the last server alone, by nat: for a connection that is kept open. */
export const KEPT_PORT = 8080

/** LabFileOptions: absent: what the topology is. */
export interface LabFileOptions {
  /** without: servers that the service does not have, by IPv4 names. */
  readonly without?: readonly string[]
  readonly forward?: LabForward
  /** failover: with it the nodes of a pair are named, and its addresses move; without it they are the first one's. */
  readonly failover?: boolean
  /** kept: the second service is there. */
  readonly kept?: boolean
}

/** labFile: the text of the file, and a service of all servers but some. */
export function labFile(topology: Topology, options: LabFileOptions = {}): string {
  const { without = [], forward = topology.forward, failover = true, kept = false } = options
  const servers = nodesOf(topology, 'server')
  const [service, service6] = [topology.serviceAddresses[0]!, topology.serviceAddresses6[0]]
  const addresses = (of: (node: LabNode) => string) =>
    range(of(servers[0]!), of(servers.at(-1)!), /[0-9a-f]+$/)
  const names = (name: (node: LabNode) => string) => ({
    all: range(name(servers[0]!), name(servers.at(-1)!), /\d+$/),
    wanted: ranges(servers.map((node) => (without.includes(node.name) ? undefined : name(node)))),
  })
  const [web, six] = [names(({ name }) => name), names(({ name }) => name.replace('web', 'six'))]
  const serviceLines = (name: string, listen: string, wanted: readonly string[], how: string) => `  ${name}:
    listen: [${listen}]
    servers: ${wanted.length === 1 ? wanted[0] : `[${wanted.join(', ')}]`}
    forward: ${how}
    check: ${CHECK}
`
  const services = [
    serviceLines('www', `${service}:${SERVICE_PORT}`, web.wanted, forward),
    ...(service6 === undefined
      ? []
      : [serviceLines('www6', `"[${service6}]:${SERVICE_PORT}"`, six.wanted, forward)]),
    ...(kept ? [serviceLines('talk', `${service}:${KEPT_PORT}`, [servers.at(-1)!.name], NAT_TO_WEB)] : []),
  ]
  return `${head(topology, failover)}

servers:
  ${web.all}: ${addresses(({ address }) => address)}
${service6 === undefined ? '' : `  ${six.all}: ${addresses(({ address6 }) => address6!)}\n`}
services:
${services.join('')}`
}

/** head: the file's first sections. */
function head(topology: Topology, failover: boolean): string {
  const { router, serviceAddresses, serviceAddresses6 } = topology
  const balancers = nodesOf(topology, 'balancer')
  const isPair = router !== undefined && failover
  const nodes = (isPair ? balancers : balancers.slice(0, 1)).map(({ name, address }) => `${name}: ${address}`)
  // By the back network they meet when the front one is cut.
  const also = balancers.map(({ name, second }) => `${name}: ${second?.address}`)
  const list = (four: string | undefined, six: string | undefined) =>
    [
      ...(four === undefined ? [] : [`${four}/${PREFIX_LENGTH}`]),
      ...(six === undefined ? [] : [`"${six}/${PREFIX_LENGTH6}"`]),
    ].join(', ')
  const front = list(serviceAddresses[0], serviceAddresses6[0])
  const back = router && list(router.address, router.address6)
  const ips =
    router?.address6 === undefined
      ? `ips: { lan: [${front}], back: [${back}] }`
      : `ips:\n      lan: [${front}]\n      back: [${back}]`
  return `nodes: { ${nodes.join(', ')} }
${isPair ? `cluster: { also: { ${also.join(', ')} } }\n` : ''}interfaces: { lan: eth0${router ? ', back: eth1' : ''} }

addresses:
  front:${router ? `\n    ${ips}` : ` { on: lan, ips: [${front}] }`}${isPair ? failoverLines(balancers[0]!) : ''}`
}

const failoverLines = ({ name }: LabNode): string => `
    vrid: ${VRID}
    prefer: ${name}
    advert: ${ADVERT_MS}ms`

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
