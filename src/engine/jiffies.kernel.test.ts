import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { clockOf } from '../dataplane/flow-clock.ts'
import { TIME_MASK } from '../dataplane/flow-record.ts'
import { jiffiesPerSecond } from '../sys/clock.ts'
import { Ticks } from './jiffies.ts'

test('ticks go by at the pace of the kernel’s clock', async () => {
  const hz = jiffiesPerSecond()
  using ticks = new Ticks({ source: 'jiffies', hz, shift: 0 })
  // the clock before and behind each look: this process may be put aside in between
  const look = () => {
    const before = performance.now()
    const tick = ticks.now()
    return { before, tick, behind: performance.now() }
  }
  const began = look()
  await wait(300)
  const ended = look()
  const [least, most] = [ended.before - began.behind, ended.behind - began.before].map(
    (ms) => (ms * hz) / 1000,
  )
  const passed = (ended.tick - began.tick) & TIME_MASK
  const room = 3 + 0.02 * hz
  const words = `${passed} jiffies in ${least} to ${most} at ${hz}`
  assert.ok(passed >= least! - room && passed <= most! + room, words)
})

test('a word in memory is cut off as jiffies are, before and behind where ticks come round', () => {
  const word = new Uint32Array(2)
  const clock = clockOf(1_000, 'word')
  using ticks = new Ticks(clock, word)
  const at = new BigUint64Array(word.buffer)
  for (const [jiffies, tick] of [
    [0n, 0],
    [64n, 1],
    [(BigInt(TIME_MASK) << 6n) + 63n, TIME_MASK],
    [(BigInt(TIME_MASK) << 6n) + 64n, 0],
    [0xffff_ffff_ffff_ffffn, TIME_MASK],
  ] as const) {
    at[0] = jiffies
    assert.equal(ticks.now(), tick)
  }
})
