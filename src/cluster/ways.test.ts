import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { formatIp, parseIp } from '../base/addresses.ts'
import { meet, TestCluster, until } from './cluster.fixture.ts'
import type { ClusterSpec } from './cluster-spec.ts'

/** withSecond: each node N of a test's cluster has 127.78.X.N as well. */
function withSecond({ port, nodes }: ClusterSpec): ClusterSpec {
  const second = (name: string) =>
    formatIp(nodes.find((node) => node.name === name)!.addresses[0]!).replace('127.77', '127.78')
  return {
    port,
    nodes: nodes.map(({ name, addresses }) => ({ name, addresses: [...addresses, parseIp(second(name))] })),
  }
}

test('where the first way is barred peers meet by the second, and requests go there', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const spec = withSecond(cluster.spec)
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  two.follow(spec)
  // To lb1 the first address of lb2 is one at which nobody listens.
  const [lb1, lb2] = spec.nodes
  one.follow({ ...spec, nodes: [lb1!, { ...lb2!, addresses: [parseIp('127.79.0.2'), lb2!.addresses[1]!] }] })
  two.handle('echo', async (_, body) => body)
  await until(
    () => one.nodes()[0]?.state === 'connected',
    () => one.nodes(),
  )
  assert.equal((await one.request('lb2', 'echo', Buffer.from('by the second'), 5_000)).length, 13)
  assert.equal(one.standing().at.length, 2)
})

test('a peer that takes connections and says nothing is said to hang', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const held = new Set<Socket>()
  const server = createServer((socket) => void held.add(socket.on('error', () => undefined)))
  server.listen(cluster.spec.port, formatIp(cluster.address('lb2')))
  await once(server, 'listening')
  try {
    const one = cluster.start('lb1')
    await until(
      () => /hangs$/.test(one.nodes()[0]?.why ?? ''),
      () => one.nodes(),
    )
    assert.match(one.nodes()[0]!.why!, /takes connections and says nothing: lb2 hangs/)
  } finally {
    for (const socket of held) socket.destroy()
    server.close()
  }
})

test('what listens there and speaks another language is no node', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const server = createServer((socket) => {
    socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.2p1 Debian\r\n')
  })
  server.listen(cluster.spec.port, formatIp(cluster.address('lb2')))
  await once(server, 'listening')
  try {
    const one = cluster.start('lb1')
    await until(
      () => one.nodes()[0]?.state === 'refused',
      () => one.nodes(),
    )
    assert.match(one.nodes()[0]!.why!, /is no node of this version: ERR_SSL/)
  } finally {
    server.close()
  }
})

test('a file that is the same again breaks no connection, and another port moves all nodes', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const [one, two] = [cluster.start('lb1'), cluster.start('lb2')]
  await meet(one, two)
  const { since } = one.nodes()[0]!
  one.follow({ port: cluster.spec.port, nodes: [...cluster.spec.nodes] })
  assert.equal(one.nodes()[0]!.since, since)
  const port = cluster.spec.port === 65_535 ? 65_534 : cluster.spec.port + 1
  for (const node of [one, two]) node.follow({ ...cluster.spec, port })
  await meet(one, two)
  assert.match(one.standing().at[0]!, new RegExp(`:${port}$`))
})
