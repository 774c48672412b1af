// A tracked file whose storage hangs, without any storage.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FILE_EVERY_MS, HUNG_LOOKS, lookingAtFile } from './trackers.ts'

test('what storage that hangs does not tell of a file is as it was, and is said; the next look waits for it', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const answers: ((isThere: boolean) => void)[] = []
  const seen: [boolean, string][] = []
  const isThere = () => new Promise<boolean>((resolve) => answers.push(resolve))
  const turn = () => new Promise(setImmediate)
  using _ = lookingAtFile('/nfs/stop', (...words) => seen.push(words), isThere)
  answers[0]!(false)
  await turn()
  assert.deepEqual(seen.splice(0), [[true, 'there is no /nfs/stop']])
  t.mock.timers.tick(FILE_EVERY_MS)
  assert.equal(answers.length, 2)
  t.mock.timers.tick((HUNG_LOOKS - 1) * FILE_EVERY_MS)
  assert.deepEqual([seen, answers.length], [[], 2])
  t.mock.timers.tick(FILE_EVERY_MS)
  assert.deepEqual(seen.splice(0), [[true, '/nfs/stop cannot be looked at: its storage does not answer']])
  answers[1]!(true)
  await turn()
  assert.deepEqual(seen, [[false, '/nfs/stop is there']])
})
