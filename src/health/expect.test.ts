import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pattern } from '../base/pattern.ts'
import { ANSWER_LIMIT, Expectation } from './expect.ts'

const expecting = (source: string) => new Expectation(Pattern.compile(source))
const bytes = (text: string) => Buffer.from(text, 'latin1')

test('a pattern is found across pieces, as soon as it is there', () => {
  const expectation = expecting('ready')
  assert.equal(expectation.feed(bytes('not yet: rea')), undefined)
  assert.deepEqual(expectation.feed(bytes('dy, and more')), { outcome: 'good', text: 'as expected' })
})

test('what is only known at the end is said at the end', () => {
  const expectation = expecting('^ok$')
  assert.equal(expectation.feed(bytes('ok')), undefined)
  assert.deepEqual(expectation.end(), { outcome: 'good', text: 'as expected' })
  const nothing = expecting('x').end()
  assert.deepEqual(nothing, { outcome: 'bad', text: 'no "x": it said nothing' })
})

test('of an answer without end the first 64 KiB count, and its beginning is told', () => {
  const expectation = expecting('needle')
  assert.equal(expectation.feed(bytes('hay'.padEnd(ANSWER_LIMIT - 3, '.'))), undefined)
  const verdict = expectation.feed(bytes('.needle'))
  assert.equal(verdict?.outcome, 'bad', 'it began within the bound, and ends behind it')
  assert.match(verdict!.text, /^no "needle" in the first 64 KiB: it said "hay\.+/)
})
