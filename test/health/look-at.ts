// For tests of checks: one look, timed, with the descriptors of this process counted before and after.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { parseIp } from '../../src/base/addresses.ts'
import type { Checker, Finding, Target } from '../../src/health/checker.ts'
import { lookOnce } from '../../src/health/look.ts'
import { Reactor } from '../../src/sys/reactor.ts'

/** loopback: a target on 127.0.0.1. */
export const loopback = (port: number, more: Partial<Target> = {}): Target => ({
  address: parseIp('127.0.0.1'),
  port,
  ...more,
})

/** descriptors: how many this process has open, of the kinds that checks open. */
export const descriptors = (): number => readdirSync('/proc/self/fd').length

/**
 * lookAt looks once and asserts what every verdict owes: it came within 100 ms of the time-out. How long this process was
 * not run meanwhile, where the machine has other work, is added: thrice, as a look that notices it takes as much again, and
 * there may be more than one such time.
 */
export async function lookAt(checker: Checker, timeoutMs = 2000): Promise<Finding> {
  using reactor = new Reactor()
  const delays = monitorEventLoopDelay({ resolution: 5 })
  delays.enable()
  const started = performance.now()
  const finding = await lookOnce(checker, { reactor, timeoutMs })
  const took = performance.now() - started
  // what it was late by is noticed a turn later
  await delay(10)
  delays.disable()
  const lateMs = Number.isFinite(delays.max) ? delays.max / 1e6 : 0
  assert.ok(
    took < timeoutMs + 100 + 3 * lateMs,
    `"${finding.text}" took ${took} ms of ${timeoutMs}, ${lateMs} late`,
  )
  return finding
}

/** returns waits until `count` says no more than before; descriptors of Node's own sockets close a turn later. */
export async function returns(count: () => number, before: number, what: string): Promise<void> {
  for (let tries = 0; count() > before; tries++) {
    assert.ok(tries < 100, `${what}: ${count()} where there were ${before}`)
    await delay(10)
  }
}
