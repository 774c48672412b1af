// Two nodes of a cluster, their engines in two namespaces, with a network between them that a test cuts: what is active on
// one is taken over by the other.

import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type FakeCluster, fakeCluster } from '../cluster/fake-peers.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import { FRESH } from '../engine/fresh.ts'
import { type Cast, type Kind, nameOf, Rehearsal } from '../engine/rehearsal.ts'
import { Replicator } from './replicator.ts'

const POOL = 'web'
const ports = Array.from({ length: 100 }, (_, i) => 20_000 + 7 * i)

class Node {
  readonly name: string
  readonly rehearsal: Rehearsal
  readonly replicator: Replicator
  isActive = false

  constructor(name: string, cluster: FakeCluster) {
    this.name = name
    this.rehearsal = new Rehearsal(`replicate-${name}-${process.pid}`)
    const { engine } = this.rehearsal
    this.replicator = new Replicator({
      peers: cluster.node(name),
      replica: engine.replica,
      keys: () => engine.keys,
      leads: () => this.isActive,
      labelOf: (nic) => (nic === 'eth0' ? 'lan' : undefined),
      nicOf: (label) => (label === 'lan' ? 'eth0' : undefined),
      now: () => performance.now(),
    })
  }

  within<Result>(use: (rehearsal: Rehearsal) => Result): Result {
    return this.rehearsal.within(use)
  }

  send(kind: Kind, some: Iterable<number> = ports) {
    return this.within((each) => each.sendAll(kind, some))
  }

  status() {
    return this.replicator.status()[0]!
  }

  [Symbol.dispose](): void {
    this.replicator[Symbol.dispose]()
    this.within((each) => each[Symbol.dispose]())
  }
}

let cluster: FakeCluster
let lb1: Node
let lb2: Node

beforeEach(() => {
  cluster = fakeCluster(['lb1', 'lb2'])
  lb1 = new Node('lb1', cluster)
  lb2 = new Node('lb2', cluster)
  lb1.isActive = true
})
afterEach(() => {
  lb2[Symbol.dispose]()
  lb1[Symbol.dispose]()
})

const both = (use: (node: Node) => void) => [lb1, lb2].forEach(use)
const apply = (cast: Cast) => both((node) => void node.within((each) => each.apply(cast)))

/** settle: both step until `is`, for five seconds at most. */
async function settle(
  is: () => boolean = () => lb1.status().state === 'current' && lb1.status().waiting === 0,
) {
  for (let i = 0; i < 500; i++) {
    both((node) => node.within(() => node.replicator.step()))
    await wait(i < 5 ? 0 : 10)
    if (i >= 2 && is()) return
  }
  assert.fail(`still ${JSON.stringify([lb1.status(), lb2.status()])}`)
}

const moved = (before: ReadonlyMap<number, unknown>, after: ReadonlyMap<number, unknown>) =>
  [...after].filter(([port, server]) => before.get(port) !== server).length

test('what there is when a node comes is told before it may take over, and what happens later within two steps', async () => {
  apply({ servers: [1, 2, 3], scheduler: 'rr', track: 'all' })
  const flows = lb1.send('syn')
  assert.deepEqual(lb2.replicator.unheard(), ['lb1'])
  await settle()
  assert.deepEqual(lb2.replicator.unheard(), [])
  assert.equal(lb2.status().taken, ports.length, JSON.stringify([lb1.status(), lb2.status()]))
  assert.equal(moved(flows, lb2.send('ack')), 0)
  const more = lb1.send(
    'syn',
    ports.map((port) => port + 1),
  )
  await settle(() => lb2.status().taken === 2 * ports.length)
  assert.equal(moved(more, lb2.send('ack', more.keys())), 0)
})

