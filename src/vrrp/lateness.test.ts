import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noLateness, percentileMs, withLate } from './lateness.ts'
import { LATENESS_BOUNDS } from './protocol.ts'

test('each is counted within its bound, what is above all of them last', () => {
  const late = [0, 0.25, 0.3, 7, 501].reduce(withLate, noLateness)
  assert.deepEqual(late.counts, [2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1])
  assert.deepEqual([late.sumMs, late.worstMs], [508.55, 501])
  assert.equal(late.counts.length, LATENESS_BOUNDS.length + 1)
})

test('a percentile is the bound that so many stayed within, never more than the worst', () => {
  const many = Array.from({ length: 999 }, () => 0.4).reduce(withLate, noLateness)
  assert.equal(percentileMs(many, 0.999), 0.4)
  const one = withLate(many, 30)
  assert.deepEqual([percentileMs(one, 0.99), percentileMs(one, 0.9995), percentileMs(one, 1)], [0.5, 30, 30])
  assert.equal(percentileMs(withLate(noLateness, 900), 0.5), 900)
})
