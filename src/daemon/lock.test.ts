import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { type Instance, instanceOf } from './instance.ts'
import { lockInstance } from './lock.ts'

let dir = ''
let instance: Instance
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'lock-'))
  instance = instanceOf({ instance: 'blue', runDir: dir, stateDir: dir })
})
afterEach(() => rmSync(dir, { recursive: true }))

test('the lock is one process’s at a time, and says whose', () => {
  const held = lockInstance(instance)
  assert.throws(
    () => lockInstance(instance),
    (e) =>
      e instanceof TenbinError &&
      e.code === 'DAEMON_RUNNING' &&
      e.message.includes(`process ${process.pid} works`),
  )
  using _ = lockInstance(instanceOf({ instance: 'green', runDir: dir, stateDir: dir }))
  held[Symbol.dispose]()
  lockInstance(instance)[Symbol.dispose]()
  assert.equal(statSync(instance.lock).mode & 0o777, 0o600)
  assert.equal(statSync(instance.runDir).mode & 0o777, 0o700)
})

test('a lock whose file was removed does not keep the next one out', () => {
  using _ = lockInstance(instance)
  rmSync(instance.runDir, { recursive: true })
  using __ = lockInstance(instance)
  assert.throws(() => lockInstance(instance), TenbinError)
})