test('records that packets make are told without a look at the tables, once, and more than a ring holds by the next steps', async () => {
  apply({ servers: [1, 2, 3], scheduler: 'rr', track: 'all', isTold: true })
  await settle()
  const fresh = () => lb1.within(() => lb1.replicator.tellFresh())
  assert.equal(fresh(), 0)
  const flows = lb1.send('syn')
  assert.equal(fresh(), ports.length)
  for (let i = 0; i < 500 && lb2.status().taken < ports.length; i++) await wait(2)
  assert.equal(lb2.status().taken, ports.length)
  assert.equal(moved(flows, lb2.send('ack')), 0)
  await settle()
  assert.deepEqual([fresh(), lb1.status().records], [0, ports.length], 'nothing is told twice')

  // test runs are on one CPU at a time, so at most two rings have all of them
  const many = lb1.send(
    'syn',
    Array.from({ length: 2_000 }, (_, i) => 30_000 + i),
  )
  const told = fresh()!
  assert.ok(told > 0 && told <= FRESH * availableParallelism(), `${told} at once`)
  await settle(() => lb2.status().taken === ports.length + many.size)
  assert.equal(moved(many, lb2.send('ack', many.keys())), 0)
})

test('a server that only one node sees down, drains and returns: the other takes each flow over as it is', async () => {
  apply({ servers: [1, 2, 3, 4] })
  const old = lb1.send('syn')
  lb1.within(({ engine }) => void engine.setServer(POOL, nameOf(1), { up: true, weight: 0 }))
  const fresh = lb1.send(
    'syn',
    ports.map((port) => port + 1),
  )
  await settle()
  assert.equal(lb2.status().lost, 0)
  assert.ok([...old.values()].includes(1))
  lb2.isActive = true
  lb1.isActive = false
  await settle(() => lb2.status().state === 'current')
  assert.equal(moved(old, lb2.send('ack')), 0)
  assert.equal(moved(fresh, lb2.send('ack', fresh.keys())), 0)
  assert.equal(
    lb1.within(({ engine }) => engine.replica.renew(1_000_000)),
    0,
    'and lb1 follows now',
  )
})

test('before a role is given up all that packets have left behind is told, at once', async () => {
  apply({ servers: [1, 2, 3], scheduler: 'rr', track: 'all' })
  await settle()
  const flows = lb1.send('syn')
  await lb1.replicator.flush(1_000)
  assert.equal(lb2.status().taken, ports.length)
  assert.equal(moved(flows, lb2.send('ack')), 0)
  cluster.cut('lb1', 'lb2')
  const start = performance.now()
  await lb1.replicator.flush(10_000)
  assert.ok(performance.now() - start < 5_000, 'nobody is waited for who is not there')
})

test('a cut network and what happened meanwhile: all of it is told once it is back', async () => {
  apply({ servers: [1, 2], track: 'all' })
  await settle()
  cluster.cut('lb1', 'lb2')
  const flows = lb1.send('syn')
  await settle(() => lb1.status().state === 'away')
  cluster.heal('lb1', 'lb2')
  await settle()
  assert.equal(moved(flows, lb2.send('ack')), 0)
  assert.equal(lb2.status().taken, ports.length)
})

test('a node that has started again, or runs another generation, is told everything anew', async () => {
  apply({ servers: [1, 2], track: 'all' })
  lb1.send('syn')
  await settle()
  lb2.within((each) => each.apply({ servers: [1, 2, 3], track: 'all' }))
  await settle(() => lb2.status().taken === 2 * ports.length)
  lb1.within((each) => each.apply({ servers: [1, 2, 3], track: 'all' }))
  await settle(() => lb2.status().taken === 3 * ports.length)
})

test('nodes of other hash keys tell each other nothing, and say so', async () => {
  lb2.within(({ engine }) =>
    engine.rekey(BigUint64Array.from({ length: HASH_KEYS }, (_, i) => BigInt(i + 1))),
  )
  apply({ servers: [1, 2], track: 'all' })
  lb1.send('syn')
  await settle(() => lb1.status().why !== undefined)
  assert.equal(lb1.status().why, 'its hash keys are others')
  assert.equal(lb2.status().taken, 0)
})

test('a pool that both lead follows nobody', async () => {
  apply({ servers: [1, 2, 3] })
  lb2.isActive = true
  lb1.within(({ engine }) => void engine.setServer(POOL, nameOf(1), { up: true, weight: 0 }))
  const before = lb2.within((each) => each.words())
  await settle()
  assert.deepEqual(
    lb2.within((each) => each.words()),
    before,
  )
})
