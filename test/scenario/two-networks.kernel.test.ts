// A node with two NICs: clients in front, servers behind. Servers answer the clients directly, by their own way to them.
//
//   front  --+-- client 10.0.0.200
//   10.0.0.0 +-- lb1 eth0 10.0.0.2: tenbin, services on 10.0.0.100, 2001:db8::100   --. redirected
//            '-- web01..03 eth0 (answers only)                                          |
//   back   --+-- lb1 eth1 10.1.0.2: a service on 10.1.0.100                         <--'
//   10.1.0.0 +-- web01..03 eth1 10.1.0.11..13, 2001:db8:1::11..13
//            '-- client2 eth1 10.1.0.201

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { addBackNetwork, plugBack, unplugBack } from './support/back-network.ts'
import { allClosed } from './support/closed.ts'
import { execute, skip } from './support/execute.ts'
import { Tenbin } from './support/tenbin.ts'

const REQUESTS = 48
const DEADLINE_MS = 20_000
const webs = ['web01', 'web02', 'web03']
const SERVICE = '10.0.0.100'
const SERVICE6 = '2001:db8::100'
const INNER = '10.1.0.100'
const file = `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0, back: eth1 }
addresses:
  front: { on: lan, ips: [${SERVICE}/24, "${SERVICE6}/64"] }
  inner: { on: back, ips: [${INNER}/24] }
servers: { web01..03: 10.1.0.11..13, six01..03: 2001:db8:1::11..13 }
defaults: { forward: dsr, check: none }
services:
  www: { listen: [${SERVICE}:80, ${INNER}:80], servers: web01..03 }
  www6: { listen: "[${SERVICE6}]:80", servers: six01..03 }
`

let lab: Lab
let tenbin: Tenbin
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'two', servers: webs.length, clients: 2, ipv6: true })
  await addBackNetwork(lab, ['lb1', 'client2', ...webs])
  for (const web of webs) await lab.run(web, ['ip', 'addr', 'add', `${INNER}/32`, 'dev', 'lo'])
  await lab.startWebServers()
  tenbin = new Tenbin(lab)
  tenbin.write(file)
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const status = async (): Promise<Status> => tenbin.statusNow()
const outcome = async (name: string): Promise<number> => Number((await status()).outcomes[name])

/** answers: who answers so many requests, each with a connection of its own; '' where nobody does. */
async function answers(
  address: string,
  client = 'client',
  requests = REQUESTS,
  more: string[] = [],
): Promise<string[]> {
  const urls = Array<string>(requests).fill(`http://${address}/`)
  const options = ['-g', '-sS', '-f', '-m', '2', '-H', 'Connection: close']
  const { out } = await execute(lab, client, ['curl', ...options, ...more, ...urls])
  return [...new Set(out.trim().split('\n'))].sort()
}

async function until(wanted: () => Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(20))
    if (await wanted()) return
  assert.fail(`not in time: ${what}: ${JSON.stringify(await status())}`)
}
const isComplete = async () => {
  const { problems, servers } = await status()
  return problems.length === 0 && servers.every(({ mac }) => mac !== undefined)
}

test('both interfaces forward, and servers are found behind the one that the route says', {
  skip,
}, async () => {
  await until(isComplete, 'all servers are known')
  const { interfaces, servers, addresses } = await status()
  assert.deepEqual(
    interfaces.map(({ name, mode, up }) => [name, mode, up]),
    [
      ['eth0', 'native', true],
      ['eth1', 'native', true],
    ],
  )
  assert.ok(servers.every((server) => server.interface === 'eth1'))
  assert.deepEqual(
    addresses.map(({ address, interface: nic, present }) => [address, nic, present]),
    [
      [SERVICE, 'eth0', true],
      [SERVICE6, 'eth0', true],
      [INNER, 'eth1', true],
    ],
  )
})

for (const address of [SERVICE, `[${SERVICE6}]`]) {
  test(`requests to ${address} come in in front and go out behind, and every server answers`, {
    skip,
  }, async () => {
    const [redirected, forwarded] = [await outcome('redirected'), await outcome('forwarded')]
    assert.deepEqual(await answers(address), webs)
    // a SYN, its ACK, the request, the ACK of the answer, a FIN: none fewer
    assert.ok((await outcome('redirected')) >= redirected + 5 * REQUESTS)
    assert.equal(await outcome('forwarded'), forwarded)
  })
}

test('clients of the back network have an address there, and nothing of theirs goes to the front', {
  skip,
}, async () => {
  await allClosed(lab, 'client')
  const [redirected, forwarded] = [await outcome('redirected'), await outcome('forwarded')]
  assert.deepEqual(await answers(INNER, 'client2'), webs)
  assert.ok((await outcome('forwarded')) >= forwarded + 5 * REQUESTS)
  assert.equal(await outcome('redirected'), redirected)
})

test('trace tells by which interface a packet leaves', { skip }, async () => {
  const { outcome: told, interface: nic, steps } = await tenbin.trace('10.0.0.200:40000', `${SERVICE}:80`)
  assert.deepEqual([told, nic], ['forwarded', 'eth1'])
  assert.match(steps.join('\n'), /on eth1: .*\n.* as redirected if by another/)
})

test('a server that asks its own service is told by a counter, and gets answers of the others', {
  skip,
}, async () => {
  // not set up for dsr: it has no service address, and asks lb1
  await lab.run('web01', ['ip', 'addr', 'del', `${INNER}/32`, 'dev', 'lo'])
  try {
    const before = await outcome('hairpin')
    // all at once, because every third waits in vain
    const answered = await answers(INNER, 'web01', REQUESTS, ['-Z', '--parallel-immediate'])
    assert.deepEqual(
      answered.filter((name) => name !== ''),
      ['web02', 'web03'],
    )
    assert.ok((await outcome('hairpin')) > before)
  } finally {
    await lab.run('web01', ['ip', 'addr', 'add', `${INNER}/32`, 'dev', 'lo'])
  }
})

test('a daemon that is killed leaves both interfaces forwarding; the next one takes them over', {
  skip,
}, async () => {
  const { interfaces } = await status()
  await tenbin.kill()
  assert.deepEqual(await answers(SERVICE), webs)
  await tenbin.start()
  assert.deepEqual((await status()).interfaces, interfaces)
  assert.deepEqual(await answers(INNER, 'client2'), webs)
})

test('an interface that is pulled out is told, and forwards again when it is put back', {
  skip,
}, async () => {
  await unplugBack(lab, 'lb1')
  await until(
    async () => (await status()).problems.some(({ code }) => code === 'INTERFACE_MISSING'),
    'it is told',
  )
  const { interfaces, servers, state } = await status()
  assert.deepEqual([state, interfaces.map(({ name }) => name)], ['forwarding', ['eth0']])
  assert.ok(
    servers.every(({ mac, why }) => mac === undefined && why?.includes('eth1')),
    JSON.stringify(servers),
  )
  await plugBack(lab, 'lb1')
  await until(isComplete, 'all is as before')
  assert.deepEqual(await answers(SERVICE), webs)
  assert.deepEqual(await answers(INNER, 'client2'), webs)
})

test('down takes everything off both interfaces', { skip }, async () => {
  await tenbin.kill()
  const { code, out } = await tenbin.cli('down')
  assert.equal(code, 0, out)
  for (const nic of ['eth0', 'eth1']) {
    assert.doesNotMatch(await lab.run('lb1', ['ip', 'link', 'show', nic]), /xdp/)
    assert.doesNotMatch(await lab.run('lb1', ['ip', 'addr', 'show', nic]), /\.100\/|::100\//)
  }
})
