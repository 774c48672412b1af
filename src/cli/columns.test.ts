import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Column, cutEnd, cutMiddle, fitted } from './columns.ts'
import { paintFor } from './context.ts'

const columns: readonly Column[] = [
  { head: 'NAME', align: 'left', min: 5, enough: 8, cut: 'middle' },
  { head: 'N', align: 'right' },
  { head: 'MORE', align: 'left', isOptional: true },
  { head: 'WHY', align: 'left', min: 4, cut: 'end' },
]
const rows = [
  ['abcdefghij', '12', 'extra', 'because'],
  ['k', '3', '', { text: 'no', paint: paintFor(true).bad }],
]
const fit = (width: number) => fitted(columns, rows, width, paintFor(false)).slice(1)

test('where there is room nothing is cut and all columns are there; colours do not count', () => {
  assert.deepEqual(fit(30), [
    'NAME         N  MORE   WHY',
    'abcdefghij  12  extra  because',
    'k            3         \x1b[31mno\x1b[0m',
  ])
})

test('an optional column goes before others lose more than enough, then the widest are cut', () => {
  assert.deepEqual(fit(28)[1], 'abcd…hij  12  extra  because')
  assert.deepEqual(fit(23)[1], 'abcdefghij  12  because')
  assert.deepEqual(fit(18)[1], 'abc…ij  12  becau…')
  assert.deepEqual(fit(15)[1], 'ab…ij  12  bec…')
})

test('text is cut at its end or in its middle, to a number of characters', () => {
  assert.deepEqual([cutEnd('abcdef', 6), cutEnd('abcdef', 5)], ['abcdef', 'abcd…'])
  assert.deepEqual(
    [cutMiddle('abcdef', 6), cutMiddle('abcdef', 5), cutMiddle('abcdef', 4)],
    ['abcdef', 'ab…ef', 'ab…f'],
  )
})
