import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { fuzz, main } from './fuzz.ts'
import { VERDICTS } from './verdicts.ts'

test('mutated adverts are judged as the RFCs say, change no role that they may not, and meet every name', () => {
  const { adverts, verdicts, roles, exchanges } = fuzz(30_000, 20_240_430)
  assert.equal(adverts, 30_000)
  const unmet = VERDICTS.filter((name) => !verdicts[name])
  assert.deepEqual(unmet, [])
  assert.ok(verdicts.counts! > 1000)
  assert.ok(exchanges > 100, `${exchanges}`)
  const met = ['active -> active', 'active -> backup', 'backup -> backup', 'initialize -> initialize']
  assert.deepEqual(Object.keys(roles).toSorted(), met)
  for (const change of met) assert.ok(roles[change]! > 100, `${change}: ${roles[change]}`)
})

test('as a command, it tells what was judged to what, and what it cannot read', (t) => {
  const file = fileURLToPath(new URL('fuzz.ts', import.meta.url))
  const done = spawnSync(process.execPath, ['--import', 'tsx', file, '60', '7'], { encoding: 'utf8' })
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stdout, /^seed 7\n\{"adverts":60,"verdicts":\{/)
  t.mock.method(console, 'error', () => {})
  for (const args of [['many'], ['0'], ['60', 'x']]) assert.equal(main(args), 2)
})
