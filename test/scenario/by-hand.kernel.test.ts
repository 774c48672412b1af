// Servers in and out by hand, by the real command, under the load of real clients:
//
//            .-- client: curl (a connection a request), connections that stay open
//   switch --+-- lb1: tenbin; drained, restarted, undrained
//            '-- web01..03: nginx; they answer the client directly (dsr)
//
// What a drain promises: no request fails, no connection breaks, and the server gets no new one, over restarts as well.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type OrderAnswer, orderSchema } from '../../src/daemon/api-schema.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { execute, skip } from './support/execute.ts'
import { serverNames, tenbinFile } from './support/file.ts'
import { startCurl, startOpenConnections } from './support/load.ts'
import { networkCounters, pick } from './support/network-counters.ts'
import { startNginx } from './support/nginx.ts'
import { Tenbin } from './support/tenbin.ts'

const OPEN = { exchanges: 30, slowRequests: 24, downloads: 6 }
const CURL = { loops: 2, rate: 50 }
const DRAINED = 'web02'
/** So many requests are to be answered before a count is taken for one. */
const REQUESTS = 150

/** accepted: connections that a server's TCP has accepted since the lab was made. */
const accepted = async (lab: Lab, server: string): Promise<number> =>
  (await networkCounters(lab, server)).get('Tcp.PassiveOpens')!

/** portsOf: the client's ports of connections that are established with a service address, as a node sees it. */
async function portsOf(lab: Lab, node: string, service: string): Promise<number[]> {
  const isServer = node !== 'client'
  const which = [isServer ? 'src' : 'dst', `${service}:80`]
  const { out } = await execute(lab, node, ['ss', '-Htn', 'state', 'established', ...which])
  return out.split('\n').flatMap((line) => {
    const [local, peer] = line.trim().split(/\s+/).slice(-2)
    return peer === undefined ? [] : Number((isServer ? peer : local)!.split(':').at(-1))
  })
}

/** until waits for a truth. */
async function until(isTrue: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !(await isTrue()); await delay(50)) assert.ok(Date.now() < end, what)
}

async function cli(tenbin: Tenbin, line: string): Promise<OrderAnswer> {
  const { code, out, err } = await tenbin.cli(...line.split(' '), '--json')
  assert.equal(code, 0, `${line}: ${out}${err}`)
  return orderSchema.parse(JSON.parse(out))
}

test('a drain under load fails no request, breaks no connection, sends nothing new, and holds over a restart', {
  skip,
}, async () => {
  await using lab = await Lab.hold({ prefix: 'dr', servers: 3 })
  const download = await startNginx(lab)
  const tenbin = new Tenbin(lab)
  tenbin.write(
    tenbinFile(lab.topology, { www: { listen: ['10.0.0.100:80'], servers: serverNames(lab.topology) } }),
  )
  await tenbin.start()
  const target = { address: '10.0.0.100', port: 80, everyMs: 100, download, ...OPEN }
  await using open = await startOpenConnections(lab, target)
  await using curl = startCurl(lab, 'http://10.0.0.100:80/', CURL.loops, CURL.rate)
  const requests = async (count: number) => {
    const from = await total(lab)
    while ((await total(lab)) - from < count) await delay(20)
  }
  const stateOf = async (server: string) =>
    (await tenbin.statusNow()).pools[0]!.servers.find(({ name }) => name === server)!

  await requests(REQUESTS)
  const held = await portsOf(lab, DRAINED, '10.0.0.100')
  assert.ok(held.length > 3, `${held.length} connections at ${DRAINED}`)
  const answer = await cli(tenbin, `drain ${DRAINED} --deadline 1h`)
  assert.deepEqual([answer.changed, answer.kept, answer.pools[0]!.order], [true, true, 'drained'])
  // A SYN may be on its way when the slots are written.
  await requests(20)
  const before = await accepted(lab, DRAINED)
  await requests(REQUESTS)
  assert.equal(await accepted(lab, DRAINED), before, 'a drained server accepts nothing')
  assert.equal((await stateOf(DRAINED)).state, 'draining')
  // Two of three servers get all that is new.
  const still = await portsOf(lab, DRAINED, '10.0.0.100')
  const kept = held.filter((port) => still.includes(port))
  assert.ok(kept.length >= 3, `${kept.length} connections stay`)
  const trace = await tenbin.trace(`10.0.0.200:${kept[0]}`, '10.0.0.100:80')
  assert.equal(trace.server, DRAINED, trace.steps.join('\n'))
  assert.notEqual(trace.current, DRAINED)
  assert.match(trace.steps.at(-1)!, /By hand, in pool www: web02 is drained/)

  await tenbin.kill()
  await tenbin.start(() => true)
  assert.equal((await stateOf(DRAINED)).state, 'draining')
  await requests(REQUESTS)
  assert.equal(await accepted(lab, DRAINED), before, 'nor after a restart of the daemon')
  const { out } = await tenbin.cli('status')
  assert.match(out, /\nweb02 +10\.0\.0\.12 +draining +0\.0 %/)
  assert.match(out, /\nweb02 +drained +all pools +\S+ +[~\d]+ flows? left.*, out in 5\dm/)

  await cli(tenbin, `undrain ${DRAINED}`)
  await requests(REQUESTS)
  assert.ok((await accepted(lab, DRAINED)) > before + REQUESTS / 10, 'it gets its share again')

  const client = await networkCounters(lab, 'client')
  const curled = await curl.stop()
  const ended = await open.stop()
  assert.deepEqual(curled.failures, [])
  assert.deepEqual(
    ended.filter(({ broken }) => broken !== undefined),
    [],
  )
  assert.deepEqual(pick(client, 'Tcp.AttemptFails', 'Tcp.EstabResets', 'TcpExt.TCPSynRetrans'), {
    'Tcp.AttemptFails': 0,
    'Tcp.EstabResets': 0,
    'TcpExt.TCPSynRetrans': 0,
  })
})

