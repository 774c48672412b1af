import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mix32 } from './mix.ts'
import { lotOf, raceTime, raceWinner } from './race.ts'

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

test('the winner has the shortest time, the first of equals', () => {
  const runner = fc.tuple(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.integer({ min: 1, max: 9 }))
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.array(runner, { maxLength: 20 }), (race, some) => {
      const runners = [...some, ...some]
      const times = runners.map(([mark, weight]) => raceTime(lotOf(race, mark), weight))
      const marks = Int32Array.from(runners, ([mark]) => mark)
      const weights = Float64Array.from(runners, ([, weight]) => weight)
      assert.equal(raceWinner(race, marks, weights), times.indexOf(Math.min(...times)))
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
