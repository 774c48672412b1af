import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAsked, type SwitchSettings, type SwitchState, takeSyn } from './proof-switch.ts'

const settings: SwitchSettings = { mode: 'auto', above: 100, below: 50, hold: 470 }
const fresh = (): SwitchState => ({ second: 0, count: 0, until: 0 })
const stranger = () => false
const TICKS = 16
/** seconds: so many SYNs in each second from one on; how many were asked. */
function seconds(
  state: SwitchState,
  from: number,
  rates: readonly number[],
  isProven = stranger,
  of = settings,
): number[] {
  return rates.map((rate, i) => {
    const now = { tick: TICKS * (from + i), second: from + i }
    return Array.from({ length: rate }, () => takeSyn(of, state, now, isProven)).filter(Boolean).length
  })
}

test('nobody is asked up to the threshold, and everybody from the first above it', () => {
  assert.deepEqual(seconds(fresh(), 1, [100, 100, 100]), [0, 0, 0])
  assert.deepEqual(seconds(fresh(), 1, [100, 101, 1_000]), [0, 1, 1_000])
})

test('it goes on while a second brings as many as it has to fall below, and then for the time to hold', () => {
  const state = fresh()
  assert.deepEqual(seconds(state, 1, [101, 51, 51]), [1, 51, 51])
  const last = 3 * TICKS
  assert.equal(isAsked(settings, state, last + 469), true)
  assert.equal(isAsked(settings, state, last + 470), false)
  // below it is not prolonged
  assert.deepEqual(seconds(state, 4, [50]), [50])
  assert.equal(isAsked(settings, state, last + 470), false)
})

test('proven sources are neither asked nor counted, however many come', () => {
  assert.deepEqual(
    seconds(fresh(), 1, [100_000, 100_000], () => true),
    [0, 0],
  )
})

test('in peace nobody is looked up', () => {
  let asked = 0
  seconds(fresh(), 1, [50, 50, 50], () => ++asked > 0)
  assert.equal(asked, 0)
  seconds(fresh(), 1, [51], () => ++asked > 0)
  assert.equal(asked, 1)
})

test('by hand it is always on, or always off and counts nothing', () => {
  assert.deepEqual(seconds(fresh(), 1, [3], stranger, { ...settings, mode: 'on' }), [3])
  const state = fresh()
  assert.deepEqual(seconds(state, 1, [1_000], stranger, { ...settings, mode: 'off' }), [0])
  assert.deepEqual(state, fresh())
})

test('the time to hold goes on where ticks come round', () => {
  const state = fresh()
  const tick = 2 ** 32 - 100
  for (let i = 0; i < 101; i++) takeSyn(settings, state, { tick, second: 9 }, stranger)
  assert.equal(state.until, 370)
  assert.equal(isAsked(settings, state, 2 ** 32 - 1), true)
  assert.equal(isAsked(settings, state, 369), true)
  assert.equal(isAsked(settings, state, 370), false)
  assert.equal(isAsked(settings, state, 2 ** 31), false)
})
