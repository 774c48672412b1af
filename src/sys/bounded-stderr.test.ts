import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

const code = `
  import { writeStderr } from ${JSON.stringify(import.meta.resolve('./bounded-stderr.ts'))}
  for (let line = 0; line < 3000; line++) writeStderr(line + ' ' + 'x'.repeat(1000))
`

test('a file of what a process says stays short, and has the last of it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'stderr-'))
  const log = openSync(join(dir, 'log'), 'a')
  try {
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', code]
    assert.equal(spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', log] }).status, 0)
    const text = readFileSync(join(dir, 'log'), 'latin1')
    assert.ok(text.length < 2 ** 20 + 2000 && text.length > 1000, `${text.length} bytes`)
    assert.match(text, /^\d+ x+\n/)
    assert.match(text.trimEnd().split('\n').at(-1)!, /^2999 x+$/)
  } finally {
    closeSync(log)
    rmSync(dir, { recursive: true })
  }
})
