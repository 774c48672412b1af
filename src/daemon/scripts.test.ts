import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { fileText } from './fake-world.ts'
import { scriptProblems } from './scripts.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-scripts-'))
chmodSync(folder, 0o755)
after(() => rmSync(folder, { recursive: true }))

const problemsOf = (check: string): string[] =>
  scriptProblems(load('t', textReader({ t: fileText({ check }) }))).map(
    ({ code, message }) => `${code}: ${message}`,
  )
function script(name: string, mode: number, text = '#!/bin/sh\n'): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

test('a script is there, executable, and writable by root alone', {
  skip: process.getuid?.() !== 0 && 'files of root are made',
}, () => {
  const right = script('right', 0o755)
  assert.deepEqual(problemsOf(`{ script: [${right}] }`), [])
  assert.deepEqual(problemsOf('{ script: [/bin/true] }'), [])
  assert.deepEqual(problemsOf(`{ all: [tcp, { script: [${right}] }] }`), [])
  for (const [name, mode] of [
    ['theirs', 0o777],
    ['sticky', 0o1777],
    ['shut', 0o700],
  ] as const) {
    mkdirSync(join(folder, name))
    chmodSync(join(folder, name), mode)
  }
  assert.deepEqual(problemsOf(`{ script: [${script('sticky/x', 0o755)}] }`), [])
  const cases = [
    [join(folder, 'none'), 'is not there'],
    [folder, 'is no file'],
    [script('plain', 0o644), 'is not executable'],
    [script('shell-less', 0o755, 'exit 0\n'), 'begins neither with #! nor as a program'],
    [script('open', 0o757), 'can be written by others than root'],
    [script('closed', 0o700), 'cannot be read and run by nobody: its mode is 700'],
    [script('blind', 0o711), 'cannot be read and run by nobody: its mode is 711'],
    [
      script('theirs/x', 0o755),
      `can be replaced by others than root: ${join(folder, 'theirs')} is theirs to write`,
    ],
    [script('shut/x', 0o755), `cannot be reached by nobody: ${join(folder, 'shut')} is closed to it`],
  ] as const
  for (const [file, fault] of cases) {
    const message = `SCRIPT_UNUSABLE: script ${file} of service www ${fault}`
    assert.deepEqual(problemsOf(`{ script: [${file}] }`), [message])
    assert.deepEqual(problemsOf(`{ any: [tcp, { script: [${file}] }] }`), [message])
  }
  assert.deepEqual(problemsOf('tcp'), [])
  assert.deepEqual(problemsOf('none'), [])
})

test('what is wrong with a script is told with its line, for sorry servers as for others, and with its user', () => {
  const file = join(folder, 'gone')
  const told = (text: string) =>
    scriptProblems(load('t', textReader({ t: text }))).map(
      ({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`,
    )
  assert.deepEqual(
    told(`interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: [10.0.0.100/24] } }
servers: { web01..02: 10.0.0.11..12, web99: 10.0.0.99 }
services:
  www:
    listen: [10.0.0.100:80]
    servers: web01..02
    check: { script: { command: [/bin/true], user: no-such-user } }
    sorry: { servers: web99, check: { any: [tcp, { script: [${file}] }] } }
`),
    [
      't:8:22: script /bin/true of service www has no user: this machine knows no user no-such-user',
      `t:9:60: script ${file} of service www is not there`,
    ],
  )
})
