import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { BIN, entryCommand, tenbinCommand, tenbinWord } from './entry.ts'

test('the commands name files that are there, and carry their options', () => {
  for (const name of ['web-process', 'traffic-process', 'attack-process', 'slow-process'] as const) {
    const command = entryCommand(name, { port: 80 })
    assert.ok(existsSync(command.at(-2)!), command.at(-2))
    assert.deepEqual(JSON.parse(command.at(-1)!), { port: 80 })
  }
  const command = tenbinCommand(['run', '-c', 'file'])
  assert.deepEqual(command.slice(-3), ['run', '-c', 'file'])
  assert.ok(existsSync(command.at(-4)!), command.at(-4))
  assert.ok(existsSync(join(BIN, 'tenbin')))
})

test('a person is told tenbin where PATH has it, else the path from where they are', () => {
  assert.equal(tenbinWord(`/nonexistent:${BIN}`), 'tenbin')
  assert.equal(tenbinWord('/nonexistent', dirname(BIN)), join('bin', 'tenbin'))
  assert.equal(tenbinWord('/nonexistent', '/nonexistent'), join(BIN, 'tenbin'))
})
