import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failoverRows, isBlind, type Told } from './rows.ts'
import type { Change } from './scene.ts'

const change = (ms: number, coarsestMs = 1.5): Change => ({ ms, outages: ms > 0 ? 1 : 0, coarsestMs })
const failure = (ms: number, backMs = 0, again = 0): Told => ({
  changed: change(ms),
  back: change(backMs),
  again,
})

test('each cause has its median and its worst, and the way back of an orderly end is a row of its own', () => {
  const rows = failoverRows([
    {
      who: 'tenbin',
      advert: '1s',
      cause: 'crash',
      failures: [failure(3300), failure(3100, 2, 1), failure(2900)],
    },
    { who: 'tenbin', advert: '1s', cause: 'orderly', failures: [failure(0, 1)] },
  ])
  assert.deepEqual(
    rows.map(({ name, value, runs }) => [name, value, runs]),
    [
      ['failover.tenbin.1s.crash.p50', 3100, 3],
      ['failover.tenbin.1s.crash.worst', 3300, 3],
      ['failover.tenbin.1s.orderly.p50', 0, 1],
      ['failover.tenbin.1s.orderly.worst', 0, 1],
      ['failover.tenbin.1s.failback.p50', 1, 1],
      ['failover.tenbin.1s.failback.worst', 1, 1],
    ],
  )
  assert.deepEqual(rows[0]!.checks, { outages: 3, coarsest: 1.5, 'back worst': 2, again: 1 })
  assert.ok(rows.every(({ failed }) => failed === undefined))
})

test('what was not looked at finely enough is not to be believed', () => {
  const coarse = { changed: change(0, 21), back: change(0), again: 3 }
  assert.deepEqual(
    [failure(0), coarse, { ...coarse, changed: change(0), back: change(0, 21) }].map(isBlind),
    [false, true, true],
  )
  const rows = failoverRows([{ who: 'tenbin', advert: '10ms', cause: 'freeze', failures: [coarse] }])
  assert.match(rows[0]!.failed!, /silent for 21 ms/)
})

test('tenbin is held to what keepalived has of the same interval and cause, where there are enough runs to tell', () => {
  const of = (who: string, cause: 'crash' | 'link' | 'orderly', usual: number, worst: number, runs = 10) => ({
    ...{ who, advert: '100ms', cause },
    failures: Array.from({ length: runs }, (_, run) => failure(run === 0 ? worst : usual)),
  })
  const failedOf = (...all: readonly ReturnType<typeof of>[]) =>
    failoverRows(all).flatMap(({ name, failed }) => (failed === undefined ? [] : [`${name}: ${failed}`]))
  assert.deepEqual(
    failedOf(
      of('tenbin', 'crash', 315, 387),
      of('keepalived', 'crash', 300, 310),
      of('tenbin', 'link', 12.5, 12.5),
      of('keepalived', 'link', 10, 10),
      of('tenbin', 'orderly', 3, 5),
      of('keepalived', 'orderly', 0, 4),
    ),
    [],
  )
  const slow = (runs: number) => [
    of('tenbin', 'crash', 316, 388, runs),
    of('keepalived', 'crash', 300, 310),
    of('tenbin', 'orderly', 3, 4, runs),
    of('keepalived', 'orderly', 0, 0),
  ]
  assert.deepEqual(failedOf(...slow(10)), [
    'failover.tenbin.100ms.crash.p50: 316 ms, the limit is 315: keepalived has 300',
    'failover.tenbin.100ms.crash.worst: 388 ms, the limit is 387.5: keepalived has 310',
    'failover.tenbin.100ms.orderly.worst: 4 ms, the limit is 0: keepalived has 0',
  ])
  assert.deepEqual(failedOf(...slow(9)), [])
})
