import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readKeyFile, writeKeyFile } from './key-file.ts'
import { clusterSecret, subkey } from './secret.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-keys-'))
after(() => rmSync(folder, { recursive: true }))
const keys = () => ({
  node: 'lb1',
  secret: new Uint8Array(randomBytes(32)),
  current: new Uint8Array(randomBytes(32)),
})

test('keys are read as they were written, by their owner alone', () => {
  const path = join(folder, 'some/tenbin.cluster.json')
  assert.equal(readKeyFile(path), undefined)
  const written = { ...keys(), next: new Uint8Array(randomBytes(32)) }
  writeKeyFile(path, written)
  assert.deepEqual(readKeyFile(path), written)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(clusterSecret({ clusterKeys: path }), written.secret)
})

test('a file of keys that is cut short or changed is refused, whatever was done to it', () => {
  const path = join(folder, 'damaged.json')
  writeKeyFile(path, keys())
  const whole = JSON.parse(JSON.stringify({ ...keys(), version: 1 }, (_, v) => bytesAsText(v)))
  const damaged = ['', '{', 'null', JSON.stringify({ ...whole, secret: 'AAAA' })]
  const more = [
    { ...whole, node: '../etc' },
    { ...whole, version: 2 },
    { ...whole, other: 1 },
  ]
  for (const text of [...damaged, ...more.map((file) => JSON.stringify(file))]) {
    writeFileSync(path, text)
    assert.throws(() => readKeyFile(path), { code: 'CLUSTER_KEYS_DAMAGED' }, text)
  }
})

test('subkeys of one secret have nothing in common', () => {
  const secret = new Uint8Array(32).fill(7)
  assert.deepEqual(subkey(secret, 'a', 32), subkey(secret, 'a', 32))
  assert.notDeepEqual(subkey(secret, 'a', 32), subkey(secret, 'b', 32))
  assert.equal(subkey(secret, 'a', 64).length, 64)
})

const bytesAsText = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
