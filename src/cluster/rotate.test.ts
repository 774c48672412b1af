import assert from 'node:assert/strict'
import { mkdirSync, rmdirSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { TenbinError } from '../base/errors.ts'
import { authorityOf } from './certificate.ts'
import { meet, TestCluster, until } from './cluster.fixture.ts'
import type { Cluster } from './cluster.ts'
import { identityOf } from './identity.ts'
import { readKeyFile, writeKeyFile } from './key-file.ts'
import { contextOf } from './reception.ts'
import { clusterSecret } from './secret.ts'
import { openTls } from './tls-client.ts'

test('keys are rotated on all nodes while requests go on, and the old ones are good for nothing', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2', 'lb3'])
  const nodes = ['lb1', 'lb2', 'lb3'].map((name) => cluster.start(name))
  const [one, two] = nodes as [(typeof nodes)[0], (typeof nodes)[0]]
  await meet(...nodes)
  for (const node of nodes) node.handle('echo', async (_, body) => body)
  let isOver = false
  let asked = 0
  const asking = (async () => {
    for (; !isOver; asked++) await one.request('lb2', 'echo', Buffer.from('still there?'), 5_000)
  })()
  const old = identityOf(cluster.keys.get('lb2')!, new Date())
  const held = await opened(cluster, old)
  one.rotate()
  one.rotate()
  await until(
    () => nodes.every((node) => !node.standing().rotates) && asked > 0,
    () => nodes.map((node) => node.standing()),
  )
  isOver = true
  await asking
  const kept = ['lb1', 'lb2', 'lb3'].map((name) => readKeyFile(cluster.keyFile(name))!)
  for (const keys of kept) {
    assert.deepEqual({ ...keys, node: '' }, { ...kept[0], node: '' })
    assert.deepEqual(keys.secret, cluster.keys.get('lb1')!.secret, 'what flows depend on stays')
    assert.notDeepEqual(keys.current, cluster.keys.get('lb1')!.current)
  }
  assert.deepEqual(clusterSecret({ clusterKeys: cluster.keyFile('lb1') }), kept[0]!.secret)
  await until(() => held.destroyed)
  await meet(...nodes)
  two[Symbol.dispose]()
  writeKeyFile(cluster.keyFile('lb2'), cluster.keys.get('lb2')!)
  const late = cluster.start('lb2', { keys: cluster.keys.get('lb2') })
  await until(() => late.nodes().every(({ state }) => state === 'refused'))
  assert.match(late.nodes()[0]!.why!, /or of keys that were rotated/)
})

test('a request that is under way when its keys are forgotten is answered, and its connection ends with that', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = ['lb1', 'lb2'].map((name) => cluster.start(name)) as [Cluster, Cluster]
  await meet(one, two)
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let hasBegun = false
  two.handle('slow', async (_, body) => {
    hasBegun = true
    await held
    return body
  })
  const answer = one.request('lb2', 'slow', Buffer.from('still there?'), 30_000)
  await until(() => hasBegun)
  one.rotate()
  await until(() => [one, two].every((node) => !node.standing().rotates))
  release()
  assert.equal(Buffer.from(await answer).toString(), 'still there?')
  await meet(one, two)
})

test('keys are not rotated while a node is away', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const one = cluster.start('lb1')
  const refused = (error: unknown) =>
    error instanceof TenbinError && error.code === 'CLUSTER_ROTATION_REFUSED' && /lb2/.test(error.message)
  assert.throws(() => one.rotate(), refused)
  assert.equal(one.standing().rotates, false)
})

test('keys are rotated without a node that is gone, which is refused then and joins anew', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2', 'lb3'])
  const [one, two, three] = ['lb1', 'lb2', 'lb3'].map((name) => cluster.start(name)) as [
    Cluster,
    Cluster,
    Cluster,
  ]
  await meet(one, two, three)
  const refused = { code: 'CLUSTER_ROTATION_REFUSED', message: /connected, so not .*: lb3/ }
  assert.throws(() => one.rotate(['lb3']), refused)
  assert.throws(() => one.rotate(['lb9']), { code: 'PEER_UNKNOWN' })
  one.rotate()
  three[Symbol.dispose]()
  await until(() => [one, two].every((node) => node.nodes().some(({ state }) => state !== 'connected')))
  if (one.standing().rotates) assert.throws(() => one.rotate(), { message: /not connected: lb3/ })
  one.rotate(['lb3'])
  await until(
    () => [one, two].every((node) => !node.standing().rotates && node.standing().without.includes('lb3')),
    () => [one.standing(), two.standing()],
  )
  const kept = (name: string) => readKeyFile(cluster.keyFile(name))!
  assert.deepEqual({ ...kept('lb1'), node: '' }, { ...kept('lb2'), node: '' })
  assert.notDeepEqual(kept('lb1').current, cluster.keys.get('lb1')!.current)
  const back = cluster.start('lb3', { keys: cluster.keys.get('lb3') })
  await until(() => back.nodes().every(({ state }) => state === 'refused'))
  back[Symbol.dispose]()
  const { current, secret } = kept('lb1')
  cluster.start('lb3', { keys: { node: 'lb3', current, secret } })
  await until(() => [one, two].every((node) => node.standing().without.length === 0))
  await meet(one, two)
})

