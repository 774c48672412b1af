import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lastWords, lastWordsIn } from './last-words.ts'

const crash = `file:///opt/tenbin/dist/checker-process.js:123
        throw new Error("no sockets left")
        ^

Error: no sockets left
    at look (file:///opt/tenbin/dist/checker-process.js:123:15)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)

Node.js v20.20.2
`

test('the error of a crash is its last word, not the stack below it', () => {
  assert.equal(lastWords(crash), 'Error: no sockets left')
})

test('a line of its own log is told by its text; nothing by nothing', () => {
  assert.equal(lastWords('{"time":"now","process":"checker","text":"main is gone"}\n'), 'main is gone')
  assert.equal(lastWords('killed\x1b[31m\n'), 'killed [31m')
  assert.equal(lastWords('\n\n'), undefined)
  assert.equal(lastWords('x'.repeat(1000))!.length, 200)
})

test('only what was written since a place counts, and a log that is not there says nothing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'last-words-'))
  try {
    const path = join(folder, 'log')
    writeFileSync(path, crash)
    assert.equal(lastWordsIn(path, 0), 'Error: no sockets left')
    assert.equal(lastWordsIn(path, Buffer.byteLength(crash)), undefined)
    assert.equal(lastWordsIn(join(folder, 'none'), 0), undefined)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
