// The night of the flood, on a pair that defends itself, at both nodes at once: SYNs with window 0 and without options from tens
// of thousands of addresses, at two services of which each node has one, all the time. Meanwhile nodes die, one after the
// other, and come back: the other one has both services, and both floods, until the first is back and has its own again. Roles
// change for nothing else, no check fails, memory stays as it is, users are served; and who becomes active, whether it takes
// over or comes home, defends itself from its first packet.
//
//   front 10.0.0.x --+-- client: users, and the flood, half of it at lb1's address, half at lb2's
//                    +-- lb1, lb2: tenbin (dsr); 10.0.0.100 (www) prefers lb1, 10.0.0.101 (shop) lb2
//   back  10.0.1.x --+-- web01..03, without SYN cookies
//
// TENBIN_INCIDENT=30m npm test -- incident: for so long, at 100,000 SYNs a second; the suite has a minute of less.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { cpuSeconds, pidsOf } from '../../bench/proxy/counted.ts'
import { parseDuration } from '../../src/base/durations.ts'
import { eventsSchema } from '../../src/daemon/api-events.ts'
import type { Event } from '../../src/events/event.ts'
import { Attack } from '../../src/lab/attack.ts'
import { processesIn } from '../../src/lab/processes.ts'
import { writeSysctls } from '../../src/lab/run.ts'
import { findNode, nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { cutNode, healNode, killNode } from '../../src/lab/trouble.ts'
import { held } from '../../src/lab/view.ts'
import { namespacePath } from '../../src/sys/named-namespace.ts'
import { execute, skip } from './support/execute.ts'
import { otherNode, PAIR_NODES, Pair, type PairNode } from './support/pair.ts'

/** HOMES: what each node has while it is there. */
const HOMES = {
  lb1: { set: 'one', service: 'www', address: '10.0.0.100' },
  lb2: { set: 'two', service: 'shop', address: '10.0.0.101' },
} as const satisfies Record<PairNode, object>

const LONG = process.env.TENBIN_INCIDENT
/** Who dies, one after the other. PER_SECOND: SYNs, half of them at each service. */
const DEATHS: readonly PairNode[] = PAIR_NODES
const PER_SECOND = LONG === undefined ? 10_000 : 100_000
/** PHASE_MS: as it is in the beginning, after each death, and after each return, and then until the alarm is given. */
const PHASE_MS = LONG === undefined ? 1_000 : parseDuration(LONG) / (1 + 2 * DEATHS.length)
/** USERS_PER_SECOND: new connections, of either service in turn. */
const USERS_PER_SECOND = 50
/** Unproven SYNs a second of one service, above which proof is asked for. */
const ABOVE = 200
/** FIRST: SYNs of the flood by which a node shows that it defends itself: half a second's of one service. */
const FIRST = PER_SECOND / 4
/** MORE_MIB: that a node's processes may have in the end, beyond what they had under the flood soon after they began: garbage. */
const MORE_MIB = 128
/** BUSY_MOST: the share of a CPU that all processes of a node may take under the flood; in a short one they still compile. */
const BUSY_MOST = LONG === undefined ? 0.6 : 0.2
/** SETTLES: so many phases more a short one's processes may compile what they do, on a slow machine, until that is so. */
const SETTLES = LONG === undefined ? 10 : 0
/** What users of a service may lose when its node dies: requests under way, and first packets while nobody has the address. */
const LOST_MS = 1900

const file = `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
cluster: { also: { lb1: 10.0.1.2, lb2: 10.0.1.3 } }
interfaces: { lan: eth0, back: eth1 }
addresses:
  one: { on: lan, ips: [${HOMES.lb1.address}/24], vrid: 51, prefer: lb1, advert: 400ms }
  two: { on: lan, ips: [${HOMES.lb2.address}/24], vrid: 52, prefer: lb2, advert: 400ms }
servers: { web01..03: 10.0.1.11..13 }
defaults: { forward: dsr, check: { http: /, every: 500ms, timeout: 1s, fall: 3 } }
services:
  www: { listen: ["${HOMES.lb1.address}:80"], servers: web01..03 }
  shop: { listen: ["${HOMES.lb2.address}:80"], servers: web01..03 }
defence: { proof: { above: ${ABOVE}/s, below: ${ABOVE / 2}/s, hold: 30s } }
`

let pair: Pair
before(async () => {
  if (skip) return
  pair = await Pair.hold({ prefix: 'night', servers: 3, pair: true, services: 2 }, file)
  for (const { namespace } of nodesOf(pair.lab.topology, 'server'))
    writeSysctls(namespace, { 'net/ipv4/tcp_syncookies': '0', 'net/ipv4/tcp_no_metrics_save': '1' })
  await pair.start()
  await pair.until('each node has its own, and has been told of all flows', isHome)
})
after(async () => {
  await pair?.[Symbol.asyncDispose]()
})

/** isHome: each node is active for its own address set and backup for the other's, and knows of all flows. */
async function isHome(): Promise<boolean> {
  const all = await Promise.all(PAIR_NODES.map((node) => pair[node].status()))
  const roles = all.map((status) => status?.sets.map(({ role }) => role).join())
  return roles.join(' ') === 'active,backup backup,active' && pair.isTold('lb1')
}

/** has: whether a node's kernel has the address of this node's service. */
const has = (node: PairNode, home: PairNode): boolean =>
  held(pair.lab.topology, findNode(pair.lab.topology, node).namespace).includes(HOMES[home].address)

/** eventsOf nodes that are of this kind and happened after a time, the oldest first, with whose they are. */
async function eventsOf(
  kind: string,
  after: number,
  nodes: readonly PairNode[] = PAIR_NODES,
): Promise<readonly (Event & { node: PairNode })[]> {
  const of = async (node: PairNode) => {
    const { events } = await pair[node].ask({ path: '/v1/events', reply: eventsSchema })
    return events.map((event) => ({ ...event, node }))
  }
  return (await Promise.all(nodes.map(of)))
    .flat()
    .filter((event) => event.kind === kind && Date.parse(event.time) >= after)
    .sort((a, b) => a.time.localeCompare(b.time))
}

/** ownMib: memory of all processes of a node's tenbin, without what they share with the kernel: maps, whose size is fixed. */
function ownMib(node: PairNode): number {
  const { namespace } = findNode(pair.lab.topology, node)
  const statusOf = (pid: number): string => {
    try {
      return readFileSync(`/proc/${pid}/status`, 'latin1')
    } catch {
      return '' // it has ended meanwhile
    }
  }
  const kib = processesIn([namespacePath(namespace)]).map(({ pid }) =>
    Number(/^RssAnon:\s+(\d+)/m.exec(statusOf(pid))?.[1] ?? 0),
  )
  return kib.reduce((sum, each) => sum + each, 0) / 1024
}

/** seenWithin: packets of the flood in what a node has captured and the other one has of it, up to so long after a time. */
async function seenWithin(node: PairNode, beganAt: number, ms: number): Promise<number> {
  const { lab } = pair
  const folder = join(lab.directory, `${pair[otherNode(node)].instance}.captures`, 'nodes', node)
  if (!existsSync(folder)) return 0
  let seen = 0
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.pcapng'))) {
    const fields = ['-Y', 'ip.src == 198.18.0.0/16', '-T', 'fields', '-e', 'frame.time_epoch']
    const { out } = await execute(lab, 'lb1', ['tshark', '-r', join(folder, name), ...fields])
    const times = out.split('\n').filter((time) => time !== '')
    seen += times.filter((time) => 1000 * Number(time) - beganAt <= ms).length
  }
  return seen
}

