// What a client may be connected through to two web servers: nothing (`direct`, what all others are a share of), or one
// of those who balance. Each is started once, in a namespace of its own, and stays idle while others have their turn.
// haproxy and nginx pass bytes on (mode tcp, stream), with one thread or worker each, and as their packages build them.
//
//   client ---- switch -+- lb1: tenbin, which holds 10.0.0.100, by dsr
//                       |- lb2: tenbin, which holds 10.0.0.120, by nat: the client asks it from 10.0.1.200, for which the
//                       |       servers have lb2 as their router
//                       |- lb3: hop, which only sends on for 10.0.0.140 (hop.ts): the least that a way through costs here
//                       |- lb4: hop-both, the same for 10.0.0.160 and for the answers to 10.0.1.201: the least for nat
//                       |- client2: haproxy      a namespace like a client's: many source ports, used again at once;
//                       |- client3: nginx        and no program on its port of the switch, which would slow it down
//                       '- web01, web02: nginx

import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../src/lab/held-lab.ts'
import type { Command } from '../../src/lab/run.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { serverNames, tenbinFile } from '../../test/scenario/support/file.ts'
import { Tenbin } from '../../test/scenario/support/tenbin.ts'
import { startHop } from './hop.ts'

/** Contender: the address that reaches server 0, and the one that reaches server 1; through a balancer the same. */
export interface Contender {
  readonly who: string
  readonly addresses: readonly string[]
  /** forwarded: packets that it forwarded so far, where it counts them. */
  readonly forwarded?: () => Promise<number>
}

/** PROXIES: clients' namespaces beside the client itself. */
const [HAPROXY, NGINX] = ['client2', 'client3'] as const
export const TOPOLOGY = { servers: 2, clients: 3, balancers: 4 } as const
/** Where nat listens, on lb2, and from where the client asks it. */
const [NAT, NAT_CLIENT] = ['10.0.0.120', '10.0.1.200'] as const
/** What lb3 holds, what lb4 holds, and from where the client asks that. */
const [HOP, HOP_BOTH, HOP_CLIENT] = ['10.0.0.140', '10.0.0.160', '10.0.1.201'] as const
const PORT = 80
const START_MS = 10_000

/** balancers: who, and how it is started. */
const balancers: Readonly<Record<string, (lab: Lab) => Promise<Omit<Contender, 'who'>>>> = {
  'tenbin-dsr': async (lab) => {
    const [service] = lab.topology.serviceAddresses
    return startTenbin(lab, 'lb1', service!, 'dsr')
  },
  'tenbin-nat': async (lab) => {
    await bringBack(lab, 'lb2', NAT, NAT_CLIENT)
    return startTenbin(lab, 'lb2', NAT, 'nat')
  },
  hop: async (lab) => {
    await startHop(lab, 'lb3', HOP, { servers: nodesOf(lab.topology, 'server') })
    return { addresses: [HOP, HOP] }
  },
  'hop-both': async (lab) => {
    await bringBack(lab, 'lb4', HOP_BOTH, HOP_CLIENT)
    const { mac } = nodesOf(lab.topology, 'client').find(({ name }) => name === 'client')!
    const asker = { address: HOP_CLIENT, mac }
    await startHop(lab, 'lb4', HOP_BOTH, { servers: nodesOf(lab.topology, 'server'), asker })
    return { addresses: [HOP_BOTH, HOP_BOTH] }
  },
  haproxy: (lab) =>
    proxy(lab, HAPROXY, (file) => ['haproxy', '-db', '-f', file], {
      text: (servers) => `
global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen www
  bind :${PORT} backlog 4096
  balance roundrobin
${servers.map((address, at) => `  server web${at} ${address}:${PORT}`).join('\n')}
`,
    }),
  nginx: (lab) =>
    proxy(lab, NGINX, (file, folder) => ['nginx', '-e', 'stderr', '-p', folder, '-c', file], {
      text: (servers, file) => `
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root;
daemon off;
worker_processes 1;
pid ${file}.pid;
error_log stderr warn;
events { worker_connections 8000; }
stream {
  upstream www {
${servers.map((address) => `    server ${address}:${PORT};`).join('\n')}
  }
  server { listen ${PORT} backlog=4096; proxy_pass www; }
}
`,
    }),
}

/** bringBack: the client asks a service from an address for which the servers have the node as their router. */
async function bringBack(lab: Lab, node: string, service: string, client: string) {
  const router = nodesOf(lab.topology, 'balancer').find(({ name }) => name === node)!.address
  await lab.run('client', ['ip', 'addr', 'add', `${client}/32`, 'dev', 'eth0'])
  await lab.run('client', ['ip', 'route', 'add', service, 'dev', 'eth0', 'src', client])
  await lab.run(node, ['ip', 'route', 'add', client, 'dev', 'eth0'])
  for (const name of serverNames(lab.topology))
    await lab.run(name, ['ip', 'route', 'add', client, 'via', router])
}

/** startTenbin on a node, by a file in which it is the only one. */
async function startTenbin(
  lab: Lab,
  node: string,
  service: string,
  forward: 'dsr' | 'nat',
): Promise<Omit<Contender, 'who'>> {
  const { topology } = lab
  const nodes = topology.nodes.filter(({ role, name }) => role !== 'balancer' || name === node)
  const services = { www: { listen: [`${service}:${PORT}`], servers: serverNames(topology), forward } }
  const tenbin = new Tenbin(lab, node)
  tenbin.write(tenbinFile({ ...topology, nodes, serviceAddresses: [service] }, services))
  await tenbin.start()
  return {
    addresses: [service, service],
    forwarded: async () => Number((await tenbin.status())!.outcomes.forwarded),
  }
}

/** WHO: the names of those who balance. */
export const WHO: readonly string[] = Object.keys(balancers)

/** startContenders: `direct`, and all who balance, ready. */
export async function startContenders(lab: Lab): Promise<readonly Contender[]> {
  const contenders: Contender[] = [{ who: 'direct', addresses: serverAddresses(lab) }]
  for (const who of WHO) contenders.push({ who, ...(await balancers[who]!(lab)) })
  return contenders
}

const serverAddresses = (lab: Lab): readonly string[] =>
  nodesOf(lab.topology, 'server').map(({ address }) => address)

/** proxy starts a program in the foreground with a configuration of its own; resolves when it listens. */
async function proxy(
  lab: Lab,
  node: string,
  command: (file: string, folder: string) => Command,
  { text }: { readonly text: (servers: readonly string[], file: string) => string },
): Promise<Omit<Contender, 'who'>> {
  const file = join(lab.directory, `${node}.conf`)
  writeFileSync(file, text(serverAddresses(lab), file))
  const log = openSync(`${file}.log`, 'a')
  const child = lab.spawn(node, command(file, lab.directory), { stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  const address = nodesOf(lab.topology, 'client').find(({ name }) => name === node)!.address
  for (const deadline = Date.now() + START_MS; !listens(child.pid); await delay(10)) {
    if (failure) throw failure
    if (child.exitCode === null && Date.now() < deadline) continue
    throw new Error(`${node}: ${readFileSync(`${file}.log`, 'utf8')}`)
  }
  child.unref()
  return { addresses: [address, address] }
}

/** listens: a socket of the process's namespace is in state LISTEN (0A) on PORT (proc(5): net/tcp). */
function listens(pid: number | undefined): boolean {
  try {
    return / 00000000:0050 00000000:0000 0A /.test(readFileSync(`/proc/${pid}/net/tcp`, 'latin1'))
  } catch {
    return false
  }
}
