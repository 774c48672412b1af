import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atOnce, onOne, type Steps } from './steps.ts'

/** five steps that read what the ground is; how often they were begun is counted. */
function made() {
  const state = { ground: 1, begun: 0 }
  function* work(begun: number): Steps<number[]> {
    state.begun++
    const read: number[] = []
    for (let i = 0; i < 5; i++) {
      read.push(state.ground - begun)
      yield
    }
    return read
  }
  return { state, steps: onOne(() => state.ground, work) }
}
const SAME = [0, 0, 0, 0, 0]

test('work begins again where its ground is another one, and is of one ground', () => {
  const { state, steps } = made()
  for (let i = 0; i < 3; i++) assert.equal(steps.next().done, false)
  state.ground++
  assert.deepEqual(atOnce(steps), SAME)
  assert.equal(state.begun, 2)
})

test('work ends, of one ground, even where that is another one after each step', () => {
  const { state, steps } = made()
  let turns = 0
  for (;;) {
    const { done, value } = steps.next()
    if (done) {
      assert.deepEqual(value, SAME)
      break
    }
    state.ground++
    assert.ok(++turns < 100, 'it does not end')
  }
  assert.ok(state.begun > 1)
})
