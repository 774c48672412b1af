// Changes of roles in a pair under load, each of one cause: what brings it about, what has to be undone, and what clients saw
// of it: requests over new connections that were lost, beside connections that stay open (flows.ts), which nobody may lose.
// Both families, by nat and by dsr at once.
//
//   front 10.0.0.x --+-- client: HTTP over connections that stay open, and over a new one for each request
//                    +-- lb1, lb2: tenbin: .100 by nat, .101 by dsr; whichever is active is the one that fails
//   back  10.0.1.x --+-- web01..03

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Lab } from '../../../src/lab/held-lab.ts'
import { isAlive, processesIn } from '../../../src/lab/processes.ts'
import { findNode } from '../../../src/lab/topology.ts'
import type { TrafficClient } from '../../../src/lab/traffic-client.ts'
import { cutNode, freezeNode, healNode, killNode } from '../../../src/lab/trouble.ts'
import { held, movingAddresses } from '../../../src/lab/view.ts'
import { namespacePath } from '../../../src/sys/named-namespace.ts'
import { otherNode, Pair, type PairNode } from './pair.ts'

/** TURNED, DIRECT: addresses by nat and by dsr, of IPv4 and IPv6. */
export const TURNED = ['10.0.0.100', '2001:db8::100'] as const
export const DIRECT = ['10.0.0.101', '2001:db8::101'] as const

/**
 * LOAD: requests a second over new connections to all addresses. One counts as lost when nothing comes of it for so long: TCP
 * repeats what was lost with a node ever more slowly, and a machine that is busy is late.
 */
export const LOAD = {
  ...{ address: [...TURNED, ...DIRECT], port: 80, path: '/page' },
  ...{ ratePerSecond: 200, concurrency: 4096, timeoutMs: 20_000 },
} as const
/** DOUBLED_MOST_MS: addresses of a node that fails: a lifetime of 2 s, which the kernel ends up to 1.25 s late, and a busy machine. */
export const DOUBLED_MOST_MS = 6000
/** How long requests go on before and after a change. */
const AROUND_MS = 300

// Nobody is preferred: who has the addresses keeps them.
const FILE = `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
cluster: { also: { lb1: 10.0.1.2, lb2: 10.0.1.3 } }
interfaces: { lan: eth0, back: eth1 }
addresses:
  front:
    vrid: 51
    advert: 100ms
    ips:
      lan: [10.0.0.100/24, 10.0.0.101/24, "2001:db8::100/64", "2001:db8::101/64"]
      back: [10.0.1.1/24, "2001:db8:1::1/64"]
    routes: [{ to: 10.20.0.0/16, via: 10.0.0.9 }, { to: "2001:db8:20::/48", via: "2001:db8:1::9" }]
servers: { web01..03: 10.0.1.11..13, six01..03: "2001:db8:1::11..13" }
defaults: { check: { tcp: {}, every: 500ms } }
services:
  turned: { listen: "10.0.0.100:80", servers: web01..03, forward: nat }
  turned6: { listen: "[2001:db8::100]:80", servers: six01..03, forward: nat }
  direct: { listen: "10.0.0.101:80", servers: web01..03, forward: dsr }
  direct6: { listen: "[2001:db8::101]:80", servers: six01..03, forward: dsr }
`

/** Cause: `inOrder`: no request may be lost. `mend`: what has to be undone but by healing. */
export interface Cause {
  readonly name: string
  readonly inOrder: boolean
  bringAbout(pair: Pair, node: PairNode): Promise<unknown>
  mend?(pair: Pair, node: PairNode): Promise<unknown>
}

const maintenance = async (pair: Pair, node: PairNode, word: 'on' | 'off'): Promise<void> => {
  const { code, err } = await pair[node].cli('maintenance', word)
  assert.equal(code, 0, err)
}

/** renew all processes of a node, as a new version that is installed does. */
async function renew(pair: Pair, node: PairNode): Promise<void> {
  const before = processesOf(pair.lab, node)
  const { pid, vrrp } = await pair.status(node)
  process.kill(pid, 'SIGUSR2')
  process.kill(vrrp!.pid!, 'SIGTERM')
  while (before.some((each) => isAlive(each) && [pid, vrrp!.pid].includes(each.pid))) await delay(5)
  await pair[node].start()
}

