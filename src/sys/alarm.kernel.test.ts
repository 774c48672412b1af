import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Alarm, bootMs } from './alarm.ts'
import { Reactor } from './reactor.ts'

test("the clock is the kernel's time since boot", () => {
  const uptime = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000
  assert.ok(Math.abs(bootMs() - uptime) < 1000)
})

test('an alarm goes off once at its time, at once if that has passed, and not when it is taken back', async () => {
  using reactor = new Reactor()
  const rung: number[] = []
  using alarm = new Alarm(reactor, () => rung.push(bootMs()))
  const at = bootMs() + 30
  alarm.set(at + 1000)
  alarm.set(at)
  while (rung.length === 0) await delay(5)
  assert.ok(rung[0]! >= at)
  alarm.set(at)
  while (rung.length === 1) await delay(5)
  alarm.set(bootMs() + 20)
  alarm.set(undefined)
  await delay(60)
  assert.equal(rung.length, 2)
})
