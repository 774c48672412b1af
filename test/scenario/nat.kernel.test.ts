// Nat with real clients and servers, in both families: servers whose router is lb1 answer through it.
//
//            .-- client 10.0.1.200 2001:db8:1::200: curl, wrk, datagrams
//   switch --+-- lb1 10.0.0.2 2001:db8::2: tenbin, services on 10.0.0.100 and 2001:db8::100
//            '-- web01..03 10.0.0.11..13 2001:db8::11..13: nginx on ports 80 and 81, datagrams on port 53; default route by lb1

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Status } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { Capture } from './support/capture.ts'
import { checksums } from './support/checksums.ts'
import { skip } from './support/execute.ts'
import { brokenOf, holdConnections } from './support/flows.ts'
import { startCurl, startWrk } from './support/load.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { type Served, startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'
import { askUdp, startUdpServers } from './support/udp.ts'

const REQUESTS = 48
const RELOADS = 20
const all = ['web01', 'web02', 'web03']
const [service, service6] = ['10.0.0.100', '2001:db8::100']
/** What a node does for the services in its own kernel: nothing. */
const FORWARDING = ['net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding']

const members = (name: string, without: boolean) =>
  without ? `[${name}01, { name: ${name}02, weight: 0 }, ${name}03]` : `${name}01..03`

/** `without` web02 and six02 new connections go to the others; it stays in the file, drained by its weight. */
const file = (without = false) => `
nodes: { lb1: 10.0.0.2 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [${service}/24, "${service6}/64"] } }
servers: { web01..03: 10.0.0.11..13, six01..03: 2001:db8::11..13 }
defaults: { forward: nat, check: none }
services:
  www: { listen: "${service}:80", servers: ${members('web', without)} }
  www6: { listen: "[${service6}]:80", servers: ${members('six', without)} }
  shown: { listen: "${service}:8080", servers: web01..03, server_port: 81 }
  dns: { listen: "${service}:5353/udp", servers: web01..03, server_port: 53 }
`

let lab: Lab
let tenbin: Tenbin
let download: Served
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'nat', servers: all.length, ipv6: true, forward: 'nat' })
  download = await startNginx(lab)
  await startUdpServers(lab, { addresses: ['0.0.0.0'], port: 53 })
  tenbin = new Tenbin(lab)
  tenbin.write(file())
  await tenbin.start()
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const status = async (): Promise<Status> => tenbin.statusNow()
const who = (names: Iterable<string | undefined>): (string | undefined)[] => [...new Set(names)].sort()

/** curl: who answers so many requests, each with a connection of its own. */
async function curl(url: string): Promise<(string | undefined)[]> {
  const options = ['-g', '-sS', '-f', '-m', '20', '-H', 'Connection: close']
  const out = await lab.run('client', ['curl', ...options, ...Array<string>(REQUESTS).fill(url)])
  return who(out.trim().split('\n'))
}

for (const url of [`http://${service}/`, `http://[${service6}]/`, `http://${service}:8080/`])
  test(`${url} is answered by every server, through lb1`, { skip }, async () => {
    const before = await status()
    assert.deepEqual(await curl(url), all)
    const now = await status()
    // a SYN-ACK, the answer, a FIN: none fewer
    const answered = Number(now.outcomes.answered) - Number(before.outcomes.answered)
    assert.ok(answered >= 3 * REQUESTS, `${answered} answers`)
  })

test('datagrams come back from every server, from the port that they were sent to', { skip }, async () => {
  const answered = await askUdp(lab, { address: service, port: 5353, count: REQUESTS })
  assert.deepEqual(who(answered.map(({ server }) => server)), all)
})

test('a server sees its client, and the client sees the service', { skip }, async () => {
  const at = await Promise.all(
    ['client', 'web01', 'web02', 'web03'].map((name) => Capture.of(lab, name, 'lb1')),
  )
  await curl(`http://${service}:8080/`)
  for (const capture of at) await capture.stop()
  const lines = async ({ file }: Capture, filter: string) =>
    (await lab.run('client', ['tcpdump', '-nn', '-r', file, filter])).trim().split('\n').filter(Boolean)
  const [client, ...servers] = at as [Capture, ...Capture[]]
  assert.deepEqual(await lines(client, 'tcp and not host 10.0.0.100'), [])
  assert.ok((await lines(client, 'tcp and src host 10.0.0.100 and src port 8080')).length >= 3 * REQUESTS)
  for (const server of servers) {
    assert.deepEqual(await lines(server, 'tcp and (host 10.0.0.100 or port 8080)'), [])
    assert.ok((await lines(server, 'tcp and src host 10.0.1.200 and dst port 81')).length > 0)
  }
})

