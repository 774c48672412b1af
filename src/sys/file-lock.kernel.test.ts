import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { holdFile } from './file-lock.ts'

test('a file is held by one at a time, until he lets go', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-lock-'))
  try {
    const path = join(folder, 'within', 'lock')
    const first = holdFile(path)
    assert.ok(first)
    assert.equal(holdFile(path), undefined)
    first[Symbol.dispose]()
    holdFile(path)![Symbol.dispose]()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
