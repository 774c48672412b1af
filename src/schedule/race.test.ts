import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mix32 } from './mix.ts'
import { equalWinner, lotOf, raceOrder, raceTime, raceWinner } from './race.ts'

const lot = fc.oneof(
  fc.nat(0xffffffff),
  fc.constantFrom(0, 1, 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff),
)

test('a race time is the logarithm over the weight, to 12 digits', () => {
  fc.assert(
    fc.property(lot, fc.integer({ min: 1, max: 65_535 }), (drawn, weight) => {
      // log1p of the exact 1 - u keeps its digits where u is close to 1
      const exact = -Math.log1p((((drawn | 1) >>> 0) - 2 ** 32) / 2 ** 32) * (2 ** 32 / weight)
      assert.ok(Math.abs(raceTime(drawn, weight) / exact - 1) < 1e-12, `${raceTime(drawn, weight)} ${exact}`)
    }),
    { numRuns: 10_000 },
  )
})

const runner = fc.tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 9 }))
/** Each runs twice: equal times. */
const runners = fc.array(runner, { maxLength: 20 }).map((some) => {
  const both = [...some, ...some]
  return {
    marks: Int32Array.from(both, ([mark]) => mark),
    weights: Float64Array.from(both, ([, weight]) => weight),
    timesIn: (race: number) => both.map(([mark, weight]) => raceTime(lotOf(race, mark), weight)),
  }
})

test('the winner has the shortest time, the first of equals', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), runners, (race, { marks, weights, timesIn }) => {
      const times = timesIn(race)
      assert.equal(raceWinner(race, marks, weights), times.indexOf(Math.min(...times)))
    }),
    { numRuns: 2_000 },
  )
})

test('where all weights are the same the winner is known without a time', () => {
  const marks = fc.array(fc.oneof(fc.nat(0xffffffff), fc.nat(3)), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(fc.nat(0xffffffff), marks, fc.integer({ min: 1, max: 65_535 }), (race, some, weight) => {
      const runners = Int32Array.from(some)
      const weights = new Float64Array(some.length).fill(weight)
      assert.equal(equalWinner(race, runners), raceWinner(race, runners, weights))
    }),
    { numRuns: 5_000 },
  )
})

test('the first ones come in by their times, equals in their own order, and fewer where fewer run', () => {
  fc.assert(
    fc.property(fc.nat(0xffffffff), runners, fc.integer({ min: 1, max: 50 }), (race, some, count) => {
      const times = some.timesIn(race)
      const order = [...times.keys()].sort((a, b) => times[a]! - times[b]! || a - b)
      assert.deepEqual(raceOrder(race, some.marks, some.weights, count), order.slice(0, count))
    }),
    { numRuns: 2_000 },
  )
})

test('runners win in proportion to their weights', () => {
  const weights = Float64Array.of(1, 2, 3, 10)
  const marks = Int32Array.from(weights, (_, i) => mix32(i + 1))
  const won = [0, 0, 0, 0]
  for (let race = 0; race < 160_000; race++) won[raceWinner(mix32(race), marks, weights)]!++
  // expected 10,000 a weight; five standard deviations
  for (const [i, n] of won.entries())
    assert.ok(Math.abs(n - 10_000 * weights[i]!) < 5 * Math.sqrt(10_000 * weights[i]!), won.join(' '))
})
