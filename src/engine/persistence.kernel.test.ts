// Client networks that keep their server, in the kernel: over flows of many clients, through time, drains, failures,
// edits of the file, and another daemon.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { type Ip4, parseIp4 } from '../base/addresses.ts'
import { TIMEOUTS } from '../dataplane/shape.ts'
import { type Cast, nameOf, Rehearsal, SERVICE } from './rehearsal.ts'

const TIMEOUT = 1_200
const cast: Cast = { servers: [1, 2, 3, 4], persistence: { timeout: TIMEOUT, network: 24, network6: 64 } }
const NETWORKS = 60
let r: Rehearsal

beforeEach(() => {
  r = new Rehearsal(`persistence-test-${process.pid}`)
})
afterEach(() => {
  r[Symbol.dispose]()
})

/** A client of network `network`. */
const client = (network: number, host: number): Ip4 => (parseIp4('198.18.0.0') + 256 * network + host) as Ip4
const networks = Array.from({ length: NETWORKS }, (_, i) => i)
let port = 20_000
/** Each network begins a flow, by another client and port than before: the server of each. */
const begin = (kind: 'syn' | 'udp' = 'syn') => {
  port += 7
  return networks.map((network) => r.send(kind, port, client(network, port & 0xff)))
}
const kept = (service: 'www' | 'dns' = 'www') =>
  r.engine.status().services.find(({ name }) => name === service)!.networks
const traced = (network: number) =>
  r.engine.trace({ address: client(network, 9), port: 9 }, { address: SERVICE, port: 80 })

test('all clients of a network go to one server, and networks go to all', () => {
  r.apply(cast)
  const servers = begin()
  assert.deepEqual(new Set(servers), new Set([1, 2, 3, 4]))
  for (let flow = 0; flow < 20; flow++) assert.deepEqual(begin(), servers)
  r.pass(1)
  assert.equal(kept(), NETWORKS)
  assert.equal(kept('dns'), 0)
  const { live, networks: all, syn } = r.engine.status().flows!
  assert.deepEqual([all, syn, live], [NETWORKS, 21 * NETWORKS, 22 * NETWORKS])
  const datagrams = begin('udp')
  assert.deepEqual(begin('udp'), datagrams)
})

test('a network is kept for its time-out after its flows’ last packet, then swept', () => {
  r.apply(cast)
  const servers = begin()
  const last = port
  r.pass(600)
  assert.equal(r.engine.status().flows!.syn, 0, 'SYNs go by a time-out of their own')
  for (const network of networks.slice(0, 20)) r.send('ack', last, client(network, last & 0xff))
  r.pass(TIMEOUT - 600 - 5)
  assert.equal(kept(), NETWORKS)
  r.pass(10)
  r.pass(2)
  assert.equal(kept(), 20)
  assert.deepEqual(begin().slice(0, 20), servers.slice(0, 20))
})

test('a network’s record lives on where flows have a shorter time-out, and does not count as one', () => {
  const short = { ...TIMEOUTS, syn: 5, established: 5 }
  r.apply({ ...cast, timeouts: short })
  const servers = begin()
  r.pass(30)
  const { live, networks: all } = r.engine.status().flows!
  assert.deepEqual([live, all], [NETWORKS, NETWORKS])
  for (const { flows } of r.engine.status().servers) assert.equal(flows, 0)
  assert.deepEqual(begin(), servers)
})

for (const [what, view] of [
  ['drains', { up: true, weight: 0 }],
  ['fails', { up: false }],
] as const)
  test(`networks of a server that ${what} go to others at once, and stay there; its flows stay with it`, () => {
    r.apply(cast)
    const servers = begin()
    const flow = port
    const theirs = networks.filter((network) => servers[network] === 2)
    assert.ok(theirs.length > 5)
    r.engine.setServer('web', nameOf(2), view)
    const now = begin()
    for (const network of networks) {
      if (theirs.includes(network)) assert.notEqual(now[network], 2)
      else assert.equal(now[network], servers[network])
      assert.equal(r.send('ack', flow, client(network, flow & 0xff)), servers[network])
    }
    r.engine.setServer('web', nameOf(2), { up: true })
    assert.deepEqual(begin(), now)
  })

