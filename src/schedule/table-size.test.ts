import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CELLS, tableSize, tableSizes } from './table-size.ts'

test('table sizes ascend, and each but the least is a whole number of cells', () => {
  for (const [i, size] of tableSizes.entries())
    assert.ok(i === 0 ? size === CELLS / 2 : size % CELLS === 0 && size > tableSizes[i - 1]!, `${size}`)
})

test('a table has at least 650 slots a member, up to 1,008 members', () => {
  for (let members = 0; members <= 1_008; members++) {
    const size = tableSize(members)
    assert.ok(size >= 650 * members)
    const smaller = tableSizes[tableSizes.indexOf(size as (typeof tableSizes)[number]) - 1]
    assert.ok(smaller === undefined || smaller < 650 * members, `${size} is too much for ${members}`)
  }
  assert.deepEqual(
    [tableSize(1), tableSize(100), tableSize(1_009), tableSize(32_766)],
    [1_024, 65_536, 655_360, 655_360],
  )
})
