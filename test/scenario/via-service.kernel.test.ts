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
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RHYTHM } from '../../src/config/check-spec.ts'
import { detectionOf } from '../../src/health/rhythm.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { nodesOf, SWITCH } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { skip } from './support/execute.ts'
import { failedOf, patient, repeatedSyns } from './support/lost.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'
import { startUdpServers } from './support/udp.ts'

const rhythm = { every: '300ms', in_doubt: '150ms', timeout: '300ms', fall: 2, rise: 2 }
const { silentMs } = detectionOf({ ...RHYTHM, everyMs: 300, inDoubtMs: 150, timeoutMs: 300, fall: 2 })
/** From a finding to the last slot. */
const SLOTS = 500
/** What this machine is late by at times. */
const MARGIN = 2000
const KILLS = Number(process.env.TENBIN_KILLS ?? 2)
const [ADDRESS, ADDRESS6] = ['10.0.0.100', '2001:db8::100']

const fileOf = (lab: Lab): string => {
  const by = (key: 'address' | 'address6', role: 'balancer' | 'server', suffix = '') =>
    Object.fromEntries(nodesOf(lab.topology, role).map((node) => [`${node.name}${suffix}`, node[key]]))
  const names = nodesOf(lab.topology, 'server').map(({ name }) => name)
  const check = { http: '/', via: 'service', ...rhythm }
  const udp = { send: 'hello', expect: '^web0.\\|hello$' }
  return JSON.stringify({
    nodes: by('address', 'balancer'),
    interfaces: { lan: 'eth0' },
    addresses: { front: { on: 'lan', ips: [`${ADDRESS}/24`, `${ADDRESS6}/64`] } },
    servers: { ...by('address', 'server'), ...by('address6', 'server', 'six') },
    services: {
      www: { listen: [`${ADDRESS}:80`], servers: names, check },
      www6: { listen: [`[${ADDRESS6}]:80`], servers: names.map((name) => `${name}six`), check },
      talk: { listen: [`${ADDRESS}:7/udp`], servers: names, check: { udp, via: 'service', ...rhythm } },
    },
  })
}

type Standings = Readonly<Record<string, { readonly state: string; readonly why?: string | undefined }>>

/** standings: what each server is taken for, IPv4's and IPv6's; one of IPv4 is up if both of its services' checks are good. */
const standings = async (tenbin: Tenbin): Promise<Standings> =>
  Object.fromEntries(
    ((await tenbin.status())?.pools ?? []).flatMap(({ servers }) =>
      servers.map(({ name, check }) => [name, { state: check?.state ?? 'none', why: check?.why }]),
    ),
  )

const states = async (tenbin: Tenbin): Promise<string> =>
  Object.entries(await standings(tenbin))
    .map(([name, { state }]) => `${name} ${state}`)
    .join()

const all = (name: (number: number) => string): string[] => [1, 2, 3, 4].map(name)
const everybody = [...all((n) => `web0${n}`), ...all((n) => `web0${n}six`)]
const expected = (down: readonly string[]): string =>
  everybody.map((name) => `${name} ${down.includes(name) ? 'down' : 'up'}`).join()

async function until(is: () => Promise<boolean>, what: string, patienceMs = 20_000): Promise<number> {
  const start = performance.now()
  while (!(await is())) {
    assert.ok(performance.now() - start < patienceMs, `in ${patienceMs} ms not: ${what}`)
    await delay(20)
  }
  return performance.now() - start
}

/** checkersOf an instance: the processes that look for it. */
const checkersOf = (instance: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        return words.some((word) => word.includes('checker-process')) && words.includes(instance)
      } catch {
        return false
      }
    })
    .map(Number)

/** resets: how many RSTs the kernel of a node has sent. */
const resets = async (lab: Lab, node: string): Promise<number> => {
  const [names, values] = (await lab.run(node, ['cat', '/proc/net/snmp']))
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '))
  return Number(values![names!.indexOf('OutRsts')])
}

/** listensItself has a server's nginx listen at the server's own addresses alone. */
async function listensItself(lab: Lab, name: string): Promise<void> {
  const { address, address6 } = nodesOf(lab.topology, 'server').find((node) => node.name === name)!
  const [config, pid] = ['conf', 'pid'].map((end) => join(lab.directory, `nginx-${name}.${end}`))
  const group = -Number(readFileSync(pid!, 'utf8'))
  process.kill(group, 'SIGKILL')
  const text = readFileSync(config!, 'utf8')
  writeFileSync(
    config!,
    text.replace('[::]:80', `[${address6}]:80`).replace(/listen 80 /, `listen ${address}:80 `),
  )
  await delay(100)
  const args = ['nginx', '-e', 'stderr', '-p', lab.directory, '-c', config!] as const
  lab.spawn(name, args, { stdio: 'ignore', detached: true }).unref()
  await until(
    async () => (await lab.run(name, ['cat', '/proc/net/tcp'])).includes(':0050 00000000:0000 0A'),
    'it listens',
  )
}

/** macs that the switch has seen behind a node's port. */
const macs = async (lab: Lab, node: string): Promise<string[]> =>
  (await lab.run(SWITCH, ['bridge', 'fdb', 'show', 'dev', node]))
    .split('\n')
    .filter((line) => line.includes('master') && !line.includes('permanent'))
    .map((line) => line.split(' ')[0]!)

