// Which events ask for a capture: one about each thing in five minutes, and a bounded number over all.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Heard, MOST, QUIET_MS, REFILL_MS, RESERVED, Trigger } from './trigger.ts'

const flood = (verdict: string, ...services: string[]): Heard => ({
  ...{ kind: 'flood.began', severity: 'error', data: { verdict } },
  ...(services.length > 0 && { services }),
})

test('a flood is captured although the same service was told as overloaded, or a carpet came, just before', () => {
  const trigger = new Trigger()
  assert.equal(trigger.asks(flood('carpet'), 0), true)
  assert.equal(trigger.asks(flood('overload', 'www'), 60_000), true)
  assert.equal(trigger.asks(flood('syn-flood', 'www'), 120_000), true)
  assert.equal(trigger.asks(flood('syn-flood', 'mail'), 180_000), true)
})

test('about the same one asks in five minutes, whatever order its services are named in', () => {
  const trigger = new Trigger()
  assert.equal(trigger.asks(flood('syn-flood', 'www', 'mail'), 0), true)
  assert.equal(trigger.asks(flood('syn-flood', 'mail', 'www'), QUIET_MS - 1), false)
  assert.equal(trigger.asks(flood('syn-flood', 'mail', 'www'), QUIET_MS), true)
  const role = (set: string): Heard => ({ kind: 'role.changed', severity: 'warning', set })
  assert.deepEqual(
    ['front', 'back', 'front'].map((set) => trigger.asks(role(set), QUIET_MS)),
    [true, true, false],
  )
})

test('over all things six are captured one after the other, then one in five minutes', () => {
  const trigger = new Trigger()
  let service = 0
  const asks = (now: number) => trigger.asks(flood('syn-flood', `www${service++}`), now)
  const first = Array.from({ length: 1_000 }, () => asks(0))
  assert.equal(first.filter(Boolean).length, MOST)
  assert.deepEqual([asks(REFILL_MS - 1), asks(REFILL_MS), asks(REFILL_MS)], [false, true, false])
  const hour = Array.from({ length: 3_600 }, (_, second) => asks(REFILL_MS + 1_000 * (second + 1)))
  assert.equal(hour.filter(Boolean).length, 12)
})

test('what comes again and again leaves captures for what is new', () => {
  const trigger = new Trigger()
  const decoys = ['a', 'b', 'c', 'd'].map((service) => flood('syn-flood', service))
  for (let now = 0; now < 12 * QUIET_MS; now += QUIET_MS) for (const decoy of decoys) trigger.asks(decoy, now)
  const taken = Array.from({ length: RESERVED + 1 }, (_, i) =>
    trigger.asks(flood('syn-flood', `new${i}`), 12 * QUIET_MS - 1),
  )
  assert.ok(taken.filter(Boolean).length >= RESERVED - 1, `${taken}`)
})

test('what makes a running capture longer is not counted', () => {
  const trigger = new Trigger()
  for (let i = 0; i < 100; i++) assert.equal(trigger.asks(flood('syn-flood', `www${i}`), 0, true), true)
  assert.equal(trigger.asks(flood('syn-flood', 'mail'), 0), true)
})