test('what nobody comes back for while its server is out is freed by the sweep', () => {
  r.apply(cast)
  const servers = begin()
  const theirs = servers.filter((server) => server === 2).length
  r.engine.setServer('web', nameOf(2), { up: true, weight: 0 })
  r.pass(2)
  assert.equal(kept(), NETWORKS - theirs)
})

test('a slower start is no drain, and a lost MAC is like a failure', () => {
  r.apply(cast)
  const servers = begin()
  r.engine.setServer('web', nameOf(2), { up: true, weight: 1 })
  assert.deepEqual(begin(), servers)
  r.engine.setNeighbour(nameOf(2), { why: 'neighbour FAILED' })
  assert.ok(!begin().includes(2))
})

test('networks stay through edits of the file, other table sizes, a restart of the daemon', () => {
  r.apply(cast)
  const servers = begin()
  r.apply({ ...cast, servers: [1, 2, 3, 4, 5, 6, 7, 8] })
  assert.deepEqual(begin(), servers)
  r.apply({ ...cast, servers: [1, 2, 3, 4, 5], flows: 16_384 })
  assert.deepEqual(begin(), servers)
  r.restart()
  assert.equal(r.apply({ ...cast, servers: [1, 2, 3, 4, 5], flows: 16_384 }).change, 'taken-over')
  assert.deepEqual(begin(), servers)
  r.apply({ ...cast, servers: [1, 2, 3, 5] })
  for (const [network, server] of begin().entries())
    if (servers[network] === 4) assert.notEqual(server, 4)
    else assert.equal(server, servers[network])
})

test('a daemon that takes over knows who is shut', () => {
  r.apply(cast)
  const servers = begin()
  const drained = new Map([['web', new Map([[nameOf(2), { up: true, weight: 0 }]])]])
  r.restart()
  r.apply(cast, drained)
  const now = begin()
  assert.ok(servers.includes(2) && !now.includes(2))
  r.restart()
  r.apply(cast, new Map([['web', new Map([[nameOf(2), { up: true }]])]]))
  r.pass(TIMEOUT + 10)
  r.pass(2)
  assert.equal(kept(), 0)
  assert.ok(begin().includes(2))
})

test('a service that persists no more forgets its networks', () => {
  r.apply(cast)
  begin()
  r.apply({ servers: cast.servers, track: 'all' })
  r.pass(2)
  const { live, networks: all, syn } = r.engine.status().flows!
  assert.deepEqual([live, all, syn], [NETWORKS, 0, NETWORKS])
})

test('a trace says whom a network is kept with, and for how long', () => {
  r.apply(cast)
  const servers = begin()
  r.pass(TIMEOUT - 480)
  const [server] = servers as [number]
  const told = traced(0)
  assert.equal(told.server, nameOf(server))
  assert.match(
    told.steps.join(' '),
    new RegExp(`Client network 198\\.18\\.0\\.0/24 is kept with ${nameOf(server)} for 8 min more\\.`),
  )
  assert.deepEqual([told.network?.network, told.network?.server], ['198.18.0.0/24', nameOf(server)])
  assert.ok(Math.abs(told.network!.leftS - 480) < 1)
  for (const network of networks) assert.equal(traced(network).server, nameOf(servers[network] as number))
  r.engine.setServer('web', nameOf(server), { up: true, weight: 0 })
  assert.match(traced(0).steps.join(' '), /was kept with web0\d, which takes no new flows/)
  assert.match(traced(99).steps.join(' '), /198\.18\.99\.0\/24 is kept with nobody: its next flow decides/)
  assert.equal(traced(0).network, undefined)
})
