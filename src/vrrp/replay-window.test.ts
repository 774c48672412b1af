import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { admit, type ReplayWindow, WINDOW } from './replay-window.ts'

const run = (numbers: readonly (readonly [number, number])[]): readonly string[] => {
  let window: ReplayWindow | undefined
  return numbers.map(([boot, sequence]) => {
    const admitted = admit(window, { boot, sequence: BigInt(sequence) })
    if (admitted.kind === 'new') window = admitted.window
    return admitted.kind
  })
}

test('in whatever order numbers come, each counts once, and only near the highest', () => {
  const number = fc.tuple(fc.nat(2), fc.nat(200))
  fc.assert(
    fc.property(fc.array(number, { maxLength: 300 }), (numbers) => {
      let boot = -1
      let highest = -1
      let seen = new Set<number>()
      const expected = numbers.map(([of, sequence]) => {
        if (of < boot) return 'old-boot'
        if (of > boot) {
          boot = of
          highest = sequence
          seen = new Set([sequence])
          return 'new'
        }
        if (sequence <= highest - Number(WINDOW)) return 'too-old'
        if (seen.has(sequence)) return 'seen'
        seen.add(sequence)
        highest = Math.max(highest, sequence)
        return 'new'
      })
      assert.deepEqual(run(numbers), expected)
    }),
    { numRuns: 500 },
  )
})

test('a node that boots anew is heard at once, whatever its sequence, and its old adverts never again', () => {
  assert.deepEqual(
    run([
      [1, 1000],
      [2, 1],
      [1, 1001],
      [2, 1],
      [2, 2],
    ]),
    ['new', 'new', 'old-boot', 'seen', 'new'],
  )
})

test('a jump ahead forgets what is out of reach and keeps what is not', () => {
  assert.deepEqual(
    run([
      [1, 10],
      [1, 73],
      [1, 10],
      [1, 9],
      [1, 1_000_000],
      [1, 73],
      [1, 999_937],
    ]),
    ['new', 'new', 'seen', 'too-old', 'new', 'too-old', 'new'],
  )
})
