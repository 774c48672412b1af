import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration } from './durations.ts'
import { TenbinError } from './errors.ts'

test('durations are read with their units', () => {
  for (const [text, ms] of [
    ['100ms', 100],
    ['1ms', 1],
    ['3s', 3000],
    ['1.5s', 1500],
    ['0.001s', 1],
    ['1.001s', 1001],
    ['15m', 900_000],
    ['1h', 3_600_000],
    ['366d', 31_622_400_000],
  ] as const) {
    assert.equal(parseDuration(text), ms, text)
  }
})

test('what is no duration is refused and says why', () => {
  for (const [text, detail] of [
    ['3', '"3" has no unit: write 3s or 3ms'],
    ['', '"" is not a duration such as 3s or 100ms'],
    ['3 s', '"3 s" is not a duration such as 3s or 100ms'],
    ['-3s', '"-3s" is not a duration such as 3s or 100ms'],
    ['3S', '"3S" is not a duration such as 3s or 100ms'],
    ['1e3s', '"1e3s" is not a duration such as 3s or 100ms'],
    ['0s', '"0s" is out of range: 1ms to 366d'],
    ['367d', '"367d" is out of range: 1ms to 366d'],
    ['999999999999d', '"999999999999d" is out of range: 1ms to 366d'],
    ['1.5ms', '"1.5ms" is not a whole number of milliseconds'],
  ] as const) {
    assert.throws(
      () => parseDuration(text),
      (e) => e instanceof TenbinError && e.code === 'DURATION_INVALID' && e.detail === detail,
      text,
    )
  }
})

test('every duration survives a round trip, written in its largest whole unit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 31_622_400_000 }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms)
    }),
  )
  assert.equal(formatDuration(90_000), '90s')
  assert.equal(formatDuration(120_000), '2m')
  assert.equal(formatDuration(100), '100ms')
  assert.equal(formatDuration(0), '0ms')
})
