// What clients keep when the active node of a pair dies: real XDP, VRRP, TLS between the nodes, real connections. With rr
// no table knows who has a connection or a client: only what the active node has told the other does.
//
//   front 10.0.0.x --+-- client
//                    +-- lb1, lb2: tenbin; 10.0.0.100, and 10.0.1.1 behind, are on one of them, 10.0.0.101 too
//   back  10.0.1.x --+-- web01..04: their router is 10.0.1.1

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { skip } from './support/execute.ts'
import { brokenOf, holdConnections } from './support/flows.ts'
import { PAIR_NODES, Pair, type PairNode } from './support/pair.ts'

const [SERVICE, SIDE, ROUTER] = ['10.0.0.100', '10.0.0.101', '10.0.1.1']
const file = `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
interfaces: { lan: eth0, back: eth1 }
addresses:
  front: { vrid: 51, prefer: lb1, advert: 300ms, ips: { lan: [${SERVICE}/24], back: [${ROUTER}/24] } }
  side: { vrid: 52, prefer: lb1, advert: 300ms, ips: { lan: [${SIDE}/24] } }
servers: { web01..04: 10.0.1.11..14 }
defaults: { forward: nat, check: { tcp: {}, every: 500ms } }
services:
  turns: { listen: "${SERVICE}:80", servers: web01..04, scheduler: rr }
  shop: { listen: "${SERVICE}:8080", servers: web01..04, scheduler: rr, server_port: 80, persistence: 300s }
  table: { listen: "${SERVICE}:8081", servers: web01..04, server_port: 80 }
`

let pair: Pair
before(async () => {
  if (skip) return
  pair = await Pair.hold({ prefix: 'same', servers: 4, pair: true }, file)
  await pair.start()
  await pair.leads('lb1')
})
after(async () => {
  await pair?.[Symbol.asyncDispose]()
})

/** taken: how many records a node has heard of. */
const taken = async (node: PairNode) => (await pair[node].status())?.sharing?.[0]?.taken ?? 0

/**
 * shopper: who answers a new connection of the shop. curl binds a port that no open connection has: one to another listener
 * of this server port would send it to another server (`clash`).
 */
const shopper = async () => {
  const curl = ['curl', '-sS', '-f', '-m', '5', '--local-port', '20000-29999'] as const
  return (await pair.lab.run('client', [...curl, `http://${SERVICE}:8080/`])).trim()
}

test('connections by nat, tracked and by the table, and a client that persists, keep their servers, there and back', {
  skip,
}, async () => {
  const connections = { address: SERVICE, count: 60, everyMs: 100 }
  await using turns = await holdConnections(pair.lab, { ...connections, port: 80 })
  await using table = await holdConnections(pair.lab, { ...connections, port: 8081 })
  await using idle = await holdConnections(pair.lab, { ...connections, port: 80, everyMs: 0 })
  const server = await shopper()
  assert.equal(await shopper(), server)
  // flows and answers of 180 connections, the shop's and its client's network
  await pair.until('lb2 knows of them', async () => (await taken('lb2')) >= 360)
  await pair.lab.run('lb1', ['sh', '-c', 'ip link set eth1 down; ip link set eth0 down'])
  await pair.until('lb2 takes over', async () => (await pair.roleOf('lb2')) === 'active')
  const held = [...(await turns.ask('ask')), ...(await table.ask('ask')), ...(await idle.ask('ask'))]
  assert.deepEqual(brokenOf(held), [])
  assert.equal(held.length, 180)
  assert.equal(await shopper(), server, 'the shop knows its client')
  assert.equal(await shopper(), server)

  // a machine that has booted knows of no flow
  await pair.lb1.kill()
  assert.equal((await pair.lb1.cli('down')).code, 0)
  await pair.lab.run('lb1', ['sh', '-c', 'ip link set eth0 up; ip link set eth1 up'])
  await pair.lb1.start()
  await pair.leads('lb1')
  assert.ok((await taken('lb1')) >= 240, 'it was told of all before it took its role back')
  // servers end connections that are idle for so long
  const again = [...(await turns.ask('ask')), ...(await table.ask('ask'))]
  assert.deepEqual(brokenOf(again), [], 'and once more, when lb1 takes its role back')
  assert.equal(await shopper(), server)
})

test('a role that moves by order to a node that is active for another set, and back, breaks no connection and loses no request', {
  skip,
}, async () => {
  const sides = async () => (await pair.status('lb1')).sets.map(({ active }) => active)
  const move = async (set: string, to: PairNode) => {
    const { code, err } = await pair[to].cli('failover', set, '--to', to)
    assert.equal(code, 0, err)
  }
  await pair.until('both sets at lb1', async () => (await sides()).join() === 'lb1,lb1')
  await move('side', 'lb2')
  const connections = { address: SERVICE, count: 60, everyMs: 100 }
  await using turns = await holdConnections(pair.lab, { ...connections, port: 80 })
  await using table = await holdConnections(pair.lab, { ...connections, port: 8081 })
  const load = { address: SERVICE, port: 80, ratePerSecond: 100, concurrency: 1024, timeoutMs: 20_000 }
  await using traffic = await TrafficClient.start(nodesOf(pair.lab.topology, 'client')[0]!.namespace, load)
  traffic.resume()
  for (const to of ['lb2', 'lb1'] as const) {
    await move('front', to)
    assert.deepEqual(await sides(), [to, 'lb2'])
    assert.deepEqual(brokenOf([...(await turns.ask('ask')), ...(await table.ask('ask'))]), [], `to ${to}`)
    await pair.until(`${to} is told of flows`, () => pair.isTold(to))
  }
  const { failed, reasons, answered } = await traffic.pause()
  assert.deepEqual([failed, reasons], [0, {}])
  assert.ok(answered > 0)
  await move('side', 'lb1')
})

test('what is said of a server on one node counts on both, and goes on to when the other takes over', {
  skip,
}, async () => {
  const orderOf = async (node: PairNode) =>
    (await pair.status(node)).overrides.map(({ server, order }) => `${server} ${order}`)
  const { code, err } = await pair.lb2.cli('drain', 'web02')
  assert.equal(code, 0, err)
  for (const node of PAIR_NODES) assert.deepEqual(await orderOf(node), ['web02 drained'])
  const back = await pair.lb1.cli('undrain', 'web02')
  assert.equal(back.code, 0, back.err)
  for (const node of PAIR_NODES) assert.deepEqual(await orderOf(node), [])
})

test('a node whose daemon is dead takes over, and tells clients soon that nobody knows their connections', {
  skip,
}, async () => {
  const untold = async () => Number((await pair.status('lb2')).outcomes.untold)
  const before = await untold()
  await pair.lb2.kill()
  await using stale = await holdConnections(pair.lab, { address: SERVICE, port: 80, count: 24, everyMs: 0 })
  await pair.lab.run('lb1', ['sh', '-c', 'ip link set eth1 down; ip link set eth0 down'])
  await pair.until('lb2 takes over', () => shopper().then(Boolean, () => false))
  // some are with the server that the table says, and go on
  const broken = brokenOf(await stale.ask('ask'))
  assert.deepEqual([...new Set(broken.map(({ broken }) => broken))], ['ECONNRESET'], 'not: no answer')

  await pair.lb2.start()
  assert.ok((await untold()) > before, 'before that it waited for their records')
})
