import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RHYTHM } from '../config/check-spec.ts'
import type { Finding } from './checker.ts'
import { bucketOf, emptyHistory, LATENCY_BOUNDS, remember, TRANSITIONS_KEPT } from './history.ts'
import {
  type Health,
  isInDoubt,
  type Standing,
  step,
  type Transition,
  unlooked,
  untilNext,
} from './machine.ts'
import { detectionOf } from './rhythm.ts'

type Outcome = Finding['outcome']
const finding = (outcome: Outcome): Finding => ({ outcome, text: `${outcome} one`, latencyMs: 1 })
const outcome = fc.constantFrom<Outcome>('good', 'bad', 'none')
const rules = fc.record({ rise: fc.integer({ min: 1, max: 5 }), fall: fc.integer({ min: 1, max: 5 }) })

/** run: all states and transitions on the way, a finding every second. */
function run(
  outcomes: readonly Outcome[],
  { rise, fall }: { rise: number; fall: number },
  from = unlooked(0),
) {
  const states: Health[] = [from]
  const transitions: Transition[] = []
  for (const [index, each] of outcomes.entries()) {
    const { health, transition } = step(states.at(-1)!, finding(each), 1000 * (index + 1), { rise, fall })
    states.push(health)
    if (transition) transitions.push(transition)
  }
  return { states, transitions, last: states.at(-1)! }
}

/** What the rules say, written another way: by looking back over all findings that said something. */
function expected(outcomes: readonly Outcome[], { rise, fall }: { rise: number; fall: number }): Standing {
  const told = outcomes.filter((each) => each !== 'none')
  let standing: Standing = 'unknown'
  let since = 0
  for (let at = 1; at <= told.length; at++) {
    const lately = (count: number, of: Outcome) =>
      at - since >= count && told.slice(at - count, at).every((each) => each === of)
    if (standing !== 'up' && lately(standing === 'unknown' ? 1 : rise, 'good')) {
      standing = 'up'
      since = at
    } else if (standing !== 'down' && lately(standing === 'unknown' ? 1 : fall, 'bad')) {
      standing = 'down'
      since = at
    }
  }
  return standing
}

test('whatever is found in whatever order, the standing is what the rules say', () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 40 }), rules, (outcomes, by) => {
      assert.equal(run(outcomes, by).last.standing, expected(outcomes, by))
    }),
    { numRuns: 2000 },
  )
})

test('transitions chain: each begins where the last one ended, at its time, and doubt is over', () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 60 }), rules, (outcomes, by) => {
      const { states, transitions, last } = run(outcomes, by)
      let standing: Standing = 'unknown'
      for (const { from, to, count, at } of transitions) {
        assert.equal(from, standing)
        assert.equal(count, from === 'unknown' ? 1 : to === 'up' ? by.rise : by.fall)
        assert.deepEqual(states[at / 1000], { standing: to, streak: 0, since: at })
        standing = to
      }
      assert.equal(last.standing, standing)
    }),
  )
})

test('a server that was never looked at is up by its first good finding, and never before', () => {
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 20 }), rules, (outcomes, by) => {
      const { states } = run(outcomes, by)
      const first = outcomes.indexOf('good')
      const isUpBefore = states
        .slice(0, first < 0 ? undefined : first + 1)
        .some(({ standing }) => standing === 'up')
      assert.equal(isUpBefore, false)
    }),
  )
  assert.equal(run(['none', 'good'], { rise: 3, fall: 3 }).last.standing, 'up')
  assert.equal(run(['bad'], { rise: 3, fall: 3 }).last.standing, 'down')
})

test('a state that survived a restart takes as many findings to change as ever', () => {
  const up: Health = { standing: 'up', streak: 0, since: -5000 }
  const by = { rise: 2, fall: 3 }
  assert.equal(run([], by, up).last.standing, 'up')
  assert.equal(run(['bad', 'bad'], by, up).last.standing, 'up')
  assert.equal(run(['bad', 'bad', 'good', 'bad', 'bad'], by, up).last.standing, 'up')
  assert.equal(run(['bad', 'none', 'bad', 'none', 'bad'], by, up).last.standing, 'down')
  const down: Health = { ...up, standing: 'down' }
  assert.equal(run(['good', 'bad', 'good'], by, down).last.standing, 'down')
  assert.equal(run(['good', 'good'], by, down).last.standing, 'up')
})

test('doubt is looked into at the faster rhythm, and never at a slower one', () => {
  const by = { ...RHYTHM, everyMs: 3000, inDoubtMs: 500 }
  const { states } = run(['good', 'bad', 'bad', 'good'], by)
  assert.deepEqual(states.map(isInDoubt), [false, false, true, true, false])
  assert.deepEqual(
    states.map((health) => untilNext(health, by)),
    [3000, 3000, 500, 500, 3000],
  )
  assert.equal(untilNext(states[2]!, { ...by, everyMs: 200 }), 200)
})

test('no server that fails is up longer than the detection time, whenever it fails', () => {
  const ms = fc.integer({ min: 1, max: 3000 })
  const rhythm = fc.record({
    everyMs: ms,
    timeoutMs: ms,
    inDoubtMs: ms,
    fall: fc.integer({ min: 1, max: 4 }),
    isSilent: fc.boolean(),
    failsAt: fc.integer({ min: 0, max: 10_000 }),
  })
  fc.assert(
    fc.property(rhythm, ({ isSilent, failsAt, ...times }) => {
      const by = { ...RHYTHM, ...times, inDoubtMs: Math.min(times.inDoubtMs, times.everyMs) }
      let health: Health = { standing: 'up', streak: 0, since: 0 }
      for (let start = 0; ; ) {
        const hasFailed = start > failsAt
        const end = hasFailed && isSilent ? start + by.timeoutMs : start
        health = step(health, finding(hasFailed ? 'bad' : 'good'), end, by).health
        if (health.standing === 'down') break
        start = Math.max(end, start + untilNext(health, by))
      }
      const { refusedMs, silentMs } = detectionOf(by)
      const took = health.since - failsAt
      assert.ok(took <= (isSilent ? silentMs : refusedMs), `${took}`)
    }),
  )
})

test('history keeps the last failure, how long good answers took, and a bounded number of reasons', () => {
  let history = emptyHistory
  let health = unlooked(0)
  for (let at = 1; at <= 100; at++) {
    const each = { ...finding(at % 2 === 0 ? 'good' : 'bad'), latencyMs: at }
    const stepped = step(health, each, at, { rise: 1, fall: 1 })
    history = remember(history, each, at, stepped.transition)
    health = stepped.health
  }
  assert.equal(history.looks, 100)
  assert.deepEqual(history.lastFailure, { at: 99, text: 'bad one' })
  assert.equal(history.lastLook!.outcome, 'good')
  assert.equal(
    history.latencies.reduce((sum, count) => sum + count),
    50,
  )
  assert.equal(history.transitions.length, TRANSITIONS_KEPT)
  assert.equal(history.transitions.at(-1)!.at, 100)
  assert.deepEqual([0.1, 0.25, 0.26, 5000, 5001].map(bucketOf), [0, 0, 1, 13, LATENCY_BOUNDS.length])
})
