import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { TenbinError } from '../base/errors.ts'
import { interruptible } from './interruptible.ts'

const interrupted = (error: unknown) => error instanceof TenbinError && error.code === 'LAB_INTERRUPTED'

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends what is going on, after it has cleaned up, as LAB_INTERRUPTED`, async () => {
    const before = process.listenerCount(signal)
    let cleaned = false
    const going = interruptible(async (aborted) => {
      try {
        process.kill(process.pid, signal)
        await delay(60_000, undefined, { signal: aborted })
      } finally {
        await delay(10)
        cleaned = true
      }
    })
    await assert.rejects(going, interrupted)
    assert.equal(cleaned, true)
    assert.equal(process.listenerCount(signal), before)
  })
}

test('a failure that the signal brought about is told as the signal', async () => {
  const going = interruptible(async (aborted) => {
    process.kill(process.pid, 'SIGTERM')
    await delay(60_000, undefined, { signal: aborted }).catch(() => undefined)
    throw new Error('a child was ended')
  })
  await assert.rejects(going, interrupted)
})

test('results and failures of its own come through', async () => {
  assert.equal(await interruptible(async () => 7), 7)
  await assert.rejects(
    interruptible(() => Promise.reject(new Error('its own'))),
    /its own/,
  )
})
