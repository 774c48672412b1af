import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Refusal, Remark } from '../../src/vrrp/finding.ts'
import { fuzz } from './fuzz.ts'

const named: Record<Refusal['name'] | Remark['name'], true> = {
  truncated: true,
  version: true,
  type: true,
  checksum: true,
  vrid: true,
  count: true,
  interval: true,
  'auth-type': true,
  'trailer-missing': true,
  'trailer-format': true,
  'trailer-key': true,
  'trailer-mac': true,
  'trailer-replayed': true,
  ttl: true,
  'version-mismatch': true,
  'vrid-mismatch': true,
  'interval-mismatch': true,
  'auth-mismatch': true,
  password: true,
  stranger: true,
  'own-address': true,
  'interval-differs': true,
  'vrid-clash': true,
  'addresses-differ': true,
  'checksum-form': true,
  'trailer-unexpected': true,
  'two-owners': true,
}

test('mutated adverts are judged as the RFCs say, change no role that they may not, and meet every name', () => {
  const { adverts, verdicts } = fuzz(30_000, 20_240_430)
  assert.equal(adverts, 30_000)
  const unmet = Object.keys(named).filter((name) => !verdicts[name])
  assert.deepEqual(unmet, [])
  assert.ok(verdicts.counts! > 1000)
})

test('as a command, it tells what was judged to what, and what it cannot read', () => {
  const file = fileURLToPath(new URL('fuzz.ts', import.meta.url))
  const command = (...args: string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', file, ...args], { encoding: 'utf8' })
  const done = command('60', '7')
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stdout, /^seed 7\n\{"adverts":60,"verdicts":\{/)
  for (const args of [['many'], ['0'], ['60', 'x']]) assert.equal(command(...args).status, 2)
})
