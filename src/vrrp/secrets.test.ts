import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { readSecrets, secretsStamp } from './secrets.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-secrets-'))
after(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, content: string): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const refused = (code: string) => (error: unknown) => error instanceof TenbinError && error.code === code

test('a password is the first eight bytes of a file, without the end of its line', () => {
  const read = (text: string) => readSecrets({ kind: 'pass', file: file('pass', text) }).password
  assert.deepEqual(read('secret\n'), new Uint8Array([...Buffer.from('secret'), 0, 0]))
  assert.deepEqual(read('more than eight\r\n'), new Uint8Array(Buffer.from('more tha')))
})

test('keys have numbers that follow from them, the first one signs', () => {
  const [one, two] = [file('one', '1'.repeat(32)), file('two', `${'2'.repeat(40)}\n`)]
  const { keys } = readSecrets({ kind: 'hmac', files: [one, two] })
  const swapped = readSecrets({ kind: 'hmac', files: [two, one] }).keys
  assert.deepEqual(keys.toReversed(), swapped)
  assert.deepEqual(keys[1]!.secret, Buffer.from('2'.repeat(40)))
})

test('a key of random bytes may end as a line does', () => {
  for (const end of ['\n', '\r\n']) {
    const bytes = 'x'.repeat(32 - end.length) + end
    const [key] = readSecrets({ kind: 'hmac', files: [file('random', bytes)] }).keys
    assert.deepEqual(key!.secret, Buffer.from(bytes))
  }
})

test('a file that is not there, empty, short, or twice the same is refused', () => {
  const bad = [['none'], [file('empty', '\n')], [file('short', 'x'.repeat(31))]]
  for (const files of bad)
    assert.throws(() => readSecrets({ kind: 'hmac', files }), refused('VRRP_SECRET_INVALID'))
  const same = file('same', 'x'.repeat(32))
  assert.throws(() => readSecrets({ kind: 'hmac', files: [same, same] }), refused('VRRP_SECRET_INVALID'))
})

test('the stamp of secrets changes with their files', () => {
  const path = file('changing', 'one')
  const auth = { kind: 'pass', file: path } as const
  const before = secretsStamp(auth)
  assert.equal(secretsStamp(auth), before)
  writeFileSync(path, 'three')
  assert.notEqual(secretsStamp(auth), before)
})