test('a server that does not answer at the service address fails the checks through it, on the node that holds the address and on the one that does not', {
  skip,
}, async (context) => {
  await using lab = await Lab.hold({ prefix: 'vs', servers: 4, balancers: 2, ipv6: true })
  await startNginx(lab)
  await startUdpServers(lab, { addresses: [ADDRESS], port: 7 })
  await listensItself(lab, 'web04')
  const tenbins = [new Tenbin(lab), new Tenbin(lab, 'lb2')] as const
  const [lb1] = tenbins
  lb1.write(fileOf(lab))
  await Promise.all(tenbins.map((each) => each.start()))
  const usual = expected(['web04', 'web04six'])
  const everywhere = (wanted: string, what: string) =>
    Promise.all(tenbins.map((each) => until(async () => (await states(each)) === wanted, what)))
  await everywhere(usual, 'all servers but web04 are up')
  assert.match((await standings(lb1)).web04!.why!, /connect to 10\.0\.0\.100: refused/)

  const [client] = nodesOf(lab.topology, 'client')
  const target = { address: ADDRESS, port: 80, ...patient(200) }
  await using traffic = await TrafficClient.start(client!.namespace, target, 50)
  traffic.resume()
  await delay(300)
  assert.equal((await traffic.decided()).failed, 0)

  // it hands on what is not for it: to the node that has the address, which would find another server
  for (const path of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])
    await lab.run('web02', ['sysctl', '-qw', `${path}=1`])
  const onLo = async (verb: 'add' | 'del') => {
    for (const address of [`${ADDRESS}/32`, `${ADDRESS6}/128`])
      await lab.run('web02', ['ip', 'addr', verb, address, 'dev', 'lo'])
  }
  await onLo('del')
  const failedAt = Date.now()
  const took = await everywhere(
    expected(['web02', 'web02six', 'web04', 'web04six']),
    'web02 is down, and no other',
  )
  for (const ms of took) assert.ok(ms <= silentMs + MARGIN, `${ms} ms, computed ${silentMs}`)
  for (const each of tenbins) {
    const { web02, web02six } = await standings(each)
    assert.match(web02!.why!, /timed out after 300ms: has the server 10\.0\.0\.100 on its lo\?/)
    assert.match(web02six!.why!, /timed out after 300ms: has the server 2001:db8::100 on its lo\?/)
  }
  await delay(Math.max(0, silentMs - took[0]!) + SLOTS)
  const from = failedAt + Math.max(took[0]!, silentMs) + SLOTS
  const { sent } = traffic.counts
  await delay(500)
  assert.ok(traffic.counts.sent - sent > 50, 'requests go on')
  // Before it is back: who hangs at it would be answered after all.
  const { failed } = await traffic.decided()
  const repeated = await repeatedSyns(lab)
  await onLo('add')
  await everywhere(usual, 'web02 is back')

  // its ARP settings: it answers whoever asks for the service address, and clients go past the balancer
  const ignores = async (value: 0 | 1) => {
    for (const nic of ['all', 'eth0'])
      await lab.run('web03', ['sysctl', '-qw', `net.ipv4.conf.${nic}.arp_ignore=${value}`])
  }
  await ignores(0)
  await everywhere(expected(['web03', 'web04', 'web04six']), 'web03 is down')
  for (const each of tenbins)
    assert.match((await standings(each)).web03!.why!, /it answers ARP for 10\.0\.0\.100, so/)
  await ignores(1)
  await everywhere(usual, 'web03 is back')

  for (let round = 0; round < KILLS; round++) {
    for (const pid of checkersOf(lb1.instance)) if (round % 3 !== 0) process.kill(pid, 'SIGKILL')
    if (round % 3 !== 1) {
      await lb1.kill()
      await delay((round * 137) % 600)
      await lb1.start(() => true)
    }
    await delay((round * 211) % 700)
    await until(async () => (await states(lb1)) === usual, `round ${round}: states are as before`)
  }
  const counts = await traffic.decided()
  assert.equal(
    failedOf(counts, { from, to: Date.now() }),
    0,
    'requests fail after the time of detection, when it is back, or when something is killed',
  )
  assert.equal(counts.failed, failed)
  assert.equal(await repeatedSyns(lab), repeated, 'SYNs were lost')
  context.diagnostic(
    `down after ${took.map((ms) => ms.toFixed(0)).join(' and ')} ms (computed: at most ${silentMs}), ${failed} requests lost`,
  )

  for (const { name, mac } of nodesOf(lab.topology, 'balancer')) {
    assert.deepEqual(await macs(lab, name), [mac], 'the switch knows one MAC of a balancer')
    assert.equal(await resets(lab, name), 0, 'its kernel has sent no RST')
    const open = await lab.run(name, ['sh', '-c', 'cat /proc/sys/net/ipv4/conf/*/accept_local'])
    assert.match(open, /^(0\n)+$/, 'no interface accepts what comes from its own addresses')
    const { turned } = (await tenbins.find(({ instance }) => instance.endsWith(name))!.statusNow()).outcomes
    assert.ok(Number(turned) > 100, `${turned} answers`)
  }
  await traffic.stop()
  await lb1.kill()
  const { code, out } = await lb1.cli('down')
  assert.equal(code, 0)
  assert.match(out, /removed network namespace tenbin-vs\d*-lb1-checks/)
  assert.doesNotMatch(await lab.run('lb1', ['ip', '-o', 'link']), /checks-/)
  assert.equal(existsSync(`/run/netns/tenbin-${lb1.instance}-checks`), false)
})
