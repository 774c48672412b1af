import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { fileText } from './fake-world.ts'
import { scriptProblems } from './scripts.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-scripts-'))
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
  const cases = [
    [join(folder, 'none'), 'is not there'],
    [folder, 'is no file'],
    [script('plain', 0o644), 'is not executable'],
    [script('shell-less', 0o755, 'exit 0\n'), 'begins neither with #! nor as a program'],
    [script('open', 0o757), 'can be written by others than root'],
  ] as const
  for (const [file, fault] of cases) {
    const message = `SCRIPT_UNUSABLE: script ${file} of service www ${fault}`
    assert.deepEqual(problemsOf(`{ script: [${file}] }`), [message])
    assert.deepEqual(problemsOf(`{ any: [tcp, { script: [${file}] }] }`), [message])
  }
  assert.deepEqual(problemsOf('tcp'), [])
  assert.deepEqual(problemsOf('none'), [])
})
