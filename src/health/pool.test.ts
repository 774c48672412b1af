import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Standing } from './machine.ts'
import { type Member, newPool, type PoolRules, type PoolState, type PoolView, stepPool } from './pool.ts'
import { RAMP_STEPS } from './slow-start.ts'

const rules: PoolRules = {
  guard: { share: 0.5, windowMs: 1000, holdMs: 60_000 },
  slowStartMs: 0,
  quorum: { up: 1, down: 1 },
  roundMs: 4000,
}

/** A pool that is told standings and times; names are s0, s1 and so on. */
class Pool {
  readonly rules: PoolRules
  state: PoolState = newPool
  now = 0
  sorry: readonly Member[] = []

  constructor(change: Partial<PoolRules> = {}) {
    this.rules = { ...rules, ...change }
  }

  see(standings: string, afterMs = 0, change: Partial<Member> = {}): PoolView {
    this.now += afterMs
    const members = [...standings].map((letter, index) => ({
      name: `s${index}`,
      weight: 10,
      standing: letters[letter]!,
      ...change,
    }))
    const view = stepPool(this.state, members, this.sorry, this.now, this.rules)
    this.state = view.state
    return view
  }
}

const letters: Readonly<Record<string, Standing>> = { u: 'up', d: 'down', '?': 'unknown' }
const states = ({ members }: PoolView): string =>
  members.map(({ state }) => (state === 'unknown' ? '?' : state[0])).join('')
const weights = ({ members }: PoolView): number[] => members.map(({ weight }) => weight)

test('half of a pool may fall, more than half within one window is held', () => {
  const pool = new Pool()
  assert.equal(states(pool.see('uuuuuu')), 'uuuuuu')
  assert.equal(states(pool.see('duuuuu', 5000)), 'duuuuu')
  assert.equal(states(pool.see('dduuuu', 5000)), 'dduuuu')
  // 2 of 4, then a third one of the same four within the window.
  assert.equal(states(pool.see('dddduu', 5000)), 'dddduu')
  const view = pool.see('ddddud', 999)
  assert.equal(states(view), 'ddhhuh')
  assert.deepEqual(weights(view), [0, 0, 10, 10, 10, 10])
})

test('who fell and came back within the window counts no more', () => {
  const pool = new Pool()
  pool.see('uuuuuu')
  pool.see('duuuuu', 5000)
  pool.see('uuuuuu', 100)
  assert.equal(states(pool.see('uddduu', 100)), 'uddduu')
})

test('falls that are further apart than the window are believed', () => {
  const pool = new Pool()
  pool.see('uuu')
  assert.equal(states(pool.see('duu', 1000)), 'duu')
  assert.equal(states(pool.see('ddu', 1000)), 'ddu')
  assert.equal(states(pool.see('ddd', 1000)), 'ddh')
})

test('a guard ends when enough of the held are up again; those that still fail are believed', () => {
  const pool = new Pool()
  pool.see('uuuuuu')
  assert.equal(states(pool.see('dddduu', 5000)), 'hhhhuu')
  assert.equal(states(pool.see('dddddu', 5000)), 'hhhhhu')
  assert.equal(states(pool.see('dddduu', 5000)), 'hhhhuu')
  assert.equal(states(pool.see('ddduuu', 5000)), 'ddduuu')
})

test('a guard ends after its time while somebody is up, and never while nobody is', () => {
  const some = new Pool()
  some.see('uuu')
  const view = some.see('ddu', 5000)
  assert.equal(view.wakeAt, 65_000)
  assert.equal(states(some.see('ddu', 59_999)), 'hhu')
  assert.equal(states(some.see('ddu', 1)), 'ddu')
  const none = new Pool()
  none.see('uuu')
  none.see('ddd', 5000)
  const later = none.see('ddd', 1e9)
  assert.equal(states(later), 'hhh')
  assert.equal(later.wakeAt, undefined)
})

test('a guard that is switched off holds nobody', () => {
  const pool = new Pool({ guard: { ...rules.guard, share: 1 } })
  pool.see('uuu')
  assert.equal(states(pool.see('ddd', 1)), 'ddd')
})

test('servers that were never up are not held: there is no last good set', () => {
  const pool = new Pool()
  pool.see('???')
  assert.equal(states(pool.see('ddd', 500)), 'ddd')
})

