// A DNS load over UDP, by real programs: dnsperf asks from many ports, dnsmasq answers on every server, in both families.
//
//            .-- client: dnsperf, dig's part is played by it too
//   switch --+-- lb1 10.0.0.100:53/udp, [2001:db8::100]:53/udp
//            '-- web01..03: dnsmasq, which count what they answer

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Lab } from '../../src/lab/held-lab.ts'
import { nodesOf } from '../../src/lab/topology.ts'
import { Capture } from './support/capture.ts'
import { checksums } from './support/checksums.ts'
import { execute, skip } from './support/execute.ts'
import { serverNames } from './support/file.ts'
import { Tenbin } from './support/tenbin.ts'

const QUERIES = 20_000
const PORTS = 200
const DEADLINE_MS = 20_000
const SERVICES = { dns: ['10.0.0.100', 'inet'], dns6: ['2001:db8::100', 'inet6'] } as const

let lab: Lab
let tenbin: Tenbin
const pids = new Map<string, number>()

const file = `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24, "2001:db8::100/64"] } }
servers: { web01..03: 10.0.0.11..13, six01..03: 2001:db8::11..13 }
defaults: { forward: dsr, check: none }
services:
  dns: { listen: "10.0.0.100:53/udp", servers: web01..03 }
  dns6: { listen: "[2001:db8::100]:53/udp", servers: six01..03 }
`

const logOf = (name: string): string => join(lab.directory, `dnsmasq-${name}.log`)

/** startDnsmasq: every name below .test has an address. It answers from the address that was asked. */
async function startDnsmasq(name: string): Promise<void> {
  const conf = join(lab.directory, `dnsmasq-${name}.conf`)
  const lines = [
    ...['no-resolv', 'no-hosts', 'bind-interfaces', 'user=root', 'group=root', 'cache-size=0'],
    ...[...lab.topology.serviceAddresses, ...lab.topology.serviceAddresses6].map(
      (ip) => `listen-address=${ip}`,
    ),
    ...['address=/test/192.0.2.7', `log-facility=${logOf(name)}`, `pid-file=${conf}.pid`],
  ]
  writeFileSync(conf, `${lines.join('\n')}\n`)
  const child = lab.spawn(name, ['dnsmasq', '--keep-in-foreground', `--conf-file=${conf}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  })
  await until(`dnsmasq on ${name}`, () => child.exitCode === null && read(logOf(name)).includes('started'))
  pids.set(name, child.pid!)
  child.unref()
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !isTrue(); await delay(10))
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`)
}

/** answersOf: how many queries a dnsmasq has answered, by its own count, which it writes into its log when asked. */
async function answersOf(name: string): Promise<number> {
  const counts = () => [...read(logOf(name)).matchAll(/queries answered locally (\d+)/g)]
  const before = counts().length
  process.kill(pids.get(name)!, 'SIGUSR1')
  await until(`counts of ${name}`, () => counts().length > before)
  return Number(counts().at(-1)![1])
}

/** ask: dnsperf's own summary, by its words. */
async function ask(service: keyof typeof SERVICES, queries: number, ports: number) {
  const [address, family] = SERVICES[service]
  const data = join(lab.directory, `${service}-${queries}.txt`)
  writeFileSync(data, Array.from({ length: queries }, (_, at) => `host${at}.test A\n`).join(''))
  const options = [
    '-s',
    address,
    '-f',
    family,
    '-d',
    data,
    '-n',
    '1',
    '-c',
    `${ports}`,
    '-T',
    '1',
    '-q',
    '50',
  ]
  const { out, err } = await execute(lab, 'client', ['dnsperf', ...options])
  const count = (words: string) => Number(new RegExp(`${words}: +(\\d+)`).exec(out)?.[1] ?? Number.NaN)
  assert.match(out, /Response codes: +NOERROR \d+ \(100\.00%\)/, `${out}${err}`)
  return { sent: count('Queries sent'), completed: count('Queries completed'), lost: count('Queries lost') }
}

before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'dns', servers: 3, ipv6: true })
  tenbin = new Tenbin(lab)
  tenbin.write(file)
  await Promise.all([
    tenbin.start(),
    ...nodesOf(lab.topology, 'server').map(({ name }) => startDnsmasq(name)),
  ])
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

for (const service of ['dns', 'dns6'] as const) {
  test(`${QUERIES} queries to ${service} from ${PORTS} ports: each is answered, by the server that status says`, {
    skip,
  }, async () => {
    const servers = serverNames(lab.topology)
    const named = (name: string) => (service === 'dns' ? name : name.replace('web', 'six'))
    const counted = async () => {
      const { servers: all, outcomes } = await tenbin.statusNow()
      const packets = servers.map((name) => Number(all.find((each) => each.name === named(name))!.packets))
      const answers = await Promise.all(servers.map(answersOf))
      return { packets, answers, forwarded: Number(outcomes.forwarded) }
    }
    const before = await counted()
    assert.deepEqual(await ask(service, QUERIES, PORTS), { sent: QUERIES, completed: QUERIES, lost: 0 })
    const now = await counted()
    const grown = (of: 'packets' | 'answers') => now[of].map((count, at) => count - before[of][at]!)
    assert.equal(now.forwarded - before.forwarded, QUERIES)
    assert.deepEqual(grown('packets'), grown('answers'))
    // 200 ports over 3 servers: a fair share is 67, five deviations are 33.
    for (const packets of grown('packets')) assert.ok(packets > QUERIES / 6, `${grown('packets')}`)
  })
}

test('no datagram has a wrong checksum, at the client or at any server', { skip }, async () => {
  const atClient = await Capture.of(lab, 'client', 'lb1')
  const atServers = await Promise.all(serverNames(lab.topology).map((name) => Capture.of(lab, name, 'lb1')))
  await ask('dns', 200, 50)
  await ask('dns6', 200, 50)
  const captures = [atClient, ...atServers]
  for (const capture of captures) await capture.stop()
  const found = await Promise.all(captures.map(({ file }) => checksums(lab, file)))
  const [client, ...others] = found.map(({ right }) => right)
  // A question and an answer each.
  assert.deepEqual([client, others.reduce((sum, right) => sum + right)], [800, 800])
  assert.deepEqual(
    found.flatMap(({ wrong }) => wrong),
    [],
  )
})
