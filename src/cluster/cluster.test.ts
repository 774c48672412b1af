import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { meet, TestCluster, until } from './cluster.fixture.ts'
import { writeKeyFile } from './key-file.ts'
import { newCluster } from './new-cluster.ts'

const code =
  (wanted: string, words = /./) =>
  (error: unknown) =>
    error instanceof TenbinError && error.code === wanted && words.test(error.message)
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

test('two nodes meet, see what the other publishes, and answer each other', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  assert.equal(one.self, 'lb1')
  let changes = 0
  one.onChange(() => changes++)
  two.publish('revision', { number: 7 })
  await until(() => (one.nodes()[0]?.parts.revision as { number?: number })?.number === 7)
  assert.ok(changes >= 1)
  two.handle('echo', async (from, body) => Buffer.from(`${from}: ${text(body)}`))
  assert.equal(text(await one.request('lb2', 'echo', Buffer.from('hello'), 1000)), 'lb1: hello')
})

test('what is too much to be said every second is a fault, and the nodes stay together', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  two.publish('health', 'small')
  await until(() => one.nodes()[0]?.parts.health === 'small')
  two.publish('health', 'x'.repeat(300_000))
  await until(() => one.nodes()[0]?.parts.health === undefined)
  assert.deepEqual(
    two.faults().map(({ code }) => code),
    ['CLUSTER_UNTOLD'],
  )
  assert.equal(one.nodes()[0]?.state, 'connected')
  two.publish('health', 'small again')
  await until(() => one.nodes()[0]?.parts.health === 'small again')
  assert.deepEqual(two.faults(), [])
})

test('a node that departs tells the others, has no keys afterwards, and may be taken in again', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  const full = () => {
    throw new TenbinError('STATE_UNUSABLE', 'leave', { detail: 'no such disk' })
  }
  await assert.rejects(two.depart(full), code('STATE_UNUSABLE'))
  await meet(one, two)
  await two.depart(() => rmSync(cluster.keyFile('lb2')))
  assert.deepEqual([two.self, two.nodes(), two.standing().hasKeys], [undefined, [], false])
  await until(() => one.nodes()[0]?.hasLeft === true)
  assert.deepEqual(two.faults(), [])
  await assert.rejects(
    two.depart(() => undefined),
    code('CLUSTER_NONE'),
  )
  writeKeyFile(cluster.keyFile('lb2'), cluster.keys.get('lb2')!)
  two.tick()
  await meet(one, two)
})

test('what a handler throws is thrown at whoever asked, by its code; a bug there by its words', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  two.handle('refuses', async () => {
    throw new TenbinError('CONFIG_INVALID', 'check', { detail: 'line 3' })
  })
  two.handle('breaks', async () => {
    throw new RangeError('off by one')
  })
  two.handle('tells', async () => {
    throw new TenbinError('CONFIG_INVALID', 'check', { detail: 'x'.repeat(100_000) })
  })
  two.handle('sleeps', () => new Promise(() => undefined))
  two.handle('small', async () => Buffer.alloc(0), { maxBytes: 2 })
  const ask = (node: string, path: string, ms = 5_000) => one.request(node, path, Buffer.alloc(3), ms)
  await assert.rejects(ask('lb2', 'refuses'), code('CONFIG_INVALID', /line 3/))
  await assert.rejects(ask('lb2', 'breaks'), code('PEER_FAILED', /a bug there: off by one/))
  await assert.rejects(ask('lb2', 'tells'), code('CONFIG_INVALID', /xxx/))
  await assert.rejects(ask('lb2', 'nothing'), code('PEER_FAILED', /answers no "nothing"/))
  await assert.rejects(ask('lb2', 'small'), code('PEER_REQUEST', /at most 2/))
  await assert.rejects(ask('lb2', 'sleeps', 1_000), code('PEER_TIMEOUT'))
  await assert.rejects(ask('lb3', 'small'), code('PEER_UNKNOWN'))
  assert.equal(one.nodes()[0]?.state, 'connected')
})

test('a large body passes; more requests than there are turns wait for theirs', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  const large = Buffer.alloc(8 * 1024 * 1024, 7)
  two.handle('echo', async (_, body) => body, { maxBytes: large.length })
  assert.ok(large.equals(await one.request('lb2', 'echo', large, 10_000)))
  let [now, most] = [0, 0]
  two.handle('slow', async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setTimeout(resolve, 2))
    now--
    return Buffer.alloc(0)
  })
  await Promise.all(Array.from({ length: 100 }, () => one.request('lb2', 'slow', Buffer.alloc(0), 10_000)))
  assert.ok(most > 1 && most <= 6, `${most} at once`)
})

test('a node without keys, or that the file does not name, is in no cluster', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const none = cluster.start('lb3')
  assert.deepEqual([none.self, none.nodes(), none.faults()], [undefined, [], []])
  await assert.rejects(
    none.request('lb1', 'any', Buffer.alloc(0), 100),
    code('PEER_UNKNOWN', /in no cluster/),
  )
  const [keys] = newCluster(['lb9'])
  const unknown = cluster.start('lb9', { keys })
  assert.equal(unknown.self, undefined)
  assert.deepEqual(
    unknown.faults().map((fault) => fault.code),
    ['CLUSTER_NODE_UNKNOWN'],
  )
  assert.match(unknown.astray!, /the keys of this machine are those of node lb9/)
  assert.equal(none.astray, undefined)
})

