// What is known of the last ten seconds of a service: bounds in time and in memory.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ip4 } from '../base/addresses.ts'
import { TCP_FLAGS } from '../dataplane/rule.ts'
import type { Facts } from './facts.ts'
import { Tally } from './tally.ts'

const AT = 1_000_000
const factsOf = (port: number, change: Partial<Facts> = {}): Facts => ({
  ...{ protocol: 'tcp', source: 0x0a000001 as Ip4, sourcePort: port, flags: TCP_FLAGS.syn },
  ...{ window: 64_240, options: 'some', length: 60, ttl: 64, ...change },
})
const opening = (at: number, port: number, change?: Partial<Facts>) => ({
  ...{ at, isOpening: true, facts: factsOf(port, change) },
})
const later = (at: number, port: number) => ({ at, isOpening: false, facts: factsOf(port) })

test('a connection is followed for two seconds before it counts, and goes on once', () => {
  const tally = new Tally(7)
  tally.add(opening(AT, 1))
  tally.add(opening(AT, 2))
  assert.equal(tally.add(later(AT + 1_500, 1)), 'first')
  assert.equal(tally.add(later(AT + 1_600, 1)), 'again', 'it has gone on already')
  assert.equal(tally.add(later(AT + 1_700, 3)), undefined, 'nobody asked for it')
  tally.add(opening(AT + 1_800, 1))
  const of = (ms: number) => {
    const { followed, wentOn } = tally.sampled(AT + ms)
    return [followed, wentOn]
  }
  assert.deepEqual(of(1_999), [0, 0])
  assert.deepEqual(of(2_000), [2, 1])
  assert.deepEqual(of(3_900), [2, 1], 'a SYN that comes again is the same connection')
})

test('a second counts for ten seconds', () => {
  const tally = new Tally(7)
  tally.add(opening(AT, 1))
  tally.add(later(AT + 1_000, 1))
  const countsAt = (ms: number) => {
    const { opening, other } = tally.sampled(AT + ms).counts
    return [opening, other]
  }
  assert.deepEqual(countsAt(9_999), [1, 1])
  assert.deepEqual(countsAt(10_000), [0, 1])
  assert.equal(tally.sampled(AT + 9_999).seconds, 2)
})

test('what most SYNs have is told with its share of all, however many values there are', () => {
  const tally = new Tally(7)
  for (let i = 0; i < 3_000; i++) tally.add(opening(AT, i, { window: i % 3 === 0 ? 0 : i }))
  const modes = tally.sampled(AT).modes.opening
  const window = modes.find(({ field }) => field === 'window')!
  assert.deepEqual([window.value, Math.round(window.share * 100)], [0, 33])
  assert.deepEqual(
    modes.find(({ field }) => field === 'ttl'),
    { field: 'ttl', value: 64, share: 1 },
  )
})

test('SYNs that defence stopped are weighed as the counters say, and none of their connections is followed', () => {
  const tally = new Tally(7)
  // as many were recorded of either kind, of which one is a thousandth
  for (let i = 0; i < 100; i++) {
    tally.add(opening(AT, i, { window: 64_240 }))
    tally.add(opening(AT, 1_000 + i, { window: i < 90 ? 0 : 1 }), true)
  }
  for (let i = 0; i < 100; i++) tally.add(later(AT + 500, i))
  const { stopped, stoppedShare, followed, wentOn, modes } = tally.sampled(AT + 2_000, 0.999)
  assert.deepEqual([stopped, stoppedShare, followed, wentOn], [100, 0.999, 100, 100])
  const [window] = modes.opening.filter(({ field }) => field === 'window')
  assert.deepEqual([window!.value, window!.share.toFixed(4)], [0, '0.8991'])
  assert.equal(tally.sampled(AT + 2_000).stoppedShare, 0.5)
  const passed = new Tally(7)
  passed.add(opening(AT, 1))
  assert.equal(passed.sampled(AT, 0.9).stoppedShare, 0)
})

test('of a second a thousand connections are followed, and sources are never more than SYNs', () => {
  const tally = new Tally(7)
  for (let i = 0; i < 5_000; i++) tally.add(opening(AT, i))
  const { followed, sources, counts } = tally.sampled(AT + 2_000)
  assert.deepEqual([followed, sources.opening, counts.opening], [1_024, 1, 5_000])
  const few = new Tally(7)
  for (let i = 1; i <= 200; i++) {
    few.add(opening(AT, 1, { source: i as Ip4 }))
    assert.ok(few.sampled(AT).sources.opening <= i, `of ${i} SYNs`)
  }
})
