// How late adverts leave, every 100 ms of ten address sets, while nothing else happens and while the same machine applies
// 1,000 services of 100 servers each again and again, answers its API without a pause, and forwards all that wrk asks for; and
// while others hold the kernel's lock of links (rtnl), by namespaces that come and go. One node, alone: lb1 of a lab; nothing on
// this machine stands still meanwhile.

import { execFile } from 'node:child_process'
import { text as all } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { reloadSchema } from '../src/daemon/api-schema.ts'
import { Lab } from '../src/lab/held-lab.ts'
import type { Lateness } from '../src/vrrp/protocol.ts'
import { Tenbin } from '../test/scenario/support/tenbin.ts'
import { advertRows, requestsOf } from './adverts/rows.ts'
import type { Row } from './runner/row.ts'

const [SETS, SERVERS] = [10, 100]
/** CHURN: a namespace that comes, with a pair of NICs, and goes with its shell; CHURNS at once. */
const CHURN =
  'unshare -n sh -c "ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; ip addr add 192.0.2.1/24 dev v0"'
const CHURNS = 6
const execFileAsync = promisify(execFile)
const APPLY_MS = 120_000

/** adverts: `adverts.quiet`, `adverts.busy`, `adverts.rtnl`: p99.9 and worst lateness in ms. Needs root. */
export async function adverts({ quick }: { readonly quick: boolean }): Promise<readonly Row[]> {
  const [services, seconds] = quick ? [100, 8] : [1000, 60]
  await using lab = await Lab.hold({ prefix: 'bench', servers: 1, services: SETS })
  const hosts = hostsOf(services + SERVERS)
  await lab.run(
    'web01',
    ['ip', '-batch', '-'],
    hosts.map((host) => `addr add ${host}/16 dev eth0\n`).join(''),
  )
  // Or else the kernel would ask servers by ARP from a service address, which is theirs, too, and would not be answered.
  await lab.run('lb1', ['ip', 'addr', 'add', '10.0.0.2/16', 'dev', 'eth0'])
  await lab.startWebServers()
  const tenbin = new Tenbin(lab)
  const fileOf = (weight: number, count = services): string =>
    text(lab.topology.serviceAddresses, hosts, count, weight)
  tenbin.write(fileOf(1, 1))
  await tenbin.start()
  await untilActive(tenbin)
  const quiet = await measured(tenbin, () => delay(seconds * 1000))
  let [applied, asked, requests] = [0, 0, 0]
  const busy = await measured(tenbin, async () => {
    const end = performance.now() + seconds * 1000
    const url = `http://${lab.topology.serviceAddresses[0]}/`
    const wrk = lab.spawn('client', ['wrk', '-t1', '-c50', `-d${seconds}s`, url], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const said = all(wrk.stdout!)
    const asking = async (): Promise<void> => {
      for (; performance.now() < end; asked++) await tenbin.status()
    }
    const applying = async (): Promise<void> => {
      for (; performance.now() < end; applied++) {
        tenbin.write(fileOf(2 + applied))
        await tenbin.ask({ method: 'POST', path: '/v1/reload', reply: reloadSchema, timeoutMs: APPLY_MS })
      }
    }
    await Promise.all([applying(), asking(), asking(), asking()])
    requests = requestsOf(await said)
  })
  let namespaces = 0
  const locked = await measured(tenbin, async () => {
    const end = performance.now() + seconds * 1000
    const churning = async (): Promise<void> => {
      for (; performance.now() < end; namespaces++) await execFileAsync('sh', ['-c', CHURN])
    }
    await Promise.all(Array.from({ length: CHURNS }, churning))
  })
  return [
    ...advertRows('adverts.quiet', quiet, {}),
    ...advertRows('adverts.busy', busy, { applied, asked, requests }),
    ...advertRows('adverts.rtnl', locked, { namespaces }),
  ]
}

const hostsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `10.0.${16 + ((i + 1) >> 8)}.${(i + 1) & 0xff}`)

/** text of the file: the first service is on port 80, which the lab's web server answers. */
function text(addresses: readonly string[], hosts: readonly string[], count: number, weight: number): string {
  const sets = addresses.map(
    (address, i) => `  set${i}: { on: lan, ips: [${address}/16], vrid: ${51 + i}, advert: 100ms }`,
  )
  const services = Array.from({ length: count }, (_, i) => {
    const list = `[{ name: s${i + 1}, weight: ${i === 0 ? weight : 1} }, s${i + 2}..${i + SERVERS}]`
    return `  v${i}: { listen: ["${addresses[0]}:${i === 0 ? 80 : 1000 + i}"], servers: ${list} }`
  })
  return `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses:
${sets.join('\n')}
servers: { s1..${hosts.length}: ${hosts[0]}..${hosts.at(-1)} }
defaults: { forward: dsr, check: none }
services:
${services.join('\n')}
`
}

/** latenessOf all sets, when the daemon comes to answer. */
async function latenessOf(tenbin: Tenbin): Promise<Lateness[]> {
  for (const end = performance.now() + APPLY_MS; ; await delay(100)) {
    const status = await tenbin.status()
    if (status) return status.sets.flatMap(({ failover }) => failover?.lateness ?? [])
    if (performance.now() > end) throw new Error('the daemon does not answer')
  }
}

async function untilActive(tenbin: Tenbin): Promise<void> {
  for (const end = performance.now() + 60_000; ; await delay(100)) {
    const status = await tenbin.status()
    if (status?.sets.length === SETS && status.sets.every(({ role }) => role === 'active')) return
    if (performance.now() > end) throw new Error('the sets never became active')
  }
}

/** measured: how late adverts of all sets left meanwhile; the worst is since the sets began. */
async function measured(tenbin: Tenbin, meanwhile: () => Promise<unknown>): Promise<Lateness> {
  const before = await latenessOf(tenbin)
  await meanwhile()
  const after = await latenessOf(tenbin)
  const sum = (pick: (one: Lateness) => number): number =>
    after.reduce((all, one) => all + pick(one), 0) - before.reduce((all, one) => all + pick(one), 0)
  return {
    counts: after[0]!.counts.map((_, at) => sum(({ counts }) => counts[at]!)),
    sumMs: sum(({ sumMs }) => sumMs),
    worstMs: Math.max(...after.map(({ worstMs }) => worstMs)),
  }
}
