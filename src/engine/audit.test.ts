// The audit of memory, on plain arrays: what differs is found within a round, mended word by word, and named.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Audit, LEAST_SLICE, ROUND_STEPS } from './audit.ts'

/** A region of so many 32-bit words, all 7, whose halves have names. */
function regionOf(words: number, unit: 4 | 8 = 4) {
  const [own, live] = [new Uint32Array(words).fill(7), new Uint32Array(words).fill(7)]
  const what = (at: number) => (at < 2 * words ? 'the first half' : 'the second half')
  const bytes = (of: Uint32Array) => new Uint8Array(of.buffer)
  return { own, live, region: { own: bytes(own), live: bytes(live), unit, what } }
}

test('nothing is found where nothing differs, and what the daemon writes to both differs in nothing', () => {
  const { own, live, region } = regionOf(1_000)
  const audit = new Audit([region])
  assert.deepEqual(audit.step(), [])
  own[3] = 9
  live[3] = 9
  assert.deepEqual(audit.step(), [])
})

test('what somebody else has written is written back, counted by what it is of, and not found again', () => {
  const { live, region } = regionOf(1_000)
  const audit = new Audit([region])
  for (const at of [0, 1, 499, 500, 999]) live[at] = 1
  assert.deepEqual(audit.step(), [
    { what: 'the first half', words: 3, isMended: true },
    { what: 'the second half', words: 2, isMended: true },
  ])
  assert.ok(live.every((word) => word === 7))
  assert.deepEqual(audit.step(), [])
})

test('of memory in 64-bit words one that differs in half is one', () => {
  const { live, region } = regionOf(1_000, 8)
  live[11] = 1
  assert.deepEqual(new Audit([region]).step(), [{ what: 'the first half', words: 1, isMended: true }])
  assert.equal(live[11], 7)
})

test('a large memory is compared within a round of steps, each of them a part of it', () => {
  const words = (3 * ROUND_STEPS * LEAST_SLICE) / 4
  const { live, region } = regionOf(words)
  let rounds = 0
  const audit = new Audit([regionOf(10).region, region], () => {
    rounds++
    return []
  })
  const found = () => audit.step().reduce((sum, each) => sum + each.words, 0)
  live[0] = 1
  live[words - 1] = 1
  const perStep = Array.from({ length: ROUND_STEPS }, found)
  assert.equal(perStep[0], 1, 'the first slice')
  assert.ok(perStep.slice(1, -1).every((count) => count === 0))
  assert.equal(perStep.at(-1)! + found(), 1, 'the last slice')
  assert.equal(rounds, 1)
})

test('64-bit words behind an odd number of 32-bit ones are mended as any, where a step ends among them, too', () => {
  const { live, region } = regionOf(LEAST_SLICE / 2, 8)
  const audit = new Audit([regionOf(LEAST_SLICE / 8 + 1).region, region])
  live[live.length - 1] = 1
  const found = Array.from({ length: ROUND_STEPS }, () => audit.step()).flat()
  assert.deepEqual(found, [{ what: 'the second half', words: 1, isMended: true }])
  assert.equal(live.at(-1), 7)
})

test('once a round what is no plain memory is mended, too', () => {
  const turns = { what: 'the scheduler of service www', words: 1, isMended: true }
  const audit = new Audit([regionOf(10).region], () => [turns])
  assert.deepEqual(audit.step(), [turns])
})
