import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Deaths, endText, LOOP } from './deaths.ts'

test('five ends within five minutes are a crash loop, until they are further apart', () => {
  const deaths = new Deaths()
  for (let at = 0; at < 4; at++) deaths.record({ how: 'SIGKILL' }, 1_000 * at)
  assert.ok(!deaths.isLoop(4_000))
  deaths.record({ how: 'status 1', words: 'Error: no' }, 4_000)
  assert.ok(deaths.isLoop(4_000))
  assert.ok(deaths.isLoop(LOOP.withinMs))
  assert.ok(!deaths.isLoop(LOOP.withinMs + 1))
  assert.equal(deaths.total, 5)
  assert.equal(endText(deaths.last!), 'status 1: Error: no')
})

test('ends that are far apart are none, however many', () => {
  const deaths = new Deaths()
  for (let at = 0; at < 100; at++) {
    deaths.record({ how: 'SIGKILL' }, at * (LOOP.withinMs / 3))
    assert.ok(!deaths.isLoop(at * (LOOP.withinMs / 3)))
  }
  assert.equal(deaths.total, 100)
})
