// What an other end may send once it is let in to TLS: as a stranger without a certificate, and as a node that misbehaves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { meet, TestCluster, until } from './cluster.fixture.ts'
import type { Cluster } from './cluster.ts'
import { type Identity, identityOf } from './identity.ts'
import { newCluster } from './new-cluster.ts'
import { contextOf, JOIN_PATH, REQUEST_PATH } from './reception.ts'
import { openTls } from './tls-client.ts'

/** say sends bytes to lb1 as lb2, and resolves with all that comes back until the end. */
function say(cluster: TestCluster, text: string, identity?: Identity): Promise<string> {
  const to = { address: cluster.address('lb1'), port: cluster.spec.port }
  const socket = openTls({ from: cluster.address('lb2'), to }, identity && contextOf(identity))
  return new Promise((resolve) => {
    let answer = ''
    socket.on('error', () => undefined).once('secureConnect', () => socket.write(text))
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
    socket.once('close', () => resolve(answer))
    // What is kept open on purpose is not waited for.
    setTimeout(() => socket.destroy(), 1_500).unref()
  })
}

const post = (path: string, body: string, headers = '') =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${headers || `content-length: ${body.length}\r\n`}\r\n${body}`
const status = (answer: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

const started = (cluster: TestCluster): Cluster => {
  const one = cluster.start('lb1')
  one.handle('echo', async (_, body) => body, { maxBytes: 100 })
  return one
}

test('without a certificate, or with one of elsewhere, nothing is answered but why', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  started(cluster)
  const path = `${REQUEST_PATH}echo`
  const elsewhere = identityOf(newCluster(['lb2'])[0]!, new Date())
  const self = identityOf({ ...cluster.keys.get('lb1')! }, new Date())
  const unknown = identityOf({ ...cluster.keys.get('lb1')!, node: 'lb7' }, new Date())
  for (const [identity, why] of [
    [undefined, /this end showed no certificate/],
    [elsewhere, /of another cluster/],
    [self, /two machines have the keys of lb1/],
    [unknown, /lb7 is no node of the file of lb1/],
  ] as const) {
    const answer = await say(cluster, post(path, 'x'), identity)
    assert.equal(status(answer), 403)
    assert.match(answer, why)
  }
  const join = await say(cluster, post(JOIN_PATH, '{"node":"lb2","proof":"AAAA"}'))
  assert.match(join, /CLUSTER_JOIN_REFUSED/)
  const large = await say(cluster, post(JOIN_PATH, '', 'content-length: 5000\r\n'))
  assert.equal(status(large), 413)
  assert.match(await say(cluster, post(JOIN_PATH, '[]')), /PEER_REQUEST/)
})

test('a node that sends nonsense gets an answer that says so, and the others notice nothing', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2', 'lb3'])
  const [one, three] = [started(cluster), cluster.start('lb3')]
  await until(() => three.nodes().some(({ name, state }) => name === 'lb1' && state === 'connected'))
  const lb2 = identityOf(cluster.keys.get('lb2')!, new Date())
  const path = `${REQUEST_PATH}echo`
  const cases: readonly (readonly [text: string, wanted: number])[] = [
    [post(path, 'hello'), 200],
    [post(path, 'x'.repeat(101)), 413],
    [post(path, '5\r\nhello\r\n0\r\n\r\n', 'transfer-encoding: chunked\r\n'), 411],
    [post(path, '', 'content-length: 4\r\nexpect: 100-continue\r\n'), 417],
    [post(`${REQUEST_PATH}../echo`, 'x'), 404],
    [post(JOIN_PATH, '{}'), 404],
    [`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`, 405],
    [post(`${REQUEST_PATH}cluster/heartbeat`, '{"node":"lb3"}'), 500],
    [post(`${REQUEST_PATH}cluster/heartbeat`, 'null'), 500],
    [post(`${REQUEST_PATH}cluster/next-key`, 'short'), 500],
  ]
  for (const [text, wanted] of cases) assert.equal(status(await say(cluster, text, lb2)), wanted, text)
  const silent = ['GARBAGE\r\n\r\n', `POST ${path} HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`]
  for (const text of silent) assert.ok(!/ 200 /.test(await say(cluster, text, lb2)))
  assert.equal(three.nodes().find(({ name }) => name === 'lb1')!.state, 'connected')
  await meet({ nodes: () => one.nodes().filter(({ name }) => name === 'lb3') })
})
