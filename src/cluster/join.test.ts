import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createServer } from 'node:tls'
import { type Ip, parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { authorityOf, issue } from './certificate.ts'
import { meet, TestCluster, until } from './cluster.fixture.ts'
import { WORD_KEY } from './invitations.ts'
import { join } from './join.ts'
import { writeKeyFile } from './key-file.ts'
import { openTls } from './tls-client.ts'
import { formatWord, parseWord, type Word } from './word.ts'

const code =
  (wanted: string, words = /./) =>
  (error: unknown) =>
    error instanceof TenbinError && error.code === wanted && words.test(error.message)

function wordFor(cluster: TestCluster, node: string, until = Date.now() + 60_000): Word {
  const key = new Uint8Array(randomBytes(WORD_KEY))
  cluster.invitations('lb1').invite({ node, key, until })
  const at = { address: cluster.address('lb1'), port: cluster.spec.port }
  return { node, from: cluster.address(node), at, key }
}

test('a word is read as it was written, and nothing else is', () => {
  for (const [from, at] of [
    ['192.168.8.3', '192.168.8.2'],
    ['2001:db8::3', '2001:db8::2'],
  ] as const) {
    const word = {
      node: 'lb2',
      from: parseIp(from),
      at: { address: parseIp(at), port: 7943 },
      key: new Uint8Array(randomBytes(WORD_KEY)),
    }
    const text = formatWord(word)
    assert.deepEqual(parseWord(text), word)
    assert.ok(text.length < 140 && /^[\w.-]+$/.test(text), text)
    for (let length = 0; length < text.length; length++)
      assert.throws(() => parseWord(text.slice(0, length)), code('CLUSTER_WORD_INVALID'))
  }
})

test('who has the word joins, meets the others, and the word is used up', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const one = cluster.start('lb1')
  const two = cluster.start('lb2', { keys: 'none' })
  const word = wordFor(cluster, 'lb2')
  const keys = await join(parseWord(formatWord(word)))
  assert.deepEqual(keys, { ...cluster.keys.get('lb1'), node: 'lb2' })
  // As if this first attempt had been cut off before the keys were kept.
  writeKeyFile(cluster.keyFile('lb2'), await join(word))
  two.tick()
  await meet(one, two)
  assert.deepEqual(cluster.invitations('lb1').all(), [])
  await assert.rejects(join(word), code('CLUSTER_JOIN_REFUSED', /not, or no longer/))
})

test('invitations that cannot be read keep no nodes apart', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  writeFileSync(`${cluster.folder}/lb1.invitations`, '')
  await meet(cluster.start('lb1'), cluster.start('lb2'))
})

test('a word for a machine that is to replace one that still runs is good until the new one is there', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  const one = cluster.start('lb1')
  const old = cluster.start('lb2')
  await meet(one, old)
  const word = wordFor(cluster, 'lb2')
  // Some heartbeats of the old one.
  await delay(500)
  old[Symbol.dispose]()
  await join(word)
  await meet(one, cluster.start('lb2'))
  await until(() => cluster.invitations('lb1').all().length === 0)
})

test('a word that is wrong, over, or for another node opens nothing', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2', 'lb3'])
  cluster.start('lb1')
  const word = wordFor(cluster, 'lb2')
  await assert.rejects(join({ ...word, key: new Uint8Array(WORD_KEY) }), code('CLUSTER_JOIN_REFUSED'))
  await assert.rejects(join({ ...word, node: 'lb3' }), code('CLUSTER_JOIN_REFUSED'))
  await assert.rejects(
    join(wordFor(cluster, 'lb3', Date.now() - 1)),
    code('CLUSTER_JOIN_REFUSED', /good until/),
  )
  const stranger = { ...word, from: parseIp('127.0.0.1') as Ip }
  await assert.rejects(join(stranger), code('PEER_UNREACHABLE', /takes no connection from 127\.0\.0\.1/))
  const elsewhere = { ...word, from: parseIp('203.0.113.9') as Ip }
  await assert.rejects(join(elsewhere), code('PEER_UNREACHABLE', /does not have 203\.0\.113\.9/))
  await assert.rejects(
    join({ ...word, at: { ...word.at, port: 1 } }),
    code('PEER_UNREACHABLE', /nobody listens/),
  )
})

test('somebody in between, who passes on what both say, learns nothing and is noticed', async () => {
  using cluster = await TestCluster.of(['lb1', 'lb2'])
  cluster.start('lb1')
  const word = wordFor(cluster, 'lb2')
  const { key, certificate } = issue(authorityOf(randomBytes(32)), 'lb1', new Date(Date.now() + 60_000))
  let passed = 0
  const server = createServer({ key, cert: certificate }, (client) => {
    const real = openTls({ from: word.from, to: word.at })
    for (const end of [client, real]) end.on('error', () => undefined)
    real.on('data', (bytes: Buffer) => (passed += bytes.toString().includes('"secret"') ? 1 : 0))
    client.pipe(real).pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as { port: number }
    const tricked = { ...word, from: parseIp('127.0.0.1'), at: { address: parseIp('127.0.0.1'), port } }
    await assert.rejects(join(tricked), code('CLUSTER_JOIN_REFUSED'))
    assert.equal(passed, 0, 'the keys never left')
  } finally {
    server.close()
  }
})

test('whoever answers without knowing the word is not believed', async () => {
  const { key, certificate } = issue(authorityOf(randomBytes(32)), 'lb1', new Date(Date.now() + 60_000))
  const made = Buffer.alloc(32).toString('base64')
  const server = createServer({ key, cert: certificate }, (client) => {
    const body = JSON.stringify({ proof: made, secret: made, current: made })
    client.on('error', () => undefined)
    client.once('data', () => client.end(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as { port: number }
    const address = parseIp('127.0.0.1')
    const word = { node: 'lb2', from: address, at: { address, port }, key: new Uint8Array(WORD_KEY) }
    await assert.rejects(join(word), code('CLUSTER_JOIN_REFUSED', /does not know the word/))
  } finally {
    server.close()
  }
})
