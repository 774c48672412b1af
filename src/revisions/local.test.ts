import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { ErrorCode } from '../base/error-catalogue.ts'
import { TenbinError } from '../base/errors.ts'
import { contentOf, FakeNode } from './node.fixture.ts'
import { decodeRevision } from './revision.ts'

let node: FakeNode
beforeEach(() => {
  node = new FakeNode()
})
afterEach(() => node.remove())

const coded = (code: ErrorCode) => (e: unknown) => e instanceof TenbinError && e.code === code

test('what is applied runs, counts, and is kept byte for byte with when, who and why', async () => {
  node.first()
  const { head } = await node.apply(2)
  assert.deepEqual([node.running, node.local.state, node.local.current], [2, 'settled', head])
  assert.deepEqual([head.number, head.who, head.why, head.node], [2, 'root', '2 servers', 'lb1'])
  assert.deepEqual(node.store.read(head.id).content.files[0]!.bytes, contentOf(2).files[0]!.bytes)
  node.boots()
  assert.deepEqual([node.running, node.local.current], [2, head])
})

test('what runs already is run once more, and is no new revision', async () => {
  node.first()
  const { isChanged } = await node.apply(1)
  assert.deepEqual([isChanged, node.store.heads.length], [false, 1])
})

for (const step of ['check', 'run', 'verify', 'write trying', 'write settled']) {
  test(`a file that fails at "${step}" leaves what ran before`, async () => {
    node.first()
    node.fails.add(step)
    await assert.rejects(node.apply(2))
    node.fails.clear()
    await node.local.tick()
    assert.deepEqual([node.running, node.local.current?.number, node.local.state], [1, 1, 'settled'])
    node.boots()
    assert.equal(node.running, 1)
    await node.apply(3)
    assert.equal(node.running, 3)
  })
}

test('a second one who applies is told who is applying already', async () => {
  node.first()
  const first = node.apply(2)
  await assert.rejects(node.apply(3), (e) => coded('APPLY_BUSY')(e) && /root on lb1/.test(String(e)))
  await first
  assert.equal(node.running, 2)
})

test('another attempt than the one under way neither runs, nor counts, nor ends it', async () => {
  node.first()
  let tried = 0
  node.onStep = (step) => {
    if (step !== 'verify') return
    tried++
    for (const strange of [
      node.local.try('another'),
      node.local.settle('another'),
      node.local.abort('another', 'x'),
    ])
      void assert.rejects(strange, coded('APPLY_OVER'))
  }
  await node.apply(2)
  assert.deepEqual([tried, node.running, node.local.current?.number], [1, 2, 2])
})

test('what is not confirmed in time goes back by itself', async () => {
  node.first()
  await node.apply(2, { confirmMs: 60_000 })
  assert.deepEqual([node.local.state, node.local.leftMs], ['confirming', 60_000])
  await assert.rejects(node.apply(3), coded('APPLY_BUSY'))
  node.bootMs += 60_000
  assert.equal(node.local.leftMs, 0)
  await node.local.revert('it was not confirmed in time')
  assert.deepEqual([node.running, node.local.state, node.local.current?.number], [1, 'settled', 1])
  assert.deepEqual(
    node.told.map(({ kind }) => kind),
    ['awaits', 'reverted'],
  )
})

test('a daemon that starts again goes on waiting, or goes back when the time is over', async () => {
  node.first()
  await node.apply(2, { confirmMs: 60_000 })
  node.boots()
  assert.deepEqual([node.running, node.local.state], [2, 'confirming'])
  node.bootMs += 60_001
  node.boots()
  assert.deepEqual([node.running, node.local.state], [1, 'settled'])
})

test('a boot in between takes back what was not confirmed', async () => {
  node.first()
  await node.apply(2, { confirmMs: 60_000 })
  node.boot = 'b'
  node.bootMs = 10
  node.boots()
  assert.deepEqual([node.running, node.local.state], [1, 'settled'])
})

