// Checks that go through the service address (`via: service`), with real nginx behind a bridge:
//
//            .-- client: requests to the service, each a connection of its own
//   switch --+-- lb1: tenbin; it has the service addresses
//            +-- lb2: tenbin; it has none of them
//            '-- web01..04: nginx; web04 listens at its own addresses only
//
// A server that loses the address from its lo answers nobody who comes through a balancer, and every check of its own
// address. Here it fails its check, on both balancers, within the time that the file says.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RHYTHM } from '../../src/config/check-spec.ts'
import { detectionOf } from '../../src/health/rhythm.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { skip } from './support/execute.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

const rhythm = { every: '300ms', in_doubt: '150ms', timeout: '300ms', fall: 2, rise: 2 }
const { silentMs } = detectionOf({ ...RHYTHM, everyMs: 300, inDoubtMs: 150, timeoutMs: 300, fall: 2 })
/** From a finding to the last slot, and what this machine is late by. */
const MARGIN = 500
const REQUEST_TIMEOUT = 500
const [ADDRESS, ADDRESS6] = ['10.0.0.100', '2001:db8::100']

const fileOf = (lab: Lab): string => {
  const by = (key: 'address' | 'address6', role: 'balancer' | 'server', suffix = '') =>
    Object.fromEntries(nodesOf(lab.topology, role).map((node) => [`${node.name}${suffix}`, node[key]]))
  const names = nodesOf(lab.topology, 'server').map(({ name }) => name)
  const check = { http: '/', via: 'service', ...rhythm }
  return JSON.stringify({
    nodes: by('address', 'balancer'),
    interfaces: { lan: 'eth0' },
    addresses: { front: { on: 'lan', ips: [`${ADDRESS}/24`, `${ADDRESS6}/64`] } },
    servers: { ...by('address', 'server'), ...by('address6', 'server', 'six') },
    services: {
      www: { listen: [`${ADDRESS}:80`], servers: names, check },
      www6: { listen: [`[${ADDRESS6}]:80`], servers: names.map((name) => `${name}six`), check },
    },
  })
}

type Standings = Readonly<Record<string, { readonly state: string; readonly why?: string | undefined }>>

/** standings: what each server is taken for, IPv4's and IPv6's. */
const standings = async (tenbin: Tenbin): Promise<Standings> =>
  Object.fromEntries(
    (await tenbin.status())!.pools.flatMap(({ servers }) =>
      servers.map(({ name, check }) => [name, { state: check?.state ?? 'none', why: check?.why }]),
    ),
  )

const states = async (tenbin: Tenbin): Promise<string> =>
  Object.entries(await standings(tenbin))
    .map(([name, { state }]) => `${name} ${state}`)
    .join()

const expected = (down: readonly string[]): string =>
  ['', 'six']
    .flatMap((suffix) => [1, 2, 3, 4].map((n) => `web0${n}${suffix}`))
    .map((name) => `${name} ${down.includes(name) ? 'down' : 'up'}`)
    .join()

async function until(is: () => Promise<boolean>, what: string, patienceMs = 20_000): Promise<number> {
  const start = performance.now()
  while (!(await is())) {
    assert.ok(performance.now() - start < patienceMs, `in ${patienceMs} ms not: ${what}`)
    await delay(20)
  }
  return performance.now() - start
}

/** processesOf an instance: its daemon and its checker. */
const processesOf = (word: string, instance: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words.some((each) => each.includes(word)) && words.includes(instance)
      } catch {
        return false
      }
    })
    .map(Number)

const resets = async (lab: Lab, node: string): Promise<number> => {
  const [names, values] = (await lab.run(node, ['cat', '/proc/net/snmp']))
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '))
  return Number(values![names!.indexOf('OutRsts')])
}

test('a server that loses the service address from its lo fails the checks through it, on the node that holds the address and on the one that does not', {
  skip,
}, async (context) => {
  await using lab = await Lab.hold({ prefix: 'vs', servers: 4, balancers: 2, ipv6: true })
  await startNginx(lab)
  const lb1 = new Tenbin(lab)
  const lb2 = new Tenbin(lab, 'lb2')
  lb1.write(fileOf(lab))
  await Promise.all([lb1.start(), lb2.start()])
  const all = expected([])
  for (const each of [lb1, lb2]) await until(async () => (await states(each)) === all, 'all servers are up')
  console.log(JSON.stringify(await lb1.status(), null, 1).slice(0, 300))
  const [client] = nodesOf(lab.topology, 'client')
  const target = { address: ADDRESS, port: 80, ratePerSecond: 200, timeoutMs: REQUEST_TIMEOUT }
  await using traffic = await TrafficClient.start(client!.namespace, target, 50)
  traffic.resume()
  await delay(500)

  const lo = (verb: 'add' | 'del') => [
    ['ip', 'addr', verb, `${ADDRESS}/32`, 'dev', 'lo'],
    ['ip', 'addr', verb, `${ADDRESS6}/128`, 'dev', 'lo'],
  ] as const
  const down = expected(['web02', 'web02six'])
  // it hands on what is not for it: to the node that has the address, which would find another server
  for (const path of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])
    await lab.run('web02', ['sysctl', '-qw', `${path}=1`])
  for (const command of lo('del')) await lab.run('web02', command)
  const took = await Promise.all(
    [lb1, lb2].map((each) => until(async () => (await states(each)) === down, 'web02 is down, and no other')),
  )
  for (const ms of took) assert.ok(ms <= silentMs + MARGIN, `${ms} ms, computed ${silentMs}`)
  const { why } = (await standings(lb1)).web02!
  assert.match(why!, /connect to 10\.0\.0\.100 timed out after 300ms: has the server 10\.0\.0\.100 on its lo\?/)
  await delay(Math.max(0, silentMs - took[0]!) + MARGIN + REQUEST_TIMEOUT)
  const { failed } = traffic.counts
  await delay(1000)
  assert.equal(traffic.counts.failed, failed, 'requests fail after the time of detection')
  for (const command of lo('add')) await lab.run('web02', command)
  for (const each of [lb1, lb2]) await until(async () => (await states(each)) === all, 'web02 is back')
  await delay(300)
  assert.equal(traffic.counts.failed, failed, 'requests fail when it comes back')
  context.diagnostic(
    `down after ${took.map((ms) => ms.toFixed(0)).join(' and ')} ms (computed: at most ${silentMs}), ${failed} requests lost`,
  )
  assert.deepEqual(await Promise.all(['lb1', 'lb2'].map((node) => resets(lab, node))), [0, 0])
})