test('a node that is left out and comes back with the old key meanwhile gets nothing, and puts no key of its own in place', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2', 'lb3'])
  const idOf = (seed: Buffer) => authorityOf(seed).id
  const [next, greater] = [1, 2]
    .map((fill) => Buffer.alloc(32, fill))
    .sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1)) as [Buffer<ArrayBuffer>, Buffer<ArrayBuffer>]
  const keysOf = (name: string) => cluster.keys.get(name)!
  const one = cluster.start('lb1', { keys: { ...keysOf('lb1'), next, without: ['lb3'] } })
  const three = cluster.start('lb3', { keys: { ...keysOf('lb3'), next: greater } })
  await until(() => three.nodes().some(({ name, state }) => name === 'lb1' && state === 'connected'))
  await delay(300)
  const two = cluster.start('lb2', { keys: { ...keysOf('lb2'), next, without: ['lb3'] } })
  await until(() => [one, two].every((node) => !node.standing().rotates))
  const current = (name: string) => Buffer.from(readKeyFile(cluster.keyFile(name))!.current)
  assert.deepEqual([current('lb1'), current('lb2')], [next, next])
  assert.notDeepEqual(current('lb3'), next)
  assert.deepEqual(one.standing().without, ['lb3'])
})

test('a node that its file does not name exchanges no keys by itself, and goes on when it is named again', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const next = Buffer.alloc(32, 1)
  const keysOf = (name: string) => ({ ...cluster.keys.get(name)!, next })
  const one = cluster.start('lb1', { keys: keysOf('lb1') })
  one.follow({ ...cluster.spec, nodes: cluster.spec.nodes.filter(({ name }) => name !== 'lb1') })
  assert.equal(one.self, undefined)
  assert.deepEqual(Buffer.from(readKeyFile(cluster.keyFile('lb1'))!.next!), next)
  one.follow(cluster.spec)
  const two = cluster.start('lb2', { keys: keysOf('lb2') })
  await until(() => [one, two].every((node) => !node.standing().rotates))
  assert.deepEqual(Buffer.from(readKeyFile(cluster.keyFile('lb1'))!.current), next)
})

test('a disk that takes no other keys is a fault, and the exchange goes on when there is room', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  // Where the new file would be written first.
  const inTheWay = `${cluster.keyFile('lb1')}.${process.pid}.new`
  mkdirSync(inTheWay)
  const refused = { code: 'CLUSTER_ROTATION_REFUSED', message: /cannot be kept/ }
  assert.throws(() => one.rotate(), refused)
  two.rotate()
  await until(() => one.faults().length > 0)
  assert.equal(one.faults()[0]!.code, 'CLUSTER_KEYS_UNKEPT')
  assert.ok(two.standing().rotates)
  rmdirSync(inTheWay)
  await until(() => !two.standing().rotates && !one.standing().rotates)
  assert.deepEqual(one.faults(), [])
  assert.deepEqual(readKeyFile(cluster.keyFile('lb1'))!.current, readKeyFile(cluster.keyFile('lb2'))!.current)
})

test('a rotation that a restart cuts off goes on by itself', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const keys = (name: string) => readKeyFile(cluster.keyFile(name))!
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  one.rotate()
  one[Symbol.dispose]()
  two[Symbol.dispose]()
  assert.ok(keys('lb1').next)
  const again = [cluster.start('lb1', { keys: keys('lb1') }), cluster.start('lb2', { keys: keys('lb2') })]
  await until(() => again.every((node) => !node.standing().rotates && node.standing().self !== undefined))
  await until(() => !keys('lb1').previous && !keys('lb2').previous && !keys('lb1').next)
  assert.deepEqual(keys('lb1').current, keys('lb2').current)
  assert.notDeepEqual(keys('lb1').current, cluster.keys.get('lb1')!.current)
})

/** opened: a connection to lb1 as lb2, held by the test. */
function opened(cluster: TestCluster, identity: ReturnType<typeof identityOf>): Promise<TLSSocket> {
  const to = { address: cluster.address('lb1'), port: cluster.spec.port }
  const socket = openTls({ from: cluster.address('lb2'), to }, contextOf(identity))
  socket.on('error', () => undefined)
  return new Promise((resolve) => socket.once('secureConnect', () => resolve(socket)))
}
