import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Steps } from '../base/steps.ts'
import { inTurns, TURN_MS } from './in-turns.ts'

test('long work lets everything else have a turn after a few milliseconds of its own, not of others', async () => {
  let ms = 0
  const ends: number[] = []
  function* work(): Steps<string> {
    for (let step = 0; step < 4 * TURN_MS; step++) {
      ms++
      yield
    }
    return 'done'
  }
  const turn = async () => {
    ends.push(ms)
    ms += 1_000
  }
  assert.equal(await inTurns(work(), { now: () => ms, turn }), 'done')
  assert.deepEqual(
    ends,
    [1, 2, 3, 4].map((turns) => turns * TURN_MS + (turns - 1) * 1_000),
  )
})

test('short work is done at once, and a failure is a failure', async () => {
  const turn = () => assert.fail('nobody else has a turn')
  function* work(isRight: boolean): Steps<number> {
    yield
    if (!isRight) throw new Error('no')
    return 7
  }
  assert.equal(await inTurns(work(true), { now: () => 0, turn }), 7)
  await assert.rejects(inTurns(work(false), { now: () => 0, turn }), { message: 'no' })
})
