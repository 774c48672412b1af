import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { Invitations } from './invitations.ts'

let folder: string
let invitations: Invitations
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'invitations-')), 'all')
  invitations = new Invitations(folder)
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true }))

const invite = (node: string, first = 1) =>
  invitations.invite({ node, key: Uint8Array.of(first, 2, 3), until: 1_000 })
const kept = () =>
  invitations
    .all()
    .map(({ node, key }) => `${node} ${key[0]}`)
    .toSorted()

test('the last invitation of a node counts, those of others stay, and a node that is there has none', () => {
  assert.deepEqual(kept(), [])
  invite('lb2')
  invite('lb3')
  invite('lb2', 7)
  assert.deepEqual(kept(), ['lb2 7', 'lb3 1'])
  invitations.joined('lb2')
  assert.deepEqual(kept(), ['lb3 1'])
  const [file] = readdirSync(folder)
  assert.equal(statSync(join(folder, file!)).mode & 0o777, 0o600)
})

test('a file that is damaged, or of another kind, holds no invitation and hides none', () => {
  invite('lb2')
  writeFileSync(join(folder, 'damaged.json'), '{"node":"lb3"')
  writeFileSync(join(folder, 'note.txt'), 'x')
  assert.deepEqual(kept(), ['lb2 1'])
})

test('whoever invites while others are taken away loses none', async () => {
  const code = `
    import { Invitations } from ${JSON.stringify(import.meta.resolve('./invitations.ts'))}
    const all = new Invitations(${JSON.stringify(folder)})
    for (let i = 0; i < 100; i++) {
      all.invite({ node: 'gone' + i, key: Uint8Array.of(1), until: 1 })
      all.joined('gone' + i)
    }`
  const file = join(folder, '..', 'other.mts')
  writeFileSync(file, code)
  const other = fork(file, { execArgv: ['--import', import.meta.resolve('tsx')] })
  const ended = once(other, 'exit')
  for (let i = 0; other.exitCode === null; i++) {
    invite(`node${i % 50}`)
    assert.equal(kept().filter((each) => each === `node${i % 50} 1`).length, 1)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual((await ended)[0], 0)
  assert.deepEqual(
    kept().filter((each) => each.startsWith('gone')),
    [],
  )
})
