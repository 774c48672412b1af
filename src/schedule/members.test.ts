import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sortMembers } from './members.ts'

test('members are sorted by the bytes of their names', () => {
  const names = ['b', 'a10', 'a2', '\u{1f600}', '\uffff', 'B', 'é', 'a']
  const sorted = sortMembers(names.map((name) => ({ name, weight: 1 }))).map(({ name }) => name)
  // UTF-16 order would put U+1F600 before U+FFFF, a locale é next to e
  assert.deepEqual(sorted, ['B', 'a', 'a10', 'a2', 'b', 'é', '\uffff', '\u{1f600}'])
})

test('two members of one name and weights that cannot be are bugs of the caller', () => {
  const named = (name: string, weight: number) => ({ name, weight })
  assert.throws(() => sortMembers([named('a', 1), named('b', 1), named('a', 2)]), /two members are named a/)
  for (const weight of [-1, 1.5, 65_536, Number.NaN])
    assert.throws(() => sortMembers([named('a', weight)]), /weight/)
})
