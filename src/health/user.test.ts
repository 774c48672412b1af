import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { lookUpUser } from './user.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-users-'))
after(() => rmSync(folder, { recursive: true }))
const users = join(folder, 'passwd')
writeFileSync(
  users,
  [
    'root:x:0:0:root:/root:/bin/sh',
    'toor:x:0:100::/:/bin/sh',
    'wheel:x:100:0::/:/bin/sh',
    'broken:x',
    'lb:x:998:997::/:/bin/sh',
    '',
  ].join('\n'),
)

test('a user is found by name or written as numbers', () => {
  assert.deepEqual(lookUpUser('lb', users), { uid: 998, gid: 997 })
  assert.deepEqual(lookUpUser('65534:65533', users), { uid: 65_534, gid: 65_533 })
})

test('root is refused under whatever name or number, and so is what is nobody', () => {
  for (const [user, why] of [
    ['root', /does not run as root/],
    ['toor', /does not run as toor \(0:100\)/],
    ['wheel', /does not run as wheel \(100:0\)/],
    ['00:00', /does not run as 00:00/],
    ['1:0', /does not run as 1:0/],
    ['broken', /does not run as broken/],
    ['3000000000:65534', /does not run as 3000000000:65534/],
    ['nobody-here', /knows no user nobody-here/],
  ] as const)
    assert.throws(
      () => lookUpUser(user, users),
      (error) => error instanceof TenbinError && error.code === 'CHECK_FAILED' && why.test(error.message),
      user,
    )
})
