import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limited } from './limits.ts'

const row = (name: string, value: number, failed?: string) => ({
  ...{ name, value, unit: name.endsWith('ok') ? 'of 1' : 'ms', min: value, max: value, runs: 3 },
  ...(failed !== undefined && { failed }),
})
const failures = (...rows: Parameters<typeof row>[]) =>
  limited(rows.map((each) => row(...each))).flatMap(({ name, failed }) =>
    failed === undefined ? [] : [`${name}: ${failed}`],
  )

test('a defence has to answer 99 of 100 requests, within twice the time without a flood; others have no limit', () => {
  assert.deepEqual(
    failures(
      ['flood.none.0.p99', 2],
      ['flood.none.max.ok', 0],
      ['flood.none.max.p99', 2000],
      ['flood.rule.0.ok', 1],
      ['flood.rule.0.p99', 2],
      ['flood.rule.10.ok', 0.99],
      ['flood.rule.10.p99', 4],
      ['flood.rule.max.ok', 0.98],
      ['flood.rule.max.p99', 4.1],
      ['flood.proof-nat.max.p99', 100],
    ),
    [
      'flood.rule.max.ok: 0.98 of 1 were answered, at least 0.99 have to be',
      'flood.rule.max.p99: 4.1 ms, the limit is 4: 2 times that without a flood',
    ],
  )
})

test('what a packet costs has a limit where one is named', () => {
  assert.deepEqual(
    failures(['flood.cost.rule-drop', 20], ['flood.cost.limit-drop', 41], ['flood.cost.listed-0', 500]),
    ['flood.cost.limit-drop: 41 ms, the limit is 40: of the median'],
  )
})

test('a row that is wrong already stays as it is', () => {
  assert.deepEqual(failures(['flood.proof-dsr.10.ok', 0.5, 'the flood was 2 kpps, not 10']), [
    'flood.proof-dsr.10.ok: the flood was 2 kpps, not 10',
  ])
})
