import assert from 'node:assert/strict'
import { test } from 'node:test'
import { floodRows } from './rows.ts'
import type { Turn } from './turn.ts'

const turn = (ok: number, arrivedKpps: number): Turn => ({
  ok,
  ...{ p99Ms: ok < 0.99 ? 2000 : 3, asked: 200, answered: 200 * ok, sentKpps: 100, arrivedKpps },
})

test('each contender and rate has its share of answers and the time that they took, with what arrived', () => {
  const rows = floodRows([
    { who: 'none', rate: 100, turns: [turn(0.01, 60), turn(0, 80), turn(0.5, 100)] },
    { who: 'rule', rate: 'max', turns: [turn(1, 2000)] },
  ])
  assert.deepEqual(
    rows.map(({ name, value, unit, runs }) => [name, value, unit, runs]),
    [
      ['flood.none.100.ok', 0.01, 'of 1', 3],
      ['flood.none.100.p99', 2000, 'ms', 3],
      ['flood.rule.max.ok', 1, 'of 1', 1],
      ['flood.rule.max.p99', 3, 'ms', 1],
    ],
  )
  assert.deepEqual(rows[0]!.checks, { asked: 600, answered: 102, 'sent kpps': 100, 'arrived kpps': 80 })
  assert.ok(rows.every(({ failed }) => failed === undefined))
})

test('a success at less than the rate is not to be believed', () => {
  const [row] = floodRows([{ who: 'rule', rate: 100, turns: [turn(1, 100), turn(1, 60)] }])
  assert.equal(row!.failed, 'the flood was 80 kpps, not 100')
})
