import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bucketOf, emptyHistory, LATENCY_BOUNDS, quantileMs } from './history.ts'

test('a quantile is the upper end of the bucket that reaches it', () => {
  const counts = [...emptyHistory.latencies]
  assert.equal(quantileMs(counts, 0.5), undefined)
  counts[bucketOf(0.9)] = 98
  counts[bucketOf(40)] = 2
  assert.deepEqual([quantileMs(counts, 0.5), quantileMs(counts, 0.98), quantileMs(counts, 0.99)], [1, 1, 50])
  counts[LATENCY_BOUNDS.length] = 100
  assert.equal(quantileMs(counts, 0.99), Number.POSITIVE_INFINITY)
})