test('keys that come while the daemon runs are taken; damaged ones change nothing and are named', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const one = cluster.start('lb1')
  const two = cluster.start('lb2', { keys: 'none' })
  assert.equal(two.self, undefined)
  writeKeyFile(cluster.keyFile('lb2'), cluster.keys.get('lb2')!)
  two.tick()
  await meet(one, two)
  writeFileSync(cluster.keyFile('lb2'), '{')
  two.tick()
  assert.deepEqual(
    two.faults().map((fault) => fault.code),
    ['CLUSTER_KEYS_DAMAGED'],
  )
  await meet(one, two)
  rmSync(cluster.keyFile('lb2'))
  two.tick()
  assert.match(two.faults()[0]!.message, /is gone/)
  assert.deepEqual([two.self, two.astray], ['lb2', undefined])
})

test('a daemon that starts with keys that it cannot read is in no cluster, and says why', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  writeFileSync(cluster.keyFile('lb2'), '{')
  const two = cluster.start('lb2', { keys: 'none' })
  assert.equal(two.self, undefined)
  assert.match(two.astray!, /lb2/)
})

test('nodes of two clusters refuse each other, and both say why', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const one = cluster.start('lb1')
  const two = cluster.start('lb2', { keys: newCluster(['lb2'])[0] })
  const refused = (peers: typeof one) => peers.nodes()[0]?.state === 'refused'
  await until(
    () => refused(one) && refused(two),
    () => [one.nodes(), two.nodes()],
  )
  assert.match(
    one.nodes()[0]!.why!,
    /the certificate of "lb2" is of another cluster, or of keys that were rotated/,
  )
  assert.match(two.nodes()[0]!.why!, /the certificate of "lb1" is of another cluster/)
  await assert.rejects(
    one.request('lb2', 'any', Buffer.alloc(0), 1_000),
    code('PEER_REFUSED', /another cluster/),
  )
})

test('a clock that is eight days behind is named at both ends', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const one = cluster.start('lb1')
  const two = cluster.start('lb2', { clockMs: -8 * 86_400_000 })
  const refused = (peers: typeof one) => peers.nodes()[0]?.state === 'refused'
  await until(
    () => refused(one) && refused(two),
    () => [one.nodes(), two.nodes()],
  )
  assert.match(
    one.nodes()[0]!.why!,
    /the certificate of "lb2" ended on .*Z, and here it is .*Z: set the clocks/,
  )
  assert.match(two.nodes()[0]!.why!, /the certificate of "lb2" ended on/)
})

test('clocks that differ by a minute keep nobody apart, and are told', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2', { clockMs: 60_000 })]
  await meet(one, two)
  const ahead = one.nodes()[0]!.clockAheadMs!
  assert.ok(ahead > 55_000 && ahead < 65_000, `${ahead}`)
  assert.ok(two.nodes()[0]!.clockAheadMs! < -55_000)
})

test('a node that another has not in its file, or at another address, is shown the door', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2', 'lb3'])
  const [one, two, three] = [cluster.start('lb1'), cluster.start('lb2'), cluster.start('lb3')]
  await meet(one, two, three)
  const without = cluster.spec.nodes.filter(({ name }) => name !== 'lb3')
  one.follow({ ...cluster.spec, nodes: without })
  assert.deepEqual(
    one.nodes().map(({ name }) => name),
    ['lb2'],
  )
  const of = (name: string) => three.nodes().find((peer) => peer.name === name)!
  await until(
    () => of('lb1').state === 'unreachable',
    () => of('lb1'),
  )
  assert.match(
    of('lb1').why!,
    /takes no connection from 127\.77\.\d+\.3: is that this node's address in its file\?/,
  )
  assert.equal(of('lb2').state, 'connected')
  // lb1 has the addresses of lb2 and lb3 the other way round.
  const [lb1, lb2, lb3] = cluster.spec.nodes
  const swapped = [lb1!, { ...lb2!, addresses: lb3!.addresses }, { ...lb3!, addresses: lb2!.addresses }]
  one.follow({ ...cluster.spec, nodes: swapped })
  await until(
    () => /comes from/.test(of('lb1').why ?? ''),
    () => of('lb1'),
  )
  assert.match(
    of('lb1').why!,
    /lb3 comes from 127\.77\.\d+\.3, and the file of lb1 has it at 127\.77\.\d+\.2/,
  )
  await until(
    () => one.nodes()[0]?.state === 'refused',
    () => one.nodes(),
  )
  assert.match(one.nodes()[0]!.why!, /lb3 answers there: the file has another address for lb2/)
})

test('a peer that ends is lost after some seconds, and found again by the next one of its name', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  const first = one.nodes()[0]!
  two[Symbol.dispose]()
  await until(
    () => one.nodes()[0]?.state === 'unreachable',
    () => one.nodes(),
  )
  assert.match(one.nodes()[0]!.why!, /nobody listens at/)
  assert.equal(one.nodes()[0]!.version, '0.1.0', 'what it said last is still known')
  await assert.rejects(one.request('lb2', 'any', Buffer.alloc(0), 1_000), code('PEER_UNREACHABLE'))
  const again = cluster.start('lb2')
  await meet(one, again)
  assert.notEqual(one.nodes()[0]!.run, first.run)
})

test('a node that is stopped in order says so, and is not waited for', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  await two.leave()
  const { state, why, hasLeft } = one.nodes()[0]!
  assert.deepEqual([state, why, hasLeft], ['unreachable', 'its daemon was stopped', true])
  // It goes on to answer until it is gone, and comes not back by that.
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(one.nodes()[0]!.hasLeft, true)
  two[Symbol.dispose]()
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(one.nodes()[0]!.why, 'its daemon was stopped')
  await meet(one, cluster.start('lb2'))
  assert.equal(one.nodes()[0]!.hasLeft, undefined)
})
