import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fillSlots, type Member, sortMembers, tableSize, tableSizes } from './maglev.ts'
import { hashName } from './mix.ts'

const pool = (weights: readonly number[]): readonly Member[] =>
  sortMembers(weights.map((weight, i) => ({ name: `web${String(i + 1).padStart(4, '0')}`, weight })))

const owned = (owner: Uint16Array, members: number): Uint32Array => {
  const counts = new Uint32Array(members)
  for (const member of owner) counts[member]!++
  return counts
}

test('every table size is prime and they ascend', () => {
  for (const [i, size] of tableSizes.entries()) {
    for (let divisor = 2; divisor * divisor <= size; divisor++) assert.notEqual(size % divisor, 0, `${size}`)
    assert.ok(i === 0 || size > tableSizes[i - 1]!)
  }
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
    [1_021, 65_537, 655_373, 655_373],
  )
})

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
  assert.throws(() => fillSlots(pool([0, 0]), 1_021), /invariant/)
})

test('each member owns its share to within one slot and members/slots of it', () => {
  const weight = fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 65_535 }))
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 60, size: 'max' }), (weights) => {
      fc.pre(weights.some((w) => w > 0))
      const slots = tableSize(weights.length)
      const counts = owned(fillSlots(pool(weights), slots), weights.length)
      const total = weights.reduce((sum, w) => sum + w, 0)
      for (const [i, w] of weights.entries()) {
        const fair = (slots * w) / total
        assert.ok(
          Math.abs(counts[i]! - fair) <= 1 + (fair * weights.length) / slots,
          `${counts[i]} of ${fair}`,
        )
        assert.equal(counts[i]! > 0, w > 0)
      }
    }),
    { numRuns: 60 },
  )
})

test('equal members own numbers of slots that differ by one at most', () => {
  for (const members of [1, 2, 3, 7, 10, 100, 1_000]) {
    const counts = owned(fillSlots(pool(Array<number>(members).fill(5)), tableSize(members)), members)
    assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
  }
})

test('without weights it is the table of the paper', () => {
  // the pseudocode of section 3.4, with all permutations written out
  const slots = 1_021
  const members = pool([1, 1, 1, 1, 1, 1, 1])
  const permutation = members.map(({ name }) => {
    const offset = hashName(name, 1) % slots
    const skip = (hashName(name, 2) % (slots - 1)) + 1
    return Array.from({ length: slots }, (_, j) => (offset + j * skip) % slots)
  })
  const next = members.map(() => 0)
  const entry = Array<number>(slots).fill(-1)
  for (let n = 0; n < slots; ) {
    for (let i = 0; i < members.length && n < slots; i++, n++) {
      let c = permutation[i]![next[i]!]!
      while (entry[c]! >= 0) c = permutation[i]![++next[i]!]!
      entry[c] = i
      next[i]!++
    }
  }
  assert.deepEqual([...fillSlots(members, slots)], entry)
})

test('a member that leaves the file moves few slots of the others', () => {
  const all = pool(Array<number>(100).fill(1))
  const before = fillSlots(all, 65_537)
  const gone = 41
  const after = fillSlots(
    all.filter((_, i) => i !== gone),
    65_537,
  )
  let moved = 0
  for (const [slot, member] of before.entries())
    if (
      member !== gone &&
      all[member]!.name !== all[after[slot]! < gone ? after[slot]! : after[slot]! + 1]!.name
    )
      moved++
  const share = moved / (65_537 * 0.99)
  assert.ok(share > 0 && share < 0.01, `${share}`)
})
