// IPv6 beside IPv4, UDP beside TCP, in one file, with real clients and servers:
//
//            .-- client 10.0.0.200 2001:db8::200: curl, datagrams
//   switch --+-- lb1 10.0.0.2 2001:db8::2: tenbin, services on 10.0.0.100 and 2001:db8::100
//            '-- web01..03 10.0.0.11..13 2001:db8::11..13: HTTP on port 80, datagrams on port 53; they answer the
//                client directly (dsr)

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { writeSysctls } from '../../src/lab/run.ts'
import { findNode } from '../../src/lab/topology.ts'
import { skip } from './support/execute.ts'
import { Tenbin } from './support/tenbin.ts'
import { askUdp, startUdpServers } from './support/udp.ts'

const REQUESTS = 48
const PORT = 53
const DEADLINE_MS = 20_000
const all = ['web01', 'web02', 'web03']
const [service, service6] = ['10.0.0.100', '2001:db8::100']
const silence = 'neighbour FAILED: no answer to neighbour discovery'

const file = `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [${service}/24, "${service6}/64"] } }
servers: { web01..03: 10.0.0.11..13, six01..03: 2001:db8::11..13 }
defaults: { forward: dsr, check: none }
services:
  dns: { listen: "${service}:${PORT}/udp", servers: web01..03 }
  dns6: { listen: "[${service6}]:${PORT}/udp", servers: six01..03 }
  www6: { listen: "[${service6}]:80", servers: six01..03 }
`

/** A neighbour that is silent is found out in a few seconds instead of a minute; answers may be late by as much as in a stall. */
const impatient = {
  'net/ipv6/neigh/eth0/base_reachable_time_ms': '500',
  'net/ipv6/neigh/eth0/delay_first_probe_time': '1',
  'net/ipv6/neigh/eth0/retrans_time_ms': '300',
  'net/ipv6/neigh/eth0/interval_probe_time_ms': '200',
}

let lab: Lab
let tenbin: Tenbin
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'six', servers: all.length, ipv6: true })
  writeSysctls(findNode(lab.topology, 'lb1').namespace, impatient)
  await lab.startWebServers()
  await startUdpServers(lab, { addresses: [service, service6], port: PORT })
  tenbin = new Tenbin(lab)
  tenbin.write(file)
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const status = async (): Promise<Status> => tenbin.statusNow()
const packetsOf = (some: readonly { readonly packets: string }[]): number =>
  some.reduce((sum, { packets }) => sum + Number(packets), 0)
const who = (names: Iterable<string | undefined>): (string | undefined)[] => [...new Set(names)].sort()

/** curl6: who answers so many requests over IPv6, each with a connection of its own. */
async function curl6(): Promise<(string | undefined)[]> {
  const urls = Array<string>(REQUESTS).fill(`http://[${service6}]/`)
  const options = ['-6', '-g', '-sS', '-f', '-m', '20', '-H', 'Connection: close']
  const out = await lab.run('client', ['curl', ...options, ...urls])
  return who(out.trim().split('\n'))
}

async function until(wanted: (status: Status) => boolean, what: string): Promise<Status> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(20)) {
    const now = await status()
    if (wanted(now)) return now
  }
  return assert.fail(`not in time: ${what}: ${JSON.stringify(await status())}`)
}

test('a file of both families and protocols is applied, with its addresses', { skip }, async () => {
  const { servers, services } = await until(({ problems }) => problems.length === 0, 'without a problem')
  assert.deepEqual(
    services.map(({ listeners }) => listeners),
    [[`${service}:${PORT}/udp`], [`[${service6}]:${PORT}/udp`], [`[${service6}]:80`]],
  )
  const macs = new Map(servers.map(({ name, mac }) => [name, mac]))
  for (const number of ['01', '02', '03']) assert.equal(macs.get(`six${number}`), macs.get(`web${number}`))
  assert.match(
    await lab.run('lb1', ['ip', '-6', 'addr', 'show', 'dev', 'eth0', 'to', service6]),
    /2001:db8::100\/64 scope global nodad deprecated/,
  )
})

