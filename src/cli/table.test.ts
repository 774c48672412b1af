import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesText, countText, rateText, shareText, table, wrap } from './table.ts'

test('columns align without counting colours, and no line ends in spaces', () => {
  assert.deepEqual(
    table(
      [
        ['NAME', 'PACKETS', 'WHY'],
        ['\x1b[31mweb01\x1b[0m', '7', ''],
        ['w', '12,345', 'no answer'],
      ],
      ['left', 'right', 'left'],
    ),
    ['NAME   PACKETS  WHY', '\x1b[31mweb01\x1b[0m        7', 'w       12,345  no answer'],
  )
})

test('lists wrap between words', () => {
  assert.deepEqual(wrap(['aaaa', 'bbbb', 'cccc'], 10), ['aaaa, bbbb,', 'cccc'])
  assert.deepEqual(wrap([], 10), [])
  assert.deepEqual(wrap(['longer than ten'], 10), ['longer than ten'])
})

test('numbers are written for people, above 2^53 too', () => {
  assert.equal(countText('18446744073709551615'), '18,446,744,073,709,551,615')
  assert.equal(bytesText(0), '0 B')
  assert.equal(bytesText(999), '999 B')
  assert.equal(bytesText(1000), '1.0 kB')
  assert.equal(bytesText('999950'), '1.0 MB')
  assert.equal(bytesText('123456789'), '123 MB')
  assert.equal(bytesText('18446744073709551615'), '18.4 EB')
  assert.equal(shareText(1 / 3), '33.3 %')
})

test('rates are written in three digits or so, and not where they are not known', () => {
  const cases = [
    [undefined, '-'],
    [0, '0'],
    [0.26, '0.3'],
    [9.96, '10'],
    [42.4, '42'],
    [999.4, '999'],
  ] as const
  for (const [rate, text] of cases) assert.equal(rateText(rate), text)
  assert.deepEqual([999.6, 12_345, 98_765_432, 2e12].map(rateText), ['1.0k', '12.3k', '98.8M', '2.0T'])
})
