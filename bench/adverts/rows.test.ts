import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noLateness, withLate } from '../../src/vrrp/lateness.ts'
import type { Lateness } from '../../src/vrrp/protocol.ts'
import { advertRows, requestsOf } from './rows.ts'

const lateBy = (...all: readonly number[]): Lateness => all.reduce(withLate, noLateness)
const failedOf = (late: Lateness, work: Readonly<Record<string, number>>) =>
  advertRows('adverts.busy', late, work).map(({ failed }) => failed)

test('adverts beside work have a limit, without any they have none', () => {
  assert.deepEqual(failedOf(lateBy(1, 1, 4), { applied: 3 }), [undefined, undefined])
  assert.deepEqual(failedOf(lateBy(1, 1, 9), { applied: 3 }), ['later than 5 ms', 'later than 5 ms'])
  assert.deepEqual(failedOf(lateBy(1, 1, 9), {}), [undefined, undefined])
})

test('adverts beside work of which nothing was done, or of which none left, prove nothing', () => {
  const why = 'not what was to be measured: no applied, no requests'
  assert.deepEqual(failedOf(lateBy(1), { applied: 0, asked: 5, requests: 0 }), [why, why])
  assert.match(failedOf(noLateness, {})[0]!, /no adverts$/)
})

test('how many requests wrk had answered it says; one that failed said nothing of the kind', () => {
  assert.equal(requestsOf('  2 threads\n  48211 requests in 8.01s, 7.77MB read\nRequests/sec: 6018\n'), 48211)
  assert.equal(requestsOf('unable to connect to 10.0.0.100:80 Connection refused\n'), 0)
})