test('where all failed and a sorry server is seen up, it answers at once', () => {
  const pool = new Pool()
  pool.sorry = [{ name: 'web99', weight: 1, standing: 'up' }]
  const seen = (standings: string) => {
    const view = pool.see(standings, 5000)
    return `${states(view)} ${view.state.quorum}`
  }
  assert.equal(seen('uu'), 'uu there')
  assert.equal(seen('du'), 'du there')
  assert.equal(seen('dd'), 'dd lost')
  assert.equal(seen('ud'), 'ud there')
  for (const nobody of [{ standing: 'down' }, { left: 0 }] as const) {
    pool.sorry = [{ name: 'web99', weight: 1, standing: 'up', ...nobody }]
    assert.equal(seen('dd'), 'hd there')
    assert.equal(seen('ud'), 'ud there')
  }
})

/** Quorums that a pool of five goes through, whole weights 10. */
const quorums = (up: number, down: number, story: readonly string[]): string[] => {
  const pool = new Pool({ quorum: { up, down }, guard: { ...rules.guard, share: 1 } })
  return story.map((standings) => {
    const view = pool.see(standings, 5000)
    assert.equal(view.present, 10 * [...standings].filter((letter) => letter === 'u').length)
    assert.deepEqual(
      weights(view),
      [...standings].map((letter) => (letter === 'u' ? 10 : 0)),
      'a lost quorum takes nothing from those that are up',
    )
    return view.state.quorum
  })
}

test('a quorum is lost below one sum of weights, and back at another', () => {
  const story = ['uuuuu', 'uuudd', 'uuddd', 'udddd', 'uuudd', 'uuuud', 'uuddd']
  const there = ['there', 'there', 'there', 'lost', 'lost', 'there', 'there']
  assert.deepEqual(quorums(40, 20, story), there)
  assert.deepEqual(quorums(50, 1, ['uuuuu', 'udddd', 'ddddd', 'uuuud']), ['there', 'there', 'lost', 'lost'])
})

test('a quorum counts what an operator and the server itself leave of a weight, and ramps as whole', () => {
  const pool = new Pool({ slowStartMs: 60_000, quorum: { up: 20, down: 20 } })
  assert.equal(pool.see('uu').present, 20)
  pool.see('ud', 5000)
  const back = pool.see('uu', 5000)
  assert.deepEqual([weights(back), back.present, back.state.quorum], [[10, 1], 20, 'there'])
  const drained = pool.see('uu', 5000, { left: 4 })
  assert.deepEqual([weights(drained), drained.present, drained.state.quorum], [[10, 1], 8, 'lost'])
  assert.equal(pool.see('uu', 5000, { report: { weight: 3 } }).present, 6)
  assert.equal(pool.see('uu', 5000, { report: { isDraining: true } }).present, 0)
})

test('at the start a quorum is neither lost nor there while the first looks are awaited', () => {
  const pool = new Pool({ quorum: { up: 20, down: 10 } })
  const first = pool.see('???')
  assert.deepEqual([first.state.quorum, first.wakeAt], ['unknown', 4000])
  assert.equal(pool.see('?u?', 3999).state.quorum, 'unknown')
  assert.equal(pool.see('?u?', 1).state.quorum, 'lost', 'a round is over: those unknown are not coming')
  assert.equal(pool.see('uu?', 1).state.quorum, 'there')
  assert.equal(new Pool({ quorum: { up: 20, down: 10 } }).see('dud').state.quorum, 'lost')
})

test('sorry servers are as they are seen, without ramp or guard', () => {
  const pool = new Pool({ slowStartMs: 10_000 })
  pool.sorry = [
    { name: 'a', weight: 3, standing: 'up' },
    { name: 'b', weight: 1, standing: 'down' },
    { name: 'c', weight: 4, standing: 'up', report: { share: 0.5 } },
  ]
  assert.deepEqual(pool.see('uu').sorry, [
    { name: 'a', state: 'up', weight: 3 },
    { name: 'b', state: 'down', weight: 0 },
    { name: 'c', state: 'up', weight: 2 },
  ])
})

