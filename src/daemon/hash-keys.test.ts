import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import { clusterHashKeys, clusterHashKeysOf, keepHashKeys, readHashKeys } from './hash-keys.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'keys-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

test('the key is made once and read back from then on, for its owner only', () => {
  const path = join(dir, 'state', 'a.key')
  const first = readHashKeys(path)
  assert.equal(first.length, HASH_KEYS)
  assert.equal(new Set(first).size, HASH_KEYS)
  assert.deepEqual(readHashKeys(path), first)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.notDeepEqual(readHashKeys(join(dir, 'b.key')), first)
})

test('the key of a running packet path takes the place of the kept one', () => {
  const path = join(dir, 'a.key')
  readHashKeys(path)
  const running = BigUint64Array.from({ length: HASH_KEYS }, (_, i) => BigInt(i) + (1n << 63n))
  keepHashKeys(path, running)
  assert.deepEqual(readHashKeys(path), running)
})

test('nodes of one secret have one key, and another secret has another', () => {
  const secret = Buffer.alloc(32, 7)
  assert.equal(clusterHashKeys(secret).length, HASH_KEYS)
  assert.deepEqual(clusterHashKeys(Buffer.alloc(32, 7)), clusterHashKeys(secret))
  assert.equal(
    new Set([...clusterHashKeys(secret), ...clusterHashKeys(Buffer.alloc(32, 8))]).size,
    2 * HASH_KEYS,
  )
})

test('a damaged key file is refused: a new key would move every connection unasked', () => {
  const path = join(dir, 'a.key')
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(63, 1), Buffer.alloc(65, 1), Buffer.alloc(64)]) {
    writeFileSync(path, bytes)
    assert.throws(
      () => readHashKeys(path),
      (e) => e instanceof TenbinError && e.code === 'HASH_KEY_INVALID',
    )
  }
})

test('keys of a cluster that cannot be read are none, and end nothing', () => {
  assert.equal(clusterHashKeysOf({ clusterKeys: dir }, () => 0)(), undefined)
})
