// Nat on a node with two NICs, in both families: clients in front, servers behind, whose router is the node. Nothing of
// either network reaches the other but what is translated.
//
//   front  --+-- client 10.0.0.200 2001:db8::200
//   10.0.0.0 '-- lb1 eth0 10.0.0.2: tenbin, services on 10.0.0.100 and 2001:db8::100   --. requests
//   back   --+-- lb1 eth1 10.1.0.2 2001:db8:1::2                                       <--'
//   10.1.0.0 +-- web01..03 eth1 10.1.0.11..13 2001:db8:1::11..13: nginx, datagrams on port 53; default route by lb1
//            '-- client2 eth1 10.1.0.201: on the servers' own network

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { Status } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { addBackNetwork } from './support/back-network.ts'
import { Capture } from './support/capture.ts'
import { checksums } from './support/checksums.ts'
import { execute, skip } from './support/execute.ts'
import { brokenOf, holdConnections } from './support/flows.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { type Served, startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'
import { askUdp, startUdpServers } from './support/udp.ts'

const REQUESTS = 48
const DEADLINE_MS = 20_000
const webs = ['web01', 'web02', 'web03']
const [SERVICE, SERVICE6] = ['10.0.0.100', '2001:db8::100']
const file = `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0, back: eth1 }
addresses: { front: { on: lan, ips: [${SERVICE}/24, "${SERVICE6}/64"] } }
servers: { web01..03: 10.1.0.11..13, six01..03: 2001:db8:1::11..13 }
defaults: { forward: nat, check: none }
services:
  www: { listen: "${SERVICE}:80", servers: web01..03 }
  www6: { listen: "[${SERVICE6}]:80", servers: six01..03 }
  shown: { listen: "${SERVICE}:8080", servers: web01..03, server_port: 81 }
  dns: { listen: "${SERVICE}:5353/udp", servers: web01..03, server_port: 53 }
  closed: { listen: "${SERVICE}:5454/udp", servers: web01..03, server_port: 9 }
  closed6: { listen: "[${SERVICE6}]:9/udp", servers: six01..03 }
`

let lab: Lab
let tenbin: Tenbin
let download: Served
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'ntwo', servers: webs.length, clients: 2, ipv6: true })
  await addBackNetwork(lab, ['lb1', 'client2', ...webs])
  for (const web of webs) {
    for (const address of [`${SERVICE}/32`, `${SERVICE6}/128`])
      await lab.run(web, ['ip', 'addr', 'del', address, 'dev', 'lo'])
    await lab.run(web, ['ip', 'link', 'set', 'eth0', 'down'])
    await lab.run(web, ['ip', 'route', 'add', 'default', 'via', '10.1.0.2'])
    await lab.run(web, ['ip', '-6', 'route', 'add', 'default', 'via', '2001:db8:1::2'])
  }
  await lab.run('client2', ['ip', 'route', 'add', SERVICE, 'via', '10.1.0.2', 'dev', 'eth1'])
  download = await startNginx(lab)
  await startUdpServers(lab, { addresses: ['0.0.0.0'], port: 53 })
  tenbin = new Tenbin(lab)
  tenbin.write(file)
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const status = async (): Promise<Status> => tenbin.statusNow()
const outcome = async (name: string): Promise<number> => Number((await status()).outcomes[name])
const who = (names: Iterable<string | undefined>): (string | undefined)[] => [...new Set(names)].sort()

/** curl: who answers so many requests, each with a connection of its own. */
async function curl(url: string): Promise<(string | undefined)[]> {
  const options = ['-g', '-sS', '-f', '-m', '20', '-H', 'Connection: close']
  const out = await lab.run('client', ['curl', ...options, ...Array<string>(REQUESTS).fill(url)])
  return who(out.trim().split('\n'))
}

test('all servers are found behind the back network’s interface', { skip }, async () => {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(20)) {
    const { servers, problems } = await status()
    if (problems.length === 0 && servers.every((server) => server.interface === 'eth1')) return
  }
  assert.fail(JSON.stringify(await status()))
})

for (const url of [`http://${SERVICE}/`, `http://[${SERVICE6}]/`, `http://${SERVICE}:8080/`])
  test(`${url} is answered by every server: requests leave behind, answers in front`, { skip }, async () => {
    const before = await status()
    assert.deepEqual(await curl(url), webs)
    const now = await status()
    const more = (name: string) => Number(now.outcomes[name]) - Number(before.outcomes[name])
    // a SYN, its ACK, the request, a FIN; a SYN-ACK, the answer, a FIN: none fewer
    assert.ok(more('redirected') >= 4 * REQUESTS, `${more('redirected')} requests`)
    assert.ok(more('answer-redirected') >= 3 * REQUESTS, `${more('answer-redirected')} answers`)
    assert.deepEqual([more('forwarded'), more('answered')], [0, 0])
  })