test('what is confirmed stays', async () => {
  node.first()
  await node.apply(2, { confirmMs: 60_000 })
  await node.coordinator.confirm('root says so')
  node.bootMs += 100_000
  node.boots()
  assert.deepEqual([node.running, node.local.state, node.local.current?.number], [2, 'settled', 2])
  await assert.rejects(node.coordinator.confirm('again'), coded('CONFIRM_NOTHING'))
  await assert.rejects(node.coordinator.revert('again'), coded('CONFIRM_NOTHING'))
})

test('rolled back by hand, it goes back before its time', async () => {
  node.first()
  await node.apply(2, { confirmMs: 60_000 })
  await node.coordinator.revert('root says so')
  assert.deepEqual([node.running, node.local.state], [1, 'settled'])
})

test('killed before any step, a node starts with one revision or the other, whole, and goes on', async () => {
  class Killed extends Error {}
  for (let n = 1, isOver = false; !isOver; n++) {
    const victim = new FakeNode()
    victim.first()
    let left = n
    victim.onStep = () => {
      if (--left === 0) throw new Killed()
    }
    await victim.apply(2).then(
      () => {
        isOver = left > 0
      },
      (error: unknown) => assert.ok(error instanceof Killed),
    )
    victim.onStep = () => undefined
    victim.boots()
    assert.ok([1, 2].includes(victim.running))
    assert.equal(victim.local.current?.number, victim.running)
    await victim.apply(3)
    assert.equal(victim.running, 3)
    victim.remove()
  }
})

test('going back that fails is tried again, and named until it is done', async () => {
  node.first()
  await node.apply(2, { confirmMs: 60_000 })
  node.fails.add('run')
  await node.local.revert('late')
  assert.equal(node.local.fault?.code, 'INTERFACE_MISSING')
  assert.equal(node.running, 2)
  node.fails.clear()
  node.bootMs += 2_000
  await node.local.tick()
  assert.deepEqual([node.running, node.local.fault], [1, undefined])
})

test('going back that fails is tried again later each time, as what nobody asked for', async () => {
  node.first()
  await node.apply(2, { confirmMs: 60_000 })
  node.runs.length = 0
  node.fails.add('run')
  await node.local.revert('late')
  for (let second = 0; second < 120; second++) {
    node.bootMs += 1_000
    await node.local.tick()
  }
  assert.deepEqual(
    node.runs.map(({ isAgain }) => isAgain),
    [false, true, true, true, true, true],
    'at 0, 2, 6, 14, 30 and 62 s',
  )
})

test('what is applied after going back failed runs on', async () => {
  node.first()
  await node.apply(2, { confirmMs: 60_000 })
  node.fails.add('run')
  await node.local.revert('late')
  node.fails.clear()
  await node.apply(3)
  assert.equal(node.local.fault, undefined)
  node.bootMs += 60_000
  await node.local.tick()
  assert.deepEqual([node.running, node.local.current?.number], [3, 3])
})

test('a damaged revision is told, and never run', async () => {
  node.first()
  await node.apply(2)
  const name = readdirSync(node.folder).find((each) => each.startsWith('00000002'))!
  const path = join(node.folder, name)
  const bytes = readFileSync(path)
  bytes[bytes.length - 3]! ^= 1
  writeFileSync(path, bytes)
  assert.throws(() => node.boots(), coded('REVISION_DAMAGED'))
})

test('a revision cut at any length, or changed anywhere in its content, is no revision', async () => {
  node.first()
  const { head } = await node.apply(2)
  const path = join(node.folder, readdirSync(node.folder).find((each) => each.startsWith('00000002'))!)
  const bytes = readFileSync(path)
  assert.equal(decodeRevision(bytes).head.id, head.id)
  for (let length = 0; length < bytes.length; length++)
    assert.throws(() => decodeRevision(bytes.subarray(0, length)), coded('REVISION_DAMAGED'))
})

test('old revisions go when there are too many, those that are needed stay', async () => {
  node.first()
  for (let i = 2; i < 6; i++) await node.apply(i)
  assert.throws(() => node.store.read('0'.repeat(64)), coded('REVISION_UNKNOWN'))
})
