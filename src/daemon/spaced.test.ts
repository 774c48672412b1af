import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Spaced } from './spaced.ts'

/** runs: when the job began, while `work` asks for it. */
async function runs(
  gapMs: number,
  jobMs: number,
  work: (spaced: Spaced) => Promise<void>,
): Promise<number[]> {
  const began: number[] = []
  using spaced = new Spaced({
    gapMs,
    monotonic: () => performance.now(),
    job: async () => {
      began.push(performance.now())
      await delay(jobMs)
    },
  })
  await work(spaced)
  return began
}

test('who asks once is served at once, and many who ask meanwhile by one run more', async () => {
  const began = await runs(20, 5, async (spaced) => {
    spaced.ask()
    for (let i = 0; i < 1_000; i++) spaced.ask()
    await delay(100)
  })
  assert.equal(began.length, 2)
})

test('asked for all the time, it leaves its gap between two runs', async () => {
  const began = await runs(50, 0, async (spaced) => {
    for (const end = performance.now() + 300; performance.now() < end; await delay(1)) spaced.ask()
  })
  assert.ok(began.length >= 2 && began.length <= 7, `${began.length} runs`)
  // a timer may be early by less than a millisecond
  for (const [i, at] of began.entries()) assert.ok(i === 0 || at - began[i - 1]! >= 49, began.join(' '))
})

test('with nobody asking nothing runs, and nothing after its end', async () => {
  const began = await runs(20, 0, async (spaced) => {
    await delay(30)
    spaced.ask()
    await delay(1)
    spaced.ask()
  })
  await delay(50)
  assert.equal(began.length, 1)
})
