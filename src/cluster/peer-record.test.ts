import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Document, negotiate } from './document.ts'
import { readDocument } from './peer.ts'
import { type Moment, PeerRecord } from './peer-record.ts'

const LOST_MS = 5_000
const at = (ms: number): Moment => ({ ms, date: new Date(ms) })
const document: Document = {
  node: 'lb2',
  version: '0.2.0',
  protocols: { min: 1, max: 1 },
  run: 'a',
  clock: 0,
  keys: { current: '0123456789abcdef' },
  parts: { revision: 7 },
}
const silent = { state: 'unreachable', why: 'no answer' } as const
const record = () => new PeerRecord('lb2', new Date(0), LOST_MS)

test('a peer is connected when it answers, and lost after seconds of silence, not at the first', () => {
  const peer = record()
  assert.equal(peer.view(at(0)).state, 'unreachable')
  peer.answered(document, 1, 3, at(1_000))
  assert.deepEqual(peer.view(at(1_000)).since, new Date(1_000))
  peer.failed(silent, at(1_000 + LOST_MS - 1))
  assert.equal(peer.view(at(1_000 + LOST_MS - 1)).state, 'connected')
  peer.failed(silent, at(1_000 + LOST_MS))
  const { state, why, since, parts } = peer.view(at(9_000))
  assert.deepEqual([state, why, since, parts], ['unreachable', 'no answer', new Date(6_000), { revision: 7 }])
})

test('who refuses is refused at once, and connected again as soon as it answers', () => {
  const peer = record()
  peer.answered(document, 1, 0, at(0))
  peer.failed({ state: 'refused', why: 'another cluster' }, at(1))
  assert.equal(peer.view(at(1)).state, 'refused')
  peer.answered(document, 1, 0, at(2))
  assert.deepEqual([peer.view(at(2)).state, peer.view(at(2)).why], ['connected', undefined])
})

test('a peer that reaches us but does not answer is behind a filter that works one way', () => {
  const peer = record()
  peer.failed(silent, at(0))
  peer.heard(document, at(100))
  const view = peer.view(at(100))
  assert.ok(view.reachesUs)
  assert.match(view.why!, /^no answer; but it reaches this node: look for a filter/)
  assert.equal(peer.view(at(100 + LOST_MS)).reachesUs, false)
})

test('a peer that dies just after it reached us is no filter’s matter', () => {
  const peer = record()
  peer.answered(document, 1, 0, at(0))
  peer.heard(document, at(900))
  peer.failed(silent, at(LOST_MS))
  const { why, reachesUs } = peer.view(at(LOST_MS))
  assert.deepEqual([why, reachesUs], ['no answer', true])
  peer.heard(document, at(LOST_MS + 1))
  assert.match(peer.view(at(LOST_MS + 1)).why!, /look for a filter/)
})

test('who says that it leaves is gone at once, in its own words, until it answers again; what fails meanwhile is no news', () => {
  const peer = record()
  peer.answered(document, 1, 0, at(0))
  peer.heard(document, at(500))
  peer.left(document, at(1_000))
  peer.failed(silent, at(2_000))
  const gone = peer.view(at(2_000))
  assert.deepEqual([gone.state, gone.hasLeft, gone.reachesUs], ['unreachable', true, false])
  assert.deepEqual([gone.why, gone.since], ['its daemon was stopped', new Date(1_000)])
  peer.answered(document, 1, 0, at(3_000))
  peer.failed(silent, at(3_000 + LOST_MS))
  const lost = peer.view(at(3_000 + LOST_MS))
  assert.deepEqual([lost.hasLeft, lost.why], [undefined, 'no answer'])
})

test('a peer reaches this node for seconds after its last word, however long this node runs', () => {
  const peer = record()
  peer.heard(document, at(100 * LOST_MS))
  assert.ok(peer.view(at(101 * LOST_MS - 1)).reachesUs)
  assert.ok(!peer.view(at(101 * LOST_MS)).reachesUs)
})

test('time in which this process was not run counts against nobody', () => {
  const peer = record()
  peer.answered(document, 1, 0, at(0))
  peer.overslept(60_000)
  peer.failed(silent, at(61_000))
  assert.equal(peer.view(at(61_000)).state, 'connected')
})

test('two versions talk by the newest protocol that both speak, or know whom to upgrade', () => {
  assert.equal(negotiate({ min: 1, max: 3 }, { min: 2, max: 5 }), 3)
  assert.equal(negotiate({ min: 2, max: 5 }, { min: 1, max: 3 }), 3)
  assert.equal(negotiate({ min: 1, max: 1 }, { min: 2, max: 3 }), 'upgrade us')
  assert.equal(negotiate({ min: 2, max: 3 }, { min: 1, max: 1 }), 'upgrade them')
})

test('a document of a version with nothing in common is refused by name, whatever else is in it', () => {
  const read = (value: unknown) => readDocument(Buffer.from(JSON.stringify(value)), 'lb2', 'heartbeat')
  assert.equal(read({ ...document, later: 1 }).run, 'a')
  const far = { node: ['lb2'], version: '9.0.0', protocols: { min: 7, max: 9 }, parts: 'elsewhere' }
  assert.throws(() => read(far), {
    code: 'PEER_REFUSED',
    detail: 'it runs tenbin 9.0.0 with protocol 7 to 9, and this node speaks 1: upgrade this node',
  })
  for (const bad of [null, 1, [], { ...document, node: 'lb3' }, { ...document, keys: {} }])
    assert.throws(() => read(bad), { code: 'PEER_ANSWER' })
  assert.throws(() => readDocument(Buffer.from('{'), 'lb2', 'heartbeat'), { code: 'PEER_ANSWER' })
})

test('a document that nests as deeply as its size lets it is refused, and ends nothing', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  const text = JSON.stringify({ ...document, parts: { roles: 0 } }).replace('"roles":0', `"roles":${deep}`)
  assert.throws(() => readDocument(Buffer.from(text), 'lb2', 'heartbeat'), {
    code: 'PEER_ANSWER',
    detail: 'its document nests too deeply',
  })
})
