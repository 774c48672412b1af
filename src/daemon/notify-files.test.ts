import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { NotifyHow, NotifyTarget } from '../config/notify-spec.ts'
import { notifyProblems } from './notify-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-notify-files-'))
after(() => rmSync(folder, { recursive: true }))
const file = (name: string, mode: number): string => {
  const path = join(folder, name)
  writeFileSync(path, '#!/bin/sh\n')
  chmodSync(path, mode)
  return path
}
const said = (how: NotifyHow) => {
  const target: NotifyTarget = { name: 'ops', on: ['server'], severity: 'notice', timeoutMs: 1, how }
  return notifyProblems({ notify: [target] }).map(({ code, message }) => [code, message])
}

test('scripts, their users, secrets and authorities are looked at as this machine has them', () => {
  const [open, key, gone] = [file('open', 0o644), file('key', 0o600), join(folder, 'gone')]
  const hook = { kind: 'webhook', url: 'https://h.example/' } as const
  assert.deepEqual(said({ ...hook, secret: { file: key }, caFile: open }), [])
  assert.deepEqual(said({ ...hook, secret: { env: 'ANY' } }), [])
  assert.deepEqual(said({ ...hook, secret: { file: open }, caFile: gone }), [
    ['SECRET_UNUSABLE', `${open} of notify ops can be read by others than its owner`],
    ['SECRET_UNUSABLE', `${gone} of notify ops is not there, or is no file`],
  ])
  const script = (path: string, user: string) => said({ kind: 'script', command: [path], user })
  assert.deepEqual(script(gone, 'nobody'), [['SCRIPT_UNUSABLE', `script ${gone} of notify ops is not there`]])
  assert.deepEqual(script(file('run', 0o755), 'no-such-user'), [
    ['SCRIPT_UNUSABLE', 'script of notify ops: this machine knows no user no-such-user'],
  ])
})
