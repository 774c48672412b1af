// Those who stand between a flood and two web servers, each in a lab of its own. `none` and `syncookies` are a balancer without
// a defence, in front of servers without or with the kernel's SYN cookies; `nft-synproxy` is a router that answers SYNs
// itself and goes on with whoever answered it; the others are tenbin with a defence, whose servers have no cookies.
//
//   client ---+--- lb1: tenbin (dsr or nat), or the router
//   attack ---'      '--- web01, web02: nginx

import { Lab } from '../../src/lab/held-lab.ts'
import { passAll } from '../../src/lab/pass-program.ts'
import { endProcesses, processesIn } from '../../src/lab/processes.ts'
import { batch, runIn, writeSysctls } from '../../src/lab/run.ts'
import { instanceName, type LabForward, type LabNode, nodesOf } from '../../src/lab/topology.ts'
import { namespacePath } from '../../src/sys/named-namespace.ts'
import { serverNames, tenbinFile } from '../../test/scenario/support/file.ts'
import { startNginx } from '../../test/scenario/support/nginx.ts'
import { Tenbin } from '../../test/scenario/support/tenbin.ts'
import { type Cpus, placeNetwork, placeProcesses } from './placement.ts'

const PORT = 80

/** Kind: how one is made. `cookies`: of the servers (net.ipv4.tcp_syncookies). `defence`: tenbin's, as the file has it. */
interface Kind {
  readonly forward: LabForward
  readonly cookies: boolean
  readonly defence?: object | 'off'
  readonly isRouter?: true
}

/** PROOF: asked for by itself, sooner than usual: two servers have room for a few thousand half-open connections. */
const PROOF = { above: '1000/s', below: '500/s', hold: '2s' } as const

/** KINDS, in the order of bench.md. */
export const KINDS = {
  none: { forward: 'dsr', cookies: false, defence: 'off' },
  syncookies: { forward: 'dsr', cookies: true, defence: 'off' },
  'nft-synproxy': { forward: 'dsr', cookies: false, isRouter: true },
  rule: { forward: 'dsr', cookies: false, defence: { rules: { 'bare-syn': 'drop' }, proof: 'off' } },
  'proof-dsr': { forward: 'dsr', cookies: false, defence: { proof: PROOF } },
  'proof-nat': { forward: 'nat', cookies: false, defence: { proof: PROOF } },
} as const satisfies Readonly<Record<string, Kind>>
export type Who = keyof typeof KINDS
export const WHO = Object.keys(KINDS) as readonly Who[]

/** Contender: ready; `address`: of its service. */
export interface Contender {
  readonly who: Who
  readonly lab: Lab
  readonly address: string
}

/** startContender in a lab of its own. */
export async function startContender(who: Who, cpus: Cpus): Promise<Contender> {
  const kind: Kind = KINDS[who]
  const lab = await Lab.hold({ prefix: 'bench', servers: 2, forward: kind.forward })
  try {
    const [address] = lab.topology.serviceAddresses as [string]
    for (const { namespace } of nodesOf(lab.topology, 'server'))
      writeSysctls(namespace, {
        'net/ipv4/tcp_syncookies': kind.cookies ? '1' : '0',
        // Whom it has served before a server prefers when its queue is full (tcp_peer_is_proven): users are others each time.
        'net/ipv4/tcp_no_metrics_save': '1',
      })
    await placeNetwork(lab.topology, cpus)
    await serve(lab, cpus)
    if (kind.isRouter) await startRouter(lab, address)
    else await startTenbin(lab, address, kind)
    return { who, lab, address }
  } catch (error) {
    await lab[Symbol.asyncDispose]()
    throw error
  }
}

/** serveAnew: what waits in the servers' queues is gone, for a listening socket takes its half-open connections with it. */
export async function serveAnew({ lab }: Contender, cpus: Cpus): Promise<void> {
  await endProcesses(
    processesIn(nodesOf(lab.topology, 'server').map(({ namespace }) => namespacePath(namespace))),
    0,
  )
  await serve(lab, cpus)
}

async function serve(lab: Lab, { ends }: Cpus): Promise<void> {
  await startNginx(lab)
  placeProcesses(lab.topology, 'server', ends)
}

async function startTenbin(lab: Lab, address: string, { forward, defence }: Kind): Promise<void> {
  const services = { www: { listen: [`${address}:${PORT}`], servers: serverNames(lab.topology), forward } }
  const tenbin = new Tenbin(lab)
  const file = JSON.parse(tenbinFile(lab.topology, services)) as object
  tenbin.write(JSON.stringify({ ...file, ...(defence && { defence }) }))
  await tenbin.start()
}

/**
 * startRouter: lb1 forwards to a server, whose answers come back through it; to one, because the route of SYNPROXY's own
 * SYNs is not by the flow's hash (ip_route_me_harder). A SYN is not tracked, and so gets to SYNPROXY, which begins a
 * connection with the server for whoever answers (nft(8)).
 */
async function startRouter(lab: Lab, address: string): Promise<void> {
  const [client] = nodesOf(lab.topology, 'client') as [LabNode]
  const [router] = nodesOf(lab.topology, 'balancer') as [LabNode]
  const servers = nodesOf(lab.topology, 'server')
  // As redirects of the switch's port want it: a program on this side, too.
  await passAll(router.namespace, ['eth0'], instanceName(lab.name, router.name))
  await runIn(router.namespace, ['ethtool', '-K', 'eth0', 'gro', 'off'])
  await runIn(router.namespace, ['nft', '-f', '-'], rules(address))
  writeSysctls(router.namespace, {
    'net/ipv4/ip_forward': '1',
    'net/ipv4/conf/all/send_redirects': '0',
    'net/ipv4/conf/eth0/send_redirects': '0',
    'net/ipv4/conf/all/rp_filter': '0',
    'net/ipv4/conf/eth0/rp_filter': '0',
    'net/ipv4/tcp_syncookies': '1',
    'net/netfilter/nf_conntrack_tcp_loose': '0',
    // A port that its one client uses again is otherwise that of a connection of before, and gets no answer.
    'net/netfilter/nf_conntrack_tcp_timeout_time_wait': '1',
  })
  await batch(router.namespace, [`route add ${address} via ${servers[0]!.address}`])
  for (const { namespace } of servers)
    await batch(namespace, [`route add ${client.address} via ${router.address}`])
  await batch(client.namespace, [`neigh replace ${address} lladdr ${router.mac} dev eth0 nud permanent`])
}

const rules = (address: string): string => `
table ip flood {
  chain untracked {
    type filter hook prerouting priority raw
    ip daddr ${address} tcp dport ${PORT} tcp flags & (fin|syn|rst|ack) == syn notrack
  }
  chain proxied {
    type filter hook forward priority filter
    ip daddr ${address} tcp dport ${PORT} ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
    ct state invalid drop
  }
}
`