test('one that joins others gets its share in steps, those that begin together get all of it at once', () => {
  const pool = new Pool({ slowStartMs: 10_000 })
  assert.deepEqual(weights(pool.see('?u?')), [0, 10, 0])
  assert.deepEqual(weights(pool.see('uuu', 900)), [10, 10, 10])
  pool.see('duu', 5000)
  const joined = pool.see('uuu', 5000)
  assert.deepEqual([weights(joined), joined.wakeAt], [[1, 10, 10], pool.now + 1000])
  assert.deepEqual(weights(pool.see('uuu', 999)), [1, 10, 10])
  assert.deepEqual(weights(pool.see('uuu', 1)), [2, 10, 10])
  assert.deepEqual(weights(pool.see('uuu', 7999)), [9, 10, 10])
  const small = new Pool({ slowStartMs: 10_000 })
  for (const standings of ['uu', 'du']) small.see(standings, 5000, { weight: 3 })
  assert.deepEqual(weights(small.see('uu', 5000, { weight: 3 })), [1, 3], 'a part of a small weight is 1')
  const none = new Pool({ slowStartMs: 10_000 })
  none.see('du', 5000, { weight: 0 })
  assert.deepEqual(weights(none.see('uu', 5000, { weight: 0 })), [0, 0])
  const done = pool.see('uuu', 1001)
  assert.deepEqual([weights(done), done.wakeAt], [[10, 10, 10], undefined])
})

test('one that was held comes back without a ramp: it never stopped serving', () => {
  const pool = new Pool({ slowStartMs: 10_000 })
  pool.see('uuu')
  assert.equal(states(pool.see('ddu', 5000)), 'hhu')
  assert.deepEqual(weights(pool.see('udu', 5000)), [10, 0, 10])
})

test('what a server reports of itself changes its weight; draining leaves it up without anything new', () => {
  const of = (report: Member['report']) => weights(new Pool().see('u', 0, { ...(report && { report }) }))
  assert.deepEqual(of(undefined), [10])
  assert.deepEqual(of({ share: 0.75 }), [8])
  assert.deepEqual(of({ weight: 3 }), [3])
  assert.deepEqual(of({ weight: 0 }), [0])
  assert.deepEqual(of({ isDraining: true, share: 1 }), [0])
})

const story = fc.array(
  fc.record({
    standings: fc.array(fc.constantFrom('u', 'd'), { minLength: 5, maxLength: 5 }),
    afterMs: fc.nat(5000),
  }),
  { maxLength: 30 },
)

test('whatever happens: an up server serves, a down one only while it is held, and never with another weight', () => {
  fc.assert(
    fc.property(story, fc.boolean(), (steps, isSlow) => {
      const pool = new Pool({ slowStartMs: isSlow ? 3000 : 0 })
      let serving = pool.see('uuuuu')
      for (const { standings, afterMs } of steps) {
        const view = pool.see(standings.join(''), afterMs)
        for (const [index, { state, weight }] of view.members.entries()) {
          assert.equal(weight > 0, standings[index] === 'u' || state === 'held')
          assert.ok(weight <= 10 && (isSlow || weight === 0 || weight === 10))
        }
        serving = view
      }
      // Once nobody is up, those who were last go on serving for ever.
      const end = pool.see('ddddd', 10)
      const before = serving.members.filter(({ weight }) => weight > 0).length
      const after = end.members.filter(({ weight }) => weight > 0).length
      if (steps.length > 0 && before === 5) assert.equal(after, 5)
    }),
  )
})

test('a ramp only rises, in no more than its steps, and ends with all', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60_000 }),
      fc.array(fc.nat(3000), { maxLength: 60 }),
      (slowStartMs, waits) => {
        const pool = new Pool({ slowStartMs })
        pool.see('uu')
        pool.see('ud', 5000)
        const seen = [weights(pool.see('uu', 5000))[1]!]
        for (const wait of waits) seen.push(weights(pool.see('uu', wait))[1]!)
        seen.push(weights(pool.see('uu', slowStartMs))[1]!)
        assert.deepEqual(
          seen,
          seen.toSorted((a, b) => a - b),
        )
        assert.ok(new Set(seen).size <= RAMP_STEPS)
        assert.equal(seen.at(-1), 10)
      },
    ),
  )
})
