import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limited } from './limits.ts'

const failedOf = (name: string, value: number, failed?: string) =>
  limited([{ name, value, unit: 'ms', min: value, max: value, runs: 1, ...(failed && { failed }) }])[0]!
    .failed

test('a change, a cold start, a check and a change of a pair have limits, what they hold of memory has none', () => {
  for (const [name, limit] of [
    ['apply.one-change', 1000],
    ['apply.cold', 5000],
    ['apply.check', 2000],
    ['apply.pair.one-change', 2000],
  ] as const) {
    assert.equal(failedOf(name, limit), undefined)
    assert.equal(failedOf(name, limit + 1), `${limit + 1} ms, the limit is ${limit}: of the median`)
  }
  assert.equal(failedOf('apply.rss', 10_000), undefined)
  assert.equal(failedOf('apply.cold', 9000, 'not what was to be measured'), 'not what was to be measured')
})
