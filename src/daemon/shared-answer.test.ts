import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { SharedAnswer } from './shared-answer.ts'

let ms: number
let rests: number[]
let rested: () => void
/** Of answers that were begun. */
let ends: ((answer: number) => void)[]
let shared: SharedAnswer<number>

beforeEach(() => {
  ms = 0
  rests = []
  ends = []
  const rest = (of: number) => {
    rests.push(of)
    return new Promise<void>((resolve) => {
      rested = resolve
    })
  }
  shared = new SharedAnswer(() => new Promise<number>((resolve) => ends.push(resolve)), {
    now: () => ms,
    rest,
  })
})

test('one is made at a time; who asks meanwhile gets the next one, the same as all who do', async () => {
  const first = shared.ask()
  await turn()
  const [second, third] = [shared.ask(), shared.ask()]
  await turn()
  assert.equal(ends.length, 1, 'not begun before the one that is being made has ended')
  ends[0]!(1)
  assert.equal(await first, 1)
  await turn()
  assert.equal(ends.length, 2)
  ends[1]!(2)
  assert.deepEqual(await Promise.all([second, third]), [2, 2])
  assert.deepEqual(rests, [], 'short ones need no rest')
})

test('after one that took long there is a rest of that length, two seconds at most', async () => {
  for (const [took, rest] of [
    [500, 500],
    [5_000, 2_000],
  ] as const) {
    const answer = shared.ask()
    await turn()
    const next = shared.ask()
    ms += took
    ends.at(-1)!(took)
    assert.equal(await answer, took)
    await turn()
    const { length } = ends
    assert.equal(rests.at(-1), rest)
    rested()
    await turn()
    assert.equal(ends.length, length + 1)
    ends.at(-1)!(0)
    await next
  }
})

test('one that fails, fails for who waits for it, and the next one is made all the same', async () => {
  const failing = new SharedAnswer<number>(async () => {
    if (ms++ === 0) throw new Error('no')
    return ms
  })
  await assert.rejects(failing.ask(), { message: 'no' })
  assert.equal(await failing.ask(), 2)
})
