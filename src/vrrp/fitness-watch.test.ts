import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FitnessWatch, PACKET_PATH } from './fitness-watch.ts'
import { setSpec } from './spec.fixture.ts'

const names = (watch: FitnessWatch, now: number) => watch.verdict(100, now).faults.map(({ name }) => name)

test("a set's own links, and the packet path, are faults until they were seen up", () => {
  const watch = new FitnessWatch()
  watch.follow(setSpec(), true)
  assert.deepEqual(names(watch, 0), ['nic:eth0', PACKET_PATH])
  watch.see('nic:eth0', true, 'eth0 is up', 0)
  watch.see(PACKET_PATH, true, 'it answers', 0)
  assert.deepEqual(names(watch, 0), [])
  watch.see('nobody', false, 'no rule has it', 0)
  assert.deepEqual(names(watch, 0), [])
})

test('what was seen of rules that stay is kept when others come', () => {
  const watch = new FitnessWatch()
  const rule = {
    name: 'it',
    thing: { kind: 'file', path: '/x' },
    weight: 'fault',
    riseMs: 0,
    fallMs: 0,
  } as const
  watch.follow(setSpec(), false)
  watch.see('nic:eth0', true, 'eth0 is up', 0)
  watch.follow(setSpec({ track: [rule] }), false)
  assert.deepEqual(watch.verdict(100, 0).faults, [{ name: 'it', text: 'it was not looked at yet' }])
})

test('a set that serves goes on when rules come, until they are seen down for as long as they say', () => {
  const watch = new FitnessWatch()
  const rule = {
    ...({ name: 'it', thing: { kind: 'file', path: '/x' }, weight: 'fault' } as const),
    ...{ riseMs: 0, fallMs: 500 },
  }
  watch.follow(setSpec(), false)
  watch.see('nic:eth0', true, 'eth0 is up', 0)
  watch.follow(setSpec({ track: [rule] }), true, true)
  assert.deepEqual(names(watch, 0), [])
  watch.see(PACKET_PATH, false, 'no program on eth0', 10)
  watch.see('it', false, '/x is there', 10)
  assert.deepEqual([names(watch, 10), names(watch, 510)], [[PACKET_PATH], [PACKET_PATH, 'it']])
  watch.follow(setSpec(), false, true)
  watch.follow(setSpec({ track: [rule] }), false, false)
  assert.deepEqual(names(watch, 510), ['it'], 'what was known is forgotten with the rule')
})

test('a failure counts for a second, then two, four, up to a minute; after five good minutes for one again', () => {
  const watch = new FitnessWatch()
  let now = 0
  const waits = Array.from({ length: 8 }, () => {
    watch.fail('addresses', 'no room', now)
    const until = watch.nextAt(now)!
    const waited = until - now
    assert.deepEqual([names(watch, until - 1), names(watch, until)], [['addresses'], []])
    now = until
    return waited
  })
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
  assert.equal(watch.nextAt(now), undefined)
  now += 300_001
  watch.fail('addresses', 'no room', now)
  assert.equal(watch.nextAt(now)! - now, 1000)
})

test('what is held is a fault until it is taken back', () => {
  const watch = new FitnessWatch()
  watch.hold('maintenance', 'this node is in maintenance')
  assert.deepEqual(names(watch, 1e9), ['maintenance'])
  watch.hold('maintenance', undefined)
  assert.deepEqual(names(watch, 1e9), [])
})
