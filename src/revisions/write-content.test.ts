import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import type { Content } from './content.ts'
import { writeContent } from './write-content.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'content-'))
  file = join(folder, 'tenbin.yaml')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** content of files by their names, the main file first. */
const content = (files: Readonly<Record<string, string>>): Content => ({
  folder,
  files: Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) })),
})

test('a folder that is a link is somebody’s who has other plans with it: nothing is written', () => {
  const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'))
  writeFileSync(join(elsewhere, 'more.yaml'), 'a')
  writeFileSync(file, 'main')
  symlinkSync(elsewhere, join(folder, 'conf.d'))
  const before = content({ 'tenbin.yaml': 'main', 'conf.d/more.yaml': 'a' })
  const after = content({ 'tenbin.yaml': 'other', 'conf.d/more.yaml': 'b' })
  assert.equal(writeContent(file, before, after), false)
  assert.deepEqual(
    [readFileSync(file, 'utf8'), readFileSync(join(elsewhere, 'more.yaml'), 'utf8')],
    ['main', 'a'],
  )
  rmSync(elsewhere, { recursive: true })
})

test('a file in a folder that is not there yet is made; mode and owner of one that is there stay', () => {
  writeFileSync(file, 'main')
  chmodSync(file, 0o640)
  if (process.getuid?.() === 0) chownSync(file, 1_234, 4_321)
  const { uid, gid } = statSync(file)
  const after = content({ 'tenbin.yaml': 'other', 'conf.d/more.yaml': 'b' })
  assert.equal(writeContent(file, content({ 'tenbin.yaml': 'main' }), after), true)
  const stat = statSync(file)
  assert.deepEqual([stat.uid, stat.gid, stat.mode & 0o777], [uid, gid, 0o640])
  assert.equal(readFileSync(join(folder, 'conf.d/more.yaml'), 'utf8'), 'b')
})

test('a daemon that may not give a file to its owner leaves it as it is', {
  skip: process.getuid?.() !== 0 && 'needs root: another’s file',
}, () => {
  mkdirSync(join(folder, 'etc'))
  const theirs = join(folder, 'etc', 'tenbin.yaml')
  writeFileSync(theirs, 'main')
  chownSync(theirs, 1_234, 4_321)
  const script = `import { writeContent } from ${JSON.stringify(join(import.meta.dirname, 'write-content.ts'))}
      const content = (text) => ({ folder: '', files: [{ name: 'tenbin.yaml', bytes: Buffer.from(text) }] })
      console.log(writeContent(${JSON.stringify(theirs)}, content('main'), content('other')))`
  const without = ['--bounding-set', '-chown', '--inh-caps', '-chown']
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', script]
  const { stdout, stderr } = spawnSync('setpriv', [...without, ...node], { encoding: 'utf8' })
  assert.equal(stdout, 'false\n', stderr)
  const { uid, gid } = lstatSync(theirs)
  assert.deepEqual([readFileSync(theirs, 'utf8'), uid, gid], ['main', 1_234, 4_321])
})
