import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesText, countText, shareText, table, wrap } from './table.ts'

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