/** busyOf: how much of a CPU a node's processes take, for so long. */
async function busyOf(node: PairNode, ms: number): Promise<number> {
  const pids = pidsOf(pair.lab, node)
  const [before, startedAt] = [cpuSeconds(pids), performance.now()]
  await delay(ms)
  return (1000 * (cpuSeconds(pids) - before)) / (performance.now() - startedAt)
}

/** settledOf: how much of a CPU a node's processes take for a phase, or for the first one in which they have settled. */
async function settledOf(node: PairNode): Promise<number> {
  let busy = await busyOf(node, PHASE_MS)
  for (let more = 0; busy >= BUSY_MOST && more < SETTLES; more++) busy = await busyOf(node, PHASE_MS)
  return busy
}

/** sentOn: packets of a node's service that this node has sent to servers, ever. */
async function sentOn(node: PairNode, home: PairNode): Promise<number> {
  const { services } = await pair.status(node)
  return Number(services.find(({ name }) => name === HOMES[home].service)!.packets)
}

test('a pair lives through the night of the flood', { skip }, async (t) => {
  const { lab } = pair
  await using users = await TrafficClient.start(nodesOf(lab.topology, 'client')[0]!.namespace, {
    address: PAIR_NODES.map((node) => HOMES[node].address),
    port: 80,
    ratePerSecond: USERS_PER_SECOND,
  })
  users.resume()
  const flood = (home: PairNode) =>
    Attack.start(lab, {
      address: HOMES[home].address,
      shapes: [{ flood: 'syn', window: 0, noOptions: true, spoof: true }],
      perSecond: PER_SECOND / 2,
      reportMs: 50,
    })
  await using atLb1 = await flood('lb1')
  const beganAt = Date.now()
  await using atLb2 = await flood('lb2')
  const attacks = { lb1: atLb1, lb2: atLb2 }
  const floodedAt = { lb1: beganAt, lb2: Date.now() }
  const memory = { lb1: 0, lb2: 0 }
  /** isFlat: a node that ends, or goes on to the end, has no more memory than soon after it began. */
  function isFlat(node: PairNode): void {
    const now = ownMib(node)
    t.diagnostic(`${node}: memory ${memory[node].toFixed(0)} MiB, then ${now.toFixed(0)}`)
    assert.ok(now <= memory[node] + MORE_MIB, `${node}: ${now} MiB after ${memory[node]}`)
  }

  /** defends: a node that has just become active for this one's service, `before` packets of which it had sent on then. */
  async function defends(node: PairNode, home: PairNode, before: number): Promise<void> {
    const { set, service } = HOMES[home]
    await pair.until(`${node} is active for ${set}`, () => has(node, home))
    const attack = attacks[home]
    const [startedAt, from] = [performance.now(), attack.counts.sent]
    await pair.until(`${node} is flooded`, () => attack.counts.sent - from >= FIRST)
    const on = (await sentOn(node, home)) - before
    const seconds = (performance.now() - startedAt) / 1000
    const asked = attack.counts.sent - from
    // Until proof is asked for, a second's that has begun and the next one's pass; and users, of whom each request is 5 packets and more.
    const most = 2 * ABOVE + (1 + seconds) * 20 * (USERS_PER_SECOND / 2)
    t.diagnostic(`${node}, first ${seconds.toFixed(1)} s of ${service}: ${asked} SYNs, ${on} packets sent on`)
    assert.ok(on <= most, `${node}: ${on} sent on, ${most} at most`)
    assert.ok((await pair.status(node)).flood?.underProof.includes(service), `${node} asks for proof`)
  }

  /** isTold: a node, active for this one's service since a time, has given the alarm. */
  async function isTold(node: PairNode, home: PairNode, since: number): Promise<void> {
    const { service } = HOMES[home]
    await pair.until(`${node} tells of the flood of ${service}`, async () =>
      (await eventsOf('flood.began', since, [node])).some(({ services }) => services?.includes(service)),
    )
  }

  let busiest = 0
  /** passes: so it stays for a phase, in which these nodes have begun. */
  async function passes(nodes: readonly PairNode[], begun: readonly PairNode[]): Promise<void> {
    const measured = Promise.all(nodes.map(settledOf))
    await delay(PHASE_MS / 2)
    for (const node of begun) memory[node] = ownMib(node)
    const busy = await measured
    for (const [at, node] of nodes.entries()) {
      t.diagnostic(`${node}: its processes took ${(100 * busy[at]!).toFixed(1)} % of a CPU`)
      busiest = Math.max(busiest, busy[at]!)
    }
  }

  await passes(PAIR_NODES, PAIR_NODES)
  for (const home of PAIR_NODES) {
    await isTold(home, home, beganAt)
    await pair.until(`the first second that ${home} captured is on the other node`, async () => {
      return (await seenWithin(home, floodedAt[home], 1000)) > 0
    })
  }
  for (const gone of DEATHS) {
    isFlat(gone)
    const next = otherNode(gone)
    const [before, diesAt] = [await sentOn(next, gone), Date.now()]
    await cutNode(lab, gone)
    const own = await sentOn(gone, gone)
    await killNode(lab, gone)
    await defends(next, gone, before)
    await passes([next], [])
    await isTold(next, gone, diesAt)
    const returnsAt = Date.now()
    // Its tenbin is one that was built, as in the beginning; the lab's own hand would start its sources, which takes longer.
    await Promise.all([pair[gone].start(), healNode(lab, gone)])
    await defends(gone, gone, own)
    await pair.until('each node has its own again', isHome)
    await passes(PAIR_NODES, [gone])
    await isTold(gone, gone, returnsAt)
  }

  const sent = await Promise.all(PAIR_NODES.map((node) => attacks[node].stop()))
  const counts = await users.pause()
  const rates = sent.map((each) => Math.round((1000 * each.sent) / each.elapsedMs))
  t.diagnostic(
    `${rates.join(' and ')} SYNs/s for ${(sent[0]!.elapsedMs / 1000).toFixed(0)} s; users: ${counts.answered} of ${counts.sent} answered, p99 ${counts.latencyMs?.p99.toFixed(1)} ms`,
  )
  const lost = (DEATHS.length * LOST_MS * (USERS_PER_SECOND / 2)) / 1000
  assert.ok(counts.failed <= lost, JSON.stringify(counts))
  for (const node of PAIR_NODES) isFlat(node)
  assert.ok(busiest < BUSY_MOST, `a node took ${busiest} of a CPU`)

  const roles = await eventsOf('role.changed', beganAt)
  const alarms = await eventsOf('flood.began', beganAt)
  for (const { node, time, text } of [...roles, ...alarms]) t.diagnostic(`${time} ${node}: ${text}`)
  for (const home of PAIR_NODES) {
    const { set, service } = HOMES[home]
    // The other one when it dies, and it itself when it is back.
    const active = [otherNode(home), home]
    const became = roles.filter((event) => event.set === set && event.data?.to === 'active')
    assert.deepEqual(
      became.map(({ node }) => node),
      active,
    )
    // one of whoever is active, each time
    const told = alarms.filter(({ services }) => services?.includes(service))
    assert.deepEqual(
      told.map(({ node }) => node),
      [home, ...active],
    )
    const words = new RegExp(
      `^${service}: SYN flood, [\\d,]+/s, .*[\\d.]+ % never completed, .*suggested rule: `,
    )
    for (const { text } of told) assert.match(text, words)
  }
  assert.equal(alarms.length, 2 + 2 * DEATHS.length, 'no other alarm')
  assert.deepEqual(await eventsOf('server.down', beganAt), [], 'no check failed')
  for (const node of PAIR_NODES) {
    const late = async () => (await pair.status(node)).checker!.lateP99Ms ?? 0
    // of the last second, a dozen looks
    await pair.until(`checks of ${node} begin in time`, async () => (await late()) < 500)
    t.diagnostic(`${node}: checks began ${await late()} ms late (p99)`)
  }
})