/** CAUSES, in turn: the machine dies; it is told to hand over; a cable is out; versions are replaced; vrrp dies, ... all processes do. */
export const CAUSES: readonly Cause[] = [
  {
    name: 'crash',
    inOrder: false,
    bringAbout: ({ lab }, node) => cutNode(lab, node).then(() => killNode(lab, node)),
  },
  {
    name: 'maintenance',
    inOrder: true,
    bringAbout: (pair, node) => maintenance(pair, node, 'on'),
    mend: (pair, node) => maintenance(pair, node, 'off'),
  },
  // One network of two: all addresses move.
  { name: 'cut-back', inOrder: false, bringAbout: ({ lab }, node) => cutNode(lab, node, 'back') },
  { name: 'failover', inOrder: true, bringAbout: (pair, node) => pair[node].cli('failover') },
  {
    name: 'upgrade',
    inOrder: true,
    bringAbout: async (pair, node) => {
      await renew(pair, otherNode(node))
      await pair.leads(node)
      await maintenance(pair, node, 'on')
    },
    mend: async (pair, node) => {
      await renew(pair, node)
      await maintenance(pair, node, 'off')
    },
  },
  {
    name: 'vrrp',
    inOrder: false,
    bringAbout: async (pair, node) => process.kill((await pair.status(node)).vrrp!.pid!, 'SIGKILL'),
  },
  { name: 'freeze', inOrder: false, bringAbout: ({ lab }, node) => freezeNode(lab, node) },
  { name: 'killed', inOrder: false, bringAbout: ({ lab }, node) => killNode(lab, node) },
  { name: 'cut', inOrder: false, bringAbout: ({ lab }, node) => cutNode(lab, node) },
]

/** processesOf a node's tenbin, without the compiler of one that was started from its sources and had to compile. */
export const processesOf = ({ topology }: Lab, node: PairNode) =>
  processesIn([namespacePath(findNode(topology, node).namespace)]).filter(
    ({ pid }) => nameOf(pid) !== 'esbuild',
  )

/** nameOf a process (proc(5): comm); undefined: it is gone. */
function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'latin1').trim()
  } catch {
    return undefined
  }
}

/** steadyPair: a pair whose lb1 is active for all addresses, and lb2 knows of all flows. */
export async function steadyPair(prefix: string): Promise<Pair> {
  const pair = await Pair.hold({ prefix, servers: 3, pair: true, ipv6: true, services: 2 }, FILE)
  try {
    await pair.lb1.start()
    await pair.until('addresses at lb1', () => hasAll(pair.lab, 'lb1'))
    await pair.lb2.start()
    await pair.leads('lb1')
    return pair
  } catch (error) {
    await pair[Symbol.asyncDispose]()
    throw error
  }
}

const has = ({ topology }: Lab, node: PairNode): number =>
  held(topology, findNode(topology, node).namespace).length
const hasAll = (lab: Lab, node: PairNode): boolean => has(lab, node) === movingAddresses(lab.topology).length

/** ROUTES: of the active node: a destination of each, and its gateway. */
const ROUTES = { '10.20.0.1': '10.0.0.9', '2001:db8:20::1': '2001:db8:1::9' } as const
/** routed: the gateways of these that a node would send to. */
async function routed(lab: Lab, node: PairNode): Promise<string[]> {
  const found = Object.entries(ROUTES).map(async ([to, via]) => {
    const text = await lab.run(node, ['ip', 'route', 'get', to]).catch(() => '')
    return text.includes(` via ${via} `) ? [via] : []
  })
  return (await Promise.all(found)).flat()
}

/**
 * changeRole from the active node `gone` to the other one, and have `gone` back as a backup that knows of all flows. Resolves with
 * how many requests were lost, of which none is under way any more. Fails where two nodes have the addresses for too long.
 */
export async function changeRole(
  pair: Pair,
  { name, bringAbout, mend }: Cause,
  gone: PairNode,
  traffic: TrafficClient,
): Promise<number> {
  const { lab } = pair
  const next = otherNode(gone)
  const { failed } = traffic.counts
  traffic.resume()
  await delay(AROUND_MS)
  await bringAbout(pair, gone)
  await pair.until(`addresses at ${next} after ${name}`, () => hasAll(lab, next))
  // Whose cables are cut has them beside nobody.
  const isOff = name === 'cut' || name === 'crash'
  const doubledMs = await pair.until(
    `end of addresses at ${gone} after ${name}`,
    () => isOff || has(lab, gone) === 0,
  )
  assert.ok(doubledMs <= DOUBLED_MOST_MS, `${name}: two nodes had the addresses for ${doubledMs} ms`)
  await mend?.(pair, gone)
  await healNode(lab, gone)
  await pair.leads(next)
  assert.deepEqual([hasAll(lab, next), has(lab, gone)], [true, 0], name)
  assert.deepEqual([await routed(lab, next), await routed(lab, gone)], [Object.values(ROUTES), []], name)
  await delay(AROUND_MS)
  return (await traffic.pause()).failed - failed
}
