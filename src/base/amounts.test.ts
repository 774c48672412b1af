import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRate, formatSize, tryRate, trySize } from './amounts.ts'

test('rates and sizes are read and written with their units', () => {
  for (const rate of ['1/s', '10000/s', '4000000000/s']) assert.equal(formatRate(tryRate(rate)!), rate)
  for (const size of ['1KiB', '64MiB', '3GiB', '1000KiB']) assert.equal(formatSize(trySize(size)!), size)
  assert.equal(formatSize(trySize('1024KiB')!), '1MiB')
  assert.equal(formatSize(1000), '1000 bytes')
})

test('what has no unit, is nothing or is no whole number is none', () => {
  for (const text of ['10', '0/s', '010/s', '1.5/s', '10/m', '-1/s', '10 /s', '99999999999/s', ''])
    assert.equal(tryRate(text), undefined, text)
  for (const text of ['64', '64MB', '0MiB', '64 MiB', '1.5GiB', 'MiB', '-1MiB'])
    assert.equal(trySize(text), undefined, text)
})
