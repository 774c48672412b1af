// Weights lowered at run time: what they move, what they leave, and that only where they stand counts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_WEIGHT, type Member } from './members.ts'
import { assign, buildTable, NOBODY, reassign } from './ranks.ts'

const pool = (weights: readonly number[]): Member[] =>
  weights.map((weight, i) => ({ name: `web${String(i + 1).padStart(4, '0')}`, weight }))
const equal = (members: number): Member[] => pool(Array<number>(members).fill(1))
const part = fc.oneof(
  fc.constantFrom(0, 1),
  fc.integer({ min: 0, max: MAX_WEIGHT }).map((weight) => weight / MAX_WEIGHT),
)
/** A table of 1,024 slots or more, and what of each member's weight counts. */
const weighed = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 }).chain((weights) =>
  fc.record({
    table: fc.constant(buildTable(pool(weights))),
    parts: fc.array(part, { minLength: weights.length, maxLength: weights.length }),
  }),
)
const write = () => {}

test('a lowered weight moves slots of that member and no others, and raised again it restores the bytes', () => {
  fc.assert(
    fc.property(weighed, fc.nat(), part, ({ table, parts }, pick, other) => {
      const member = pick % parts.length
      const [low, high] = [Math.min(parts[member]!, other), Math.max(parts[member]!, other)]
      const with_ = (value: number) => (m: number) => (m === member ? value : parts[m]!)
      const before = assign(table, with_(high))
      const current = before.slice()
      reassign(table, current, member, with_(low), write)
      for (const [slot, holder] of before.entries())
        if (holder !== member) assert.equal(current[slot], holder, `slot ${slot}`)
      assert.deepEqual(current, assign(table, with_(low)))
      reassign(table, current, member, with_(high), write)
      assert.deepEqual(current, before)
    }),
    { numRuns: 150 },
  )
})

test('weights, failures and returns in any order end where the same states do at once', () => {
  const events = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 8 }).chain((weights) =>
    fc.record({
      weights: fc.constant(weights),
      events: fc.array(fc.tuple(fc.nat(weights.length - 1), part), { maxLength: 20 }),
    }),
  )
  fc.assert(
    fc.property(events, ({ weights, events }) => {
      const table = buildTable(pool(weights))
      const parts = weights.map(() => 1)
      const current = assign(table, () => true)
      for (const [member, value] of events) {
        parts[member] = value
        reassign(table, current, member, (m) => parts[m]!, write)
      }
      assert.deepEqual(
        current,
        assign(table, (m) => parts[m]!),
      )
    }),
    { numRuns: 150 },
  )
})

test('a member keeps its part of the slots that it owns to within three, and all that it would of less', () => {
  for (const members of [2, 10, 100]) {
    const table = buildTable(equal(members))
    const owned = table.owner.filter((owner) => owner === 1).length
    let before = new Set<number>()
    for (let percent = 1; percent <= 100; percent++) {
      const current = assign(table, (m) => (m === 1 ? percent / 100 : true))
      const held = new Set([...current.keys()].filter((slot) => current[slot] === 1))
      assert.ok(
        Math.abs(held.size - (owned * percent) / 100) <= 3,
        `${held.size} of ${owned} at ${percent} %`,
      )
      for (const slot of before) assert.ok(held.has(slot))
      before = held
    }
  }
})

test('what a member passes on is spread over the others by their weights', () => {
  const table = buildTable(equal(11))
  const all = assign(table, () => true)
  const gained = new Uint32Array(11)
  for (const [slot, holder] of assign(table, (m) => (m === 3 ? 0.4 : true)).entries())
    if (holder !== all[slot]) gained[holder]!++
  const passed = gained.reduce((sum, count) => sum + count, 0)
  for (const [member, count] of gained.entries())
    if (member !== 3) assert.ok(Math.abs(count - passed / 10) <= 3, `${member} gained ${count} of ${passed}`)
})

test('lowered alike, all keep their share; the last one that counts at all takes everything', () => {
  const table = buildTable(equal(10))
  const held = new Uint32Array(10)
  for (const holder of assign(table, () => 0.3)) held[holder]!++
  for (const count of held) assert.ok(Math.abs(count / (table.slots / 10) - 1) < 0.1, `${count} slots`)
  assert.ok(assign(table, (m) => (m === 2 ? 0.01 : 0)).every((holder) => holder === 2))
  assert.ok(assign(table, () => 0).every((holder) => holder === NOBODY))
})
