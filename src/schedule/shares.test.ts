import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { sharesOf } from './shares.ts'
import { tableSize } from './table-size.ts'

const pool = (weights: readonly number[]) => weights.map((weight, i) => ({ name: `web${i}`, weight }))
const weight = fc.oneof(fc.integer({ min: 0, max: 10 }), fc.integer({ min: 0, max: 65_535 }))
const someWeigh = (weights: readonly number[]) => weights.some((each) => each > 0)

test('each member has its share to within one slot and members/slots of it, and no slot is left', () => {
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 60, size: 'max' }), (weights) => {
      fc.pre(someWeigh(weights))
      const slots = tableSize(weights.length)
      const shares = sharesOf(pool(weights), slots)
      const total = weights.reduce((sum, w) => sum + w, 0)
      for (const [i, w] of weights.entries()) {
        const fair = (slots * w) / total
        assert.ok(
          Math.abs(shares[i]! - fair) <= 1 + (fair * weights.length) / slots,
          `${shares[i]} of ${fair}`,
        )
        assert.equal(shares[i]! > 0, w > 0)
      }
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0),
        slots,
      )
    }),
    { numRuns: 100 },
  )
})

test('shares of equal members differ by one at most', () => {
  for (const members of [1, 2, 3, 7, 10, 100, 1_000, 32_766]) {
    const shares = sharesOf(pool(Array<number>(members).fill(5)), tableSize(members))
    assert.ok(Math.max(...shares) - Math.min(...shares) <= 1)
  }
})

test('shares are those of turns: in iteration ceil(k * heaviest / weight) a member has its k-th', () => {
  fc.assert(
    fc.property(fc.array(weight, { minLength: 1, maxLength: 12 }), (weights) => {
      fc.pre(someWeigh(weights))
      const [slots, heaviest] = [1_024, Math.max(...weights)]
      const turns = weights.map(() => 0)
      for (let [left, iteration] = [slots, 0]; left > 0; iteration++)
        for (const [i, w] of weights.entries())
          if (w > 0 && left > 0 && Math.ceil((turns[i]! * heaviest) / w) === iteration) {
            turns[i]!++
            left--
          }
      assert.deepEqual([...sharesOf(pool(weights), slots)], turns)
    }),
    { numRuns: 100 },
  )
})

test('nobody with a weight, and more members than slots, are bugs of the caller', () => {
  assert.throws(() => sharesOf(pool([0, 0]), 1_024), /invariant/)
  assert.throws(() => sharesOf(pool(Array<number>(1_025).fill(1)), 1_024), /invariant/)
})