for (const address of [service, `[${service6}]`]) {
  test(`16 MiB from ${address} arrive as they were sent, eight at a time`, { skip }, async () => {
    const script = `curl -g -sS -f -m 60 http://${address}${download.path} | sha256sum`
    const digests = Array.from({ length: 8 }, () => lab.run('client', ['sh', '-c', script]))
    for (const digest of await Promise.all(digests)) assert.ok(digest.startsWith(download.sha256))
  })

  test(`no packet to or from ${address} has a wrong checksum, at the client or at any server`, {
    skip,
  }, async () => {
    const at = await Promise.all(['client', ...all].map((name) => Capture.of(lab, name, 'lb1')))
    const part = ['-g', '-sS', '-f', '-m', '60', '-o', '/dev/null', '-r', '0-199999']
    for (let i = 0; i < 6; i++)
      await lab.run('client', ['curl', ...part, `http://${address}${download.path}`])
    if (address === service) await askUdp(lab, { address: service, port: 5353, count: REQUESTS })
    for (const capture of at) await capture.stop()
    const found = await Promise.all(at.map(({ file }) => checksums(lab, file)))
    assert.deepEqual(
      found.flatMap(({ wrong }) => wrong),
      [],
    )
    // 6 times 200,000 bytes in segments of 1,448
    assert.ok(found[0]!.right > 6 * 138, `${found[0]!.right} segments`)
  })
}

test('connections, wrk and curl go on through reloads with other servers and a daemon that is killed', {
  skip,
}, async () => {
  await using held = await holdConnections(lab, { address: service, port: 80, count: 60, everyMs: 50 })
  await using held6 = await holdConnections(lab, { address: service6, port: 80, count: 60, everyMs: 50 })
  await using wrk = startWrk(lab, `http://${service}:8080/`, 20)
  await using curled = startCurl(lab, `http://${service}/`, 2, 20)
  for (let reload = 0; reload < RELOADS; reload++) {
    await tenbin.apply(file(reload % 2 === 0))
    if (reload !== RELOADS / 2) continue
    await tenbin.kill()
    await tenbin.start()
  }
  assert.deepEqual(brokenOf(await held.ask('report')), [])
  assert.deepEqual(brokenOf(await held6.ask('report')), [])
  const [wrked, answered] = [await wrk.stop(), await curled.stop()]
  assert.deepEqual(wrked.errors, { connect: 0, read: 0, write: 0, status: 0, timeout: 0 })
  assert.deepEqual(answered.failures, [])
  assert.ok(wrked.requests > 100 && answered.answered > 10)
})

test('a server that is drained keeps its connections and gets no new ones', { skip }, async () => {
  await using held = await holdConnections(lab, { address: service, port: 80, count: 60, everyMs: 50 })
  assert.equal((await tenbin.cli('drain', 'web02')).code, 0)
  assert.deepEqual(await curl(`http://${service}/`), ['web01', 'web03'])
  assert.deepEqual(brokenOf(await held.ask('ask')), [])
  assert.equal((await tenbin.cli('undrain', 'web02')).code, 0)
  assert.deepEqual(await curl(`http://${service}/`), all)
})

test('nothing was dropped, and the node’s own kernel forwards nothing and answered nobody', {
  skip,
}, async () => {
  const { outcomes, problems } = await status()
  assert.deepEqual(problems, [])
  for (const name of ['clash', 'no-room', 'no-server', 'ttl', 'bad-length', 'truncated', 'fragment'])
    assert.equal(outcomes[name], '0', name)
  for (const name of FORWARDING)
    assert.equal((await lab.run('lb1', ['sysctl', '-n', name])).trim(), '0', name)
  const kernel = await networkCounters(lab, 'lb1')
  assert.deepEqual(pick(kernel, 'Tcp.InSegs', 'Tcp.OutRsts'), { 'Tcp.InSegs': 0, 'Tcp.OutRsts': 0 })
})