test('datagrams come back from every server, from the port that they were sent to', { skip }, async () => {
  const answered = await askUdp(lab, { address: SERVICE, port: 5353, count: REQUESTS })
  assert.deepEqual(who(answered.map(({ server }) => server)), webs)
})

test('large datagrams come back whole, in fragments', { skip }, async () => {
  const answered = await askUdp(lab, { address: SERVICE, port: 5353, count: REQUESTS, length: 4_000 })
  assert.deepEqual(
    answered.filter(({ isWhole }) => !isWhole),
    [],
  )
})

for (const [address, port] of [
  [SERVICE, 5454],
  [SERVICE6, 9],
] as const)
  test(`who asks ${address} at a port that is closed at the server is refused at once`, {
    skip,
  }, async () => {
    const before = await outcome('answer-redirected')
    // few, as kernels tell so many a second
    const answered = await askUdp(lab, { address, port, count: 4 })
    assert.deepEqual(new Set(answered.map(({ error }) => error)), new Set(['ECONNREFUSED']))
    assert.equal(await outcome('answer-redirected'), before + 4)
  })

for (const address of [SERVICE, `[${SERVICE6}]`])
  test(`16 MiB from ${address} arrive as they were sent, with sound checksums`, { skip }, async () => {
    const script = `curl -g -sS -f -m 60 http://${address}${download.path} | sha256sum`
    assert.ok((await lab.run('client', ['sh', '-c', script])).startsWith(download.sha256))
    const capture = await Capture.of(lab, 'client', 'lb1')
    const part = ['-g', '-sS', '-f', '-m', '60', '-o', '/dev/null', '-r', '0-199999']
    for (let i = 0; i < 3; i++)
      await lab.run('client', ['curl', ...part, `http://${address}${download.path}`])
    await capture.stop()
    const { wrong, right } = await checksums(lab, capture.file)
    assert.deepEqual(wrong, [])
    // 3 times 200,000 bytes in segments of 1,448
    assert.ok(right > 3 * 138, `${right} segments`)
    for (const web of webs)
      assert.deepEqual(pick(await networkCounters(lab, web), 'Tcp.InCsumErrors', 'Udp.InCsumErrors'), {
        'Tcp.InCsumErrors': 0,
        'Udp.InCsumErrors': 0,
      })
  })

test('connections go on while the daemon is killed and started again, and the file has another server set', {
  skip,
}, async () => {
  await using held = await holdConnections(lab, { address: SERVICE, port: 8080, count: 60, everyMs: 50 })
  await using held6 = await holdConnections(lab, { address: SERVICE6, port: 80, count: 60, everyMs: 50 })
  await tenbin.kill()
  assert.deepEqual(await curl(`http://${SERVICE}/`), webs)
  await tenbin.start()
  for (const servers of ['[web01, { name: web02, weight: 0 }, web03]', 'web01..03'])
    await tenbin.apply(file.replaceAll('servers: web01..03', `servers: ${servers}`))
  assert.deepEqual(brokenOf(await held.ask('report')), [])
  assert.deepEqual(brokenOf(await held6.ask('report')), [])
})

for (const [node, what, address] of [
  ['client2', 'a client on the servers’ own network', '10.1.0.201'],
  ['web01', 'a server that asks its own service', '10.1.0.11'],
] as const)
  test(`${what} is refused by a counter, and trace says why`, { skip }, async () => {
    const before = await outcome('hairpin')
    const { code, out } = await execute(lab, node, ['curl', '-sS', '-m', '1', `http://${SERVICE}/`])
    assert.notEqual(code, 0, out)
    assert.ok((await outcome('hairpin')) > before)
    const { outcome: told, steps } = await tenbin.trace(`${address}:40000`, `${SERVICE}:80`)
    assert.equal(told, 'hairpin')
    assert.match(steps.join('\n'), /own network, 10\.1\.0\.\d+\/24: it would be answered directly, past this/)
  })

test('nothing else was dropped, and the node’s own kernel forwards nothing', { skip }, async () => {
  const { outcomes, problems } = await status()
  assert.deepEqual(problems, [])
  for (const name of ['clash', 'no-room', 'no-server', 'ttl', 'bad-length', 'truncated', 'fragment'])
    assert.equal(outcomes[name], '0', name)
  for (const name of ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'])
    assert.equal((await lab.run('lb1', ['sysctl', '-n', name])).trim(), '0', name)
})
