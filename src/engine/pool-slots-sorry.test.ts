// Slots of a pool with sorry servers: who has them follows from what counts of everybody now, whatever came before; the
// members' table is the one that they have without sorry servers; flows stay where they are when the pool turns.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { currentOf, SLOT_LEARN, SLOT_RECORDS, settledOf } from '../dataplane/shape.ts'
import { buildTable } from '../schedule/ranks.ts'
import { type Lives, PoolSlots } from './pool-slots.ts'
import { usesSorry } from './sorry.ts'

const LIVES: Lives = { young: 900_000, learn: 300_000 }
const SLOTS = 251
const MEMBERS = 4
const named = (name: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({ name: `${name}${i}`, weight: i + 1 }))
const table = buildTable(named('web', MEMBERS), SLOTS)
const sorry = buildTable(named('sorry', 2), SLOTS)
/** Of web0..3 the ids 1..4, of sorry0..1 the ids 5 and 6. */
const ids = [1, 2, 3, 4, 5, 6]
const ALL = [1, 1, 1, 1, 1, 1]

function poolOf(parts: readonly number[], isLost = false) {
  const slots = new PoolSlots({
    ...{ table, sorry, ids, lives: LIVES, parts: Float64Array.from(parts), isLost },
  })
  slots.fill()
  const { words } = slots
  return { slots, words, currents: () => Array.from(words, currentOf) }
}
const withoutSorry = (parts: readonly number[]) => {
  const own = { table, ids: ids.slice(0, MEMBERS), parts: Float64Array.from(parts.slice(0, MEMBERS)) }
  const slots = new PoolSlots({ ...own, lives: LIVES })
  slots.fill()
  return Array.from(slots.words, currentOf)
}

const part = fc.constantFrom(0, 0.5, 1)
const step = fc.oneof(
  fc.record({ member: fc.nat({ max: ids.length - 1 }), part, isFailure: fc.boolean() }),
  fc.record({ isLost: fc.boolean() }),
)

test('who has a slot follows from what counts now, in any order of events, and members are where they are without sorry servers', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
      const pool = poolOf(ALL)
      const parts = [...ALL]
      let isLost = false
      for (const [at, each] of steps.entries()) {
        const before = pool.words.slice()
        let written: number
        if ('isLost' in each) {
          isLost = each.isLost
          written = pool.slots.setLost(isLost, at)
        } else {
          parts[each.member] = each.part
          written = pool.slots.change(each.member, each.part, at, each.isFailure)
        }
        assert.ok(written >= pool.words.filter((word, slot) => word !== before[slot]).length)
      }
      const isSorry = usesSorry(parts, MEMBERS, isLost)
      assert.equal(pool.slots.isSorry, isSorry)
      assert.deepEqual(pool.currents(), poolOf(parts, isLost).currents(), 'as if nothing had come before')
      if (isSorry) assert.ok(pool.currents().every((id) => id > MEMBERS))
      else assert.deepEqual(pool.currents(), withoutSorry(parts))
      const held = ids.map((id) => pool.currents().filter((current) => current === id).length)
      assert.deepEqual([...pool.slots.held], held)
    }),
    { numRuns: 300 },
  )
})

test('sorry servers are used where one can and no member can, or the quorum is lost', () => {
  const cases: [number[], boolean, boolean][] = [
    [[1, 0, 1, 0], false, false],
    [[0, 0, 1, 0], false, true],
    [[0, 0, 0, 0], false, false],
    [[1, 0, 0, 1], true, true],
    [[1, 0, 0, 0], true, false],
    [[1, 0, 0.5, 0], true, true],
  ]
  for (const [counts, isLost, uses] of cases) assert.equal(usesSorry(counts, 2, isLost), uses, `${counts}`)
  assert.equal(usesSorry([0, 0], 2, true), false, 'there are none')
})

test('the last member that fails hands its slots to the sorry servers, which learn nothing; its return keeps their flows', () => {
  const pool = poolOf(ALL)
  const all = pool.words.slice()
  for (const member of [0, 1, 2]) pool.slots.change(member, 0, 1_000, true)
  const last = pool.words.slice()
  assert.ok(last.every((word) => currentOf(word) === 4))
  assert.equal(pool.slots.change(3, 0, 2_000, true), SLOTS)
  for (const [slot, word] of pool.words.entries()) {
    assert.ok(currentOf(word) > MEMBERS)
    assert.equal(settledOf(word), settledOf(last[slot]!), 'flows of before are whose they were')
    assert.deepEqual([word >>> 31, word & SLOT_LEARN], [1, 0])
  }
  assert.equal(pool.slots.change(3, 1, 3_000, false), SLOTS)
  assert.deepEqual(pool.currents(), Array.from(last, currentOf))
  for (const member of [0, 1, 2]) pool.slots.change(member, 1, 4_000, false)
  assert.ok(
    pool.words.every((word) => (word & SLOT_RECORDS) !== 0),
    'flows of the sorry servers are looked up',
  )
  pool.slots.expire(4_000 + LIVES.young)
  assert.equal(
    pool.slots.forget(3_000_000, () => false),
    SLOTS,
  )
  assert.deepEqual(pool.words, all, 'their return has restored the bytes')
})

test('a lost quorum is planned: UDP flows of members that are still up are learned and stay', () => {
  const pool = poolOf([1, 1, 0, 0, 1, 1])
  assert.equal(pool.slots.setLost(true, 1_000), SLOTS)
  assert.equal(pool.slots.setLost(true, 1_000), 0, 'the same again writes nothing')
  assert.ok(
    pool.words.every((word) => (word & SLOT_LEARN) !== 0 && settledOf(word) <= 2 && currentOf(word) >= 5),
  )
  assert.equal(pool.slots.change(0, 0, 2_000, true), 0, 'a member that fails behind them moves nothing')
  assert.equal(
    pool.slots.change(5, 0, 3_000, true),
    pool.words.length - [...poolOf([0, 1, 0, 0, 1, 1], true).slots.held][4]!,
  )
  assert.equal(pool.slots.change(4, 0, 4_000, true), SLOTS, 'without a sorry server what is left goes on')
  assert.deepEqual(pool.currents(), withoutSorry([0, 1, 0, 0]))
})
