import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { goOn, MAX_TURNS, type Place, placeAfter, rotation, START } from './rotation.ts'

const weights = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 8 })
const turnsOf = (of: readonly number[]) => [...rotation('wrr', of).turns]

/** The pseudocode that the LVS documentation gives for weighted round-robin, `n` turns of it. */
function documented(of: readonly number[], n: number): number[] {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  const step = of.reduce(divisor, 0)
  const picked: number[] = []
  for (let i = -1, cw = 0; picked.length < n; ) {
    i = (i + 1) % of.length
    if (i === 0) {
      cw -= step
      if (cw <= 0) cw = Math.max(...of)
    }
    if (of[i]! >= cw) picked.push(i)
  }
  return picked
}

test('wrr takes the turns of the documented algorithm, again and again', () => {
  fc.assert(
    fc.property(weights, (of) => {
      fc.pre(of.some((weight) => weight > 0))
      const turns = turnsOf(of)
      assert.deepEqual([...turns, ...turns], documented(of, 2 * turns.length))
    }),
  )
})

test('wrr gives each server as many turns as its weight, divided by what all have in common', () => {
  assert.deepEqual(turnsOf([4, 2, 2]), [0, 0, 1, 2])
  assert.deepEqual(turnsOf([4, 3, 2]), [0, 0, 1, 0, 1, 2, 0, 1, 2])
  assert.deepEqual(turnsOf([0, 7, 0]), [1])
  assert.deepEqual([...rotation('wrr', [6, 0, 9]).passes], [0, 1, 3])
})

test('rr takes every server with a weight in order, whatever its weight', () => {
  assert.deepEqual([...rotation('rr', [3, 0, 1, 65_535]).turns], [0, 2, 3])
  assert.equal(rotation('rr', [3, 0, 1]).step, 1)
})

test('no weight at all makes an empty rotation', () => {
  for (const kind of ['rr', 'wrr'] as const)
    for (const of of [[], [0], [0, 0, 0]]) assert.equal(rotation(kind, of).turns.length, 0)
})

test('weights with more turns than there is room for are scaled, and the error is said', () => {
  const exact = rotation('wrr', [65_535, 1])
  assert.deepEqual([exact.turns.length, exact.error], [65_536, 0])
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 2, maxLength: 200, size: 'max' }),
      (of) => {
        fc.pre(of.some((weight) => weight > 0))
        const { turns, error } = rotation('wrr', of)
        assert.ok(turns.length <= MAX_TURNS)
        const total = of.reduce((a, b) => a + b, 0)
        const held = new Uint32Array(of.length)
        for (const member of turns) held[member]!++
        for (const [member, weight] of of.entries()) {
          assert.equal(held[member]! > 0, weight > 0)
          const fair = (turns.length * weight) / total
          assert.ok(Math.abs(held[member]! - fair) <= fair * error * (1 + 1e-9), `${held[member]} of ${fair}`)
          // a weight is rounded by less than one turn, and one turn for each server is set aside
          assert.ok(Math.abs(held[member]! - fair) <= 1 + (fair * of.length) / turns.length)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('rr goes on behind the server that had the last turn, though that one is gone', () => {
  const all = rotation('rr', [1, 1, 1, 1])
  const place = placeAfter(all, 1)
  const without = goOn(place, rotation('rr', [1, 0, 1, 1]))
  assert.equal(rotation('rr', [1, 0, 1, 1]).turns[without.turn], 2)
  // nobody took a turn in between: a second change still knows who had the last one
  assert.equal(goOn(without.place, all).turn, 2)
  assert.equal(goOn(placeAfter(all, 3), rotation('rr', [0, 1, 1, 0])).turn, 0)
  assert.equal(goOn(START, all).turn, 0)
})

test('wrr starts again at the first server, in a pass that asks for as much as the one it was in', () => {
  const from = rotation('wrr', [4, 3, 1])
  // the turn of pass 1 (weight >= 3)
  const place = placeAfter(from, 2)
  assert.deepEqual(place, { server: 1, asked: 3 })
  const same = goOn(place, from)
  assert.equal(same.turn, from.passes[1])
  // all passes of a lighter pool ask for less: its first one
  assert.equal(goOn(place, rotation('wrr', [2, 2, 1])).turn, 0)
  // weights in steps of 2: a pass that asks for 3 of 3, 1
  const even = rotation('wrr', [6, 4, 2])
  assert.deepEqual(goOn(place, even), { turn: even.passes[1]!, place: { server: 1, asked: 3 } })
})

test('wrr forgets its place while no server has a weight', () => {
  const from = rotation('wrr', [4, 3, 1])
  const none = goOn(placeAfter(from, 5), rotation('wrr', [0, 0, 0]))
  assert.deepEqual(none, { turn: 0, place: { server: 0, asked: 0 } })
  assert.equal(goOn(none.place, from).turn, 0)
})

test('turns go on at the start of a pass, and within the rotation, after any changes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(weights, fc.nat()), { maxLength: 10 }), (changes) => {
      let place: Place = START
      for (const [of, taken] of changes) {
        const to = rotation('wrr', of)
        const next = goOn(place, to)
        place = next.place
        assert.ok(to.turns.length === 0 || to.passes.includes(next.turn))
        if (to.turns.length > 0 && taken % 2 === 1) place = placeAfter(to, taken % to.turns.length)
      }
    }),
  )
})
