import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { parseIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { emptyRecord, readRecord, recordedElsewhere, writeRecord } from './record.ts'

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'record-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

const record = {
  addresses: [
    { ifindex: 3, interface: 'eth0', address: parseIp('192.0.2.1'), prefix: 24 },
    { ifindex: 3, interface: 'eth0', address: parseIp('2001:db8::1'), prefix: 128 },
  ],
  links: [3],
  sysctls: [
    {
      name: 'net.ipv4.ip_forward',
      value: '1',
      before: '0',
      beside: { 'net.ipv4.conf.eth0.forwarding': '0' },
    },
  ],
}

test('a record is read back as it was written, and only its owner can read it', () => {
  const path = join(dir, 'deep', 'record.json')
  writeRecord(path, record)
  assert.deepEqual(readRecord(path), record)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(join(dir, 'deep')), ['record.json'])
})

test('no file is an empty record, and an empty record is no file', () => {
  const path = join(dir, 'record.json')
  assert.deepEqual(readRecord(path), emptyRecord)
  writeRecord(path, record)
  writeRecord(path, emptyRecord)
  assert.equal(existsSync(path), false)
})

test('a record of another boot or namespace counts as empty', () => {
  const path = join(dir, 'record.json')
  writeRecord(path, record, 'boot-1 net:[1]')
  assert.deepEqual(readRecord(path, 'boot-2 net:[1]'), emptyRecord)
  assert.deepEqual(readRecord(path, 'boot-1 net:[1]'), record)
})

test('a damaged record is said, not guessed', () => {
  const path = join(dir, 'record.json')
  for (const text of ['', '{', '{"version":2}', '{"version":1,"world":"x","addresses":[{}],"links":[]}']) {
    writeFileSync(path, text)
    assert.throws(
      () => readRecord(path),
      (e) => e instanceof TenbinError && e.code === 'RUN_STATE_UNREADABLE' && e.message.includes(path),
      text,
    )
  }
})

test('a record of this boot in another namespace says which', () => {
  const path = join(dir, 'record.json')
  assert.equal(recordedElsewhere(path, 'boot-1 net:[1]'), undefined)
  writeRecord(path, record, 'boot-1 net:[1]')
  assert.equal(recordedElsewhere(path, 'boot-1 net:[1]'), undefined)
  assert.equal(recordedElsewhere(path, 'boot-1 net:[2]'), 'net:[1]')
  assert.equal(recordedElsewhere(path, 'boot-2 net:[2]'), undefined)
})
