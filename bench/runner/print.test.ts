import assert from 'node:assert/strict'
import { test } from 'node:test'
import { columns, comparison, number, runTable } from './print.ts'
import type { Row, Run } from './row.ts'

const row = (name: string, value: number, rest: Partial<Row> = {}): Row => ({
  ...{ name, value, unit: 'ns', min: value, max: value, runs: 1 },
  ...rest,
})
const run = (...rows: readonly Row[]): Run => ({
  bench: 'packet',
  machine: {
    cpu: 'a CPU',
    cpus: 2,
    kernel: '6.1.0',
    node: '20.19.0',
    commit: 'abc',
    date: '2026-01-01T00:00:00Z',
  },
  rows,
})

test('numbers keep four digits, large ones all before the point', () => {
  assert.deepEqual([52.126, 0.006666, 1021.4, 65537, 0, -3.5].map(number), [
    '52.13',
    '0.006666',
    '1021',
    '65537',
    '0',
    '-3.5',
  ])
})

test('the first column stands left, the others right', () => {
  assert.equal(
    columns([
      ['row', 'value'],
      ['a', '1'],
      ['long name', '10'],
    ]),
    'row        value\na              1\nlong name     10',
  )
})

test('a run shows its machine, its checks, and what is wrong', () => {
  const text = runTable(
    run(row('packet.a', 12.5, { checks: { tx: 2000 } }), row('packet.b', 1, { failed: '3 misses' })),
  )
  assert.match(text, /^packet: a CPU, 2 CPUs, Linux 6.1.0, Node 20.19.0, commit abc\n/)
  assert.match(text, /packet\.a +12\.5 +ns +12\.5 +12\.5 +1 +tx 2000\n/)
  assert.match(text, /\nWRONG: packet\.b: 3 misses$/)
})

test('a comparison divides B by A, and by the references where both have one', () => {
  const a = run(row('packet.a', 10), row('packet.reference', 4), row('packet.gone', 1))
  const b = run(row('packet.a', 30), row('packet.reference', 8), row('packet.new', 1))
  const lines = comparison(a, b).split('\n')
  assert.match(lines[3] ?? '', /^packet\.a +10 +30 +ns +3 +1\.5$/)
  assert.match(lines[5] ?? '', /^packet\.gone +1 +- +ns +- +-$/)
  assert.match(lines[6] ?? '', /^packet\.new +- +1 +ns +- +-$/)
})
