import assert from 'node:assert/strict'
import { test } from 'node:test'
import { percent } from './verdict-words.ts'

test('nearly all is never said to be all, nor nearly nothing to be nothing', () => {
  assert.deepEqual([0, 0.0001, 0.004, 0.01, 0.254, 0.99, 0.9912, 0.99961, 1].map(percent), [
    '0 %',
    '0.1 %',
    '0.4 %',
    '1 %',
    '25 %',
    '99 %',
    '99.1 %',
    '99.9 %',
    '100 %',
  ])
})
