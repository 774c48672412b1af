import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { fakeCluster } from './fake-peers.ts'
import { handleJson, partOf, requestJson } from './peers.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const code = (wanted: string) => (error: unknown) => error instanceof TenbinError && error.code === wanted

test('a request is answered by the other node, which knows who asks', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const [one, two] = [cluster.node('lb1'), cluster.node('lb2')]
  const handle = two.handle('echo', async (from, body) => Buffer.from(`${from}: ${text(body)}`))
  assert.equal(text(await one.request('lb2', 'echo', Buffer.from('hello'), 1000)), 'lb1: hello')
  handle[Symbol.dispose]()
  await assert.rejects(one.request('lb2', 'echo', Buffer.alloc(0), 1000), code('PEER_FAILED'))
})

test('what goes wrong at the other node is thrown here, by its code', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const [one, two] = [cluster.node('lb1'), cluster.node('lb2')]
  two.handle('refuses', async () => {
    throw new TenbinError('CONFIG_INVALID', 'check')
  })
  two.handle('sleeps', () => new Promise(() => undefined))
  two.handle('small', async () => Buffer.alloc(0), { maxBytes: 2 })
  const ask = (node: string, path: string) => one.request(node, path, Buffer.alloc(3), 20)
  await assert.rejects(ask('lb2', 'refuses'), code('CONFIG_INVALID'))
  await assert.rejects(ask('lb2', 'sleeps'), code('PEER_TIMEOUT'))
  await assert.rejects(ask('lb2', 'small'), code('PEER_REQUEST'))
  await assert.rejects(ask('lb3', 'sleeps'), code('PEER_UNKNOWN'))
  await assert.rejects(ask('lb1', 'sleeps'), code('PEER_UNKNOWN'))
})

test('JSON that a version does not understand is refused by whoever reads it', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  const [one, two] = [cluster.node('lb1'), cluster.node('lb2')]
  handleJson(two, 'double', z.strictObject({ n: z.number() }), async (_, { n }) => ({ n: 2 * n }))
  const ask = (body: { n: number | string }, reply: z.ZodType = z.strictObject({ n: z.number() })) =>
    requestJson(one, { node: 'lb2', path: 'double', body, reply, timeoutMs: 1000 })
  assert.deepEqual(await ask({ n: 21 }), { n: 42 })
  await assert.rejects(ask({ n: 'x' }), code('PEER_REQUEST'))
  await assert.rejects(ask({ n: 1 }, z.string()), code('PEER_ANSWER'))
})

test('between nodes that are cut off nothing passes, and each keeps what the other said last', async () => {
  let at = 0
  const cluster = fakeCluster(['lb1', 'lb2', 'lb3'], () => new Date(++at))
  const [one, two] = [cluster.node('lb1'), cluster.node('lb2')]
  let changes = 0
  two.onChange(() => changes++)
  one.publish('revision', { number: 7 })
  one.publish('revision', { number: 7 })
  assert.equal(changes, 1, 'the same again is no change')
  let isAsked = false
  two.handle('slow', async () => {
    isAsked = true
    cluster.cut('lb1', 'lb2')
    return Buffer.alloc(0)
  })
  await assert.rejects(one.request('lb2', 'slow', Buffer.alloc(0), 1000), code('PEER_UNREACHABLE'))
  assert.ok(isAsked, 'it was handled all the same')
  one.publish('revision', { number: 8 })
  const seen = (peers = two) => peers.nodes().find(({ name }) => name === 'lb1')!
  const revision = z.object({ number: z.number() })
  assert.deepEqual([seen().state, partOf(seen(), 'revision', revision)?.number], ['unreachable', 7])
  assert.equal(partOf(seen(cluster.node('lb3')), 'revision', revision)?.number, 8)
  cluster.heal('lb1', 'lb2')
  assert.deepEqual([seen().state, partOf(seen(), 'revision', revision)?.number], ['connected', 8])
  assert.equal(partOf(seen(), 'roles', revision), undefined)
})

test('an answer can be lost after the request was handled', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  let handled = 0
  cluster.node('lb2').handle('count', async () => Buffer.from([++handled]))
  cluster.lose('lb1', 'lb2')
  const ask = () => cluster.node('lb1').request('lb2', 'count', Buffer.alloc(0), 1000)
  await assert.rejects(ask(), code('PEER_UNREACHABLE'))
  assert.deepEqual([...(await ask())], [2])
})

test('nodes that refuse each other say so', async () => {
  const cluster = fakeCluster(['lb1', 'lb2'])
  cluster.cut('lb1', 'lb2', 'refused')
  const one = cluster.node('lb1')
  assert.equal(one.nodes()[0]?.state, 'refused')
  await assert.rejects(one.request('lb2', 'any', Buffer.alloc(0), 1000), code('PEER_REFUSED'))
})