/** total: connections that all servers have accepted. */
async function total(lab: Lab): Promise<number> {
  const counts = await Promise.all(serverNames(lab.topology).map((server) => accepted(lab, server)))
  return counts.reduce((sum, count) => sum + count, 0)
}

test('a disabled server keeps its connections, or they end by a RST, as on_failure says; a deadline does the same', {
  skip,
}, async () => {
  await using lab = await Lab.hold({ prefix: 'bh', servers: 2, services: 2 })
  const download = await startNginx(lab)
  const tenbin = new Tenbin(lab)
  const servers = serverNames(lab.topology)
  const reversed = servers.toReversed()
  tenbin.write(
    tenbinFile(lab.topology, {
      keeps: { listen: ['10.0.0.100:80'], servers },
      resets: { listen: ['10.0.0.101:80'], servers: reversed, on_failure: 'reset' },
    }),
  )
  await tenbin.start()
  const only = { everyMs: 50, download, exchanges: 12, slowRequests: 12, downloads: 0, port: 80 }
  await using keeping = await startOpenConnections(lab, { ...only, address: '10.0.0.100' })
  await using resetting = await startOpenConnections(lab, { ...only, address: '10.0.0.101' })
  await cli(tenbin, 'disable web01')
  const resets = async (node: string) => portsOf(lab, node, '10.0.0.101')
  await until(async () => {
    const healthy = await resets('web02')
    return (await resets('client')).every((port) => healthy.includes(port))
  }, 'all clients of web01 have noticed')
  const { overrides } = await tenbin.statusNow()
  assert.deepEqual(
    overrides.map(({ server, order }) => [server, order]),
    [['web01', 'disabled']],
  )
  assert.deepEqual(
    (await keeping.stop()).filter(({ broken }) => broken !== undefined),
    [],
  )
  const broken = (await resetting.stop()).flatMap(({ broken }) => broken ?? [])
  assert.ok(broken.length > 0 && broken.length < 24, `${broken.length} of 24 were at web01`)
  // a RST between two requests is noticed by the next one, which finds another connection
  for (const why of broken) assert.match(why, /ECONNRESET|hang up|another one/)

  await cli(tenbin, 'enable web01')
  await cli(tenbin, 'drain web02 --deadline 1s')
  const state = async () =>
    (await tenbin.statusNow()).pools[0]!.servers.find(({ name }) => name === 'web02')!.state
  await until(async () => (await state()) === 'disabled', 'the deadline passes')
})