test('HTTP over IPv6 reaches every server, and status counts it', { skip }, async () => {
  assert.deepEqual(await curl6(), all)
  const { services, servers, outcomes } = await status()
  const www6 = services.find(({ name }) => name === 'www6')!
  // A SYN, its ACK, the request, the ACK of the answer, a FIN: none fewer.
  assert.ok(Number(www6.packets) >= 5 * REQUESTS, `${www6.packets} packets`)
  assert.ok(Number(www6.bytes) >= 40 * Number(www6.packets), `${www6.bytes} bytes`)
  const six = servers.filter(({ name }) => name.startsWith('six'))
  assert.ok(six.every(({ packets }) => Number(packets) > 0))
  assert.equal(packetsOf(six), Number(www6.packets))
  assert.equal(outcomes.forwarded, www6.packets)
})

for (const [name, address] of [
  ['dns', service],
  ['dns6', service6],
] as const) {
  test(`datagrams to ${address} reach every server, as trace says, and status counts each`, {
    skip,
  }, async () => {
    const before = await status()
    const answered = await askUdp(lab, { address, port: PORT, count: REQUESTS })
    assert.deepEqual(who(answered.map(({ server }) => server)), all)
    const after = await status()
    assert.equal(Number(after.services.find((each) => each.name === name)?.packets), REQUESTS)
    // the servers of this family: a connection of the other one may end late
    const own = ({ servers }: Status) =>
      packetsOf(servers.filter((each) => each.name.startsWith(name === 'dns' ? 'web' : 'six')))
    assert.equal(own(after) - own(before), REQUESTS)
    const at = (host: string, port: number) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)
    const client = name === 'dns' ? '10.0.0.200' : '2001:db8::200'
    for (const { localPort, server } of answered) {
      const traced = await tenbin.trace(at(client, localPort), at(address, PORT), 'udp')
      assert.equal(traced.server?.slice(-2), server?.slice(-2))
    }
  })
}

test('the trace command takes IPv6 and UDP', { skip }, async () => {
  const [client, listener] = ['[2001:db8::200]:50000', `[${service6}]:${PORT}/udp`]
  const { code, out } = await tenbin.cli('trace', client, listener)
  assert.equal(code, 0)
  assert.ok(out.startsWith(`${client} to ${listener}: six0`), out)
  // The same port of the other protocol is nobody's.
  const tcp = await tenbin.cli('trace', client, `[${service6}]:${PORT}`)
  assert.equal(tcp.code, 1)
  assert.match(tcp.out, /no-listener/)
})

test('nothing was dropped, and the node’s own kernel saw no datagram', { skip }, async () => {
  const { outcomes } = await status()
  const dropped = ['fragment', 'truncated', 'bad-length', 'ttl', 'no-server']
  assert.deepEqual(
    dropped.map((name) => outcomes[name]),
    dropped.map(() => '0'),
  )
  const counters = await lab.run('lb1', ['cat', '/proc/net/snmp6'])
  assert.match(counters, /^Udp6InDatagrams\s+0$/m)
  assert.match(counters, /^Udp6NoPorts\s+0$/m)
})

test('a server silent in IPv6 alone is unusable in IPv6 alone, and comes back', { skip }, async () => {
  const address = '2001:db8::13/64'
  await lab.run('web03', ['ip', 'addr', 'del', address, 'dev', 'eth0'])
  const whyOf = ({ servers }: Status, name: string) => servers.find((each) => each.name === name)?.why
  const down = await until((now) => whyOf(now, 'six03') !== undefined, 'six03 is unusable')
  assert.equal(whyOf(down, 'six03'), silence)
  assert.equal(whyOf(down, 'web03'), undefined)
  assert.deepEqual(await curl6(), all.slice(0, 2))
  const ask = async (at: string) =>
    who((await askUdp(lab, { address: at, port: PORT, count: REQUESTS })).map(({ server }) => server))
  assert.deepEqual(await ask(service6), all.slice(0, 2))
  assert.deepEqual(await ask(service), all)
  await lab.run('web03', ['ip', 'addr', 'add', address, 'dev', 'eth0'])
  await until((now) => whyOf(now, 'six03') === undefined, 'six03 is back')
  assert.deepEqual(await ask(service6), all)
})

test('killed, it leaves both families forwarding; down takes all of it away', { skip }, async () => {
  await tenbin.kill()
  assert.deepEqual(await curl6(), all)
  const { code, out } = await tenbin.cli('down')
  assert.equal(code, 0, out)
  assert.match(out, /2001:db8::100\/64 on eth0/)
  assert.doesNotMatch(await lab.run('lb1', ['ip', '-6', 'addr', 'show', 'eth0']), /::100\//)
  assert.doesNotMatch(await lab.run('lb1', ['ip', '-6', 'neigh']), /managed/)
})
