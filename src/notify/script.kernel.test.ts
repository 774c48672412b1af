import assert from 'node:assert/strict'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Outcome, outcomeText } from './outcome.ts'
import { runScript } from './script.ts'

let folder: string
/** Where scripts, who are nobody, write. */
let written: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenbin-notify-'))
  chmodSync(folder, 0o755)
  written = join(folder, 'written')
  mkdirSync(written)
  chmodSync(written, 0o777)
})
after(() => rmSync(folder, { recursive: true }))

let count = 0
function file(text: string, mode = 0o755): string {
  const path = join(folder, `script-${count++}`)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}
const run = (command: readonly [string, ...string[]], body = '{}', timeoutMs = 3_000, user = 'nobody') =>
  runScript({ kind: 'script', command, user }, body, timeoutMs)
const text = async (outcome: Promise<Outcome>) => outcomeText(await outcome)

test('a script gets the event on its standard input, its own arguments, and nothing of ours', async () => {
  const out = join(written, 'out')
  const path = file(
    `#!/bin/sh\ncat > ${out}\necho "$# $1" >> ${out}\nid -u >> ${out}\nenv >> ${out}\npwd >> ${out}\n`,
  )
  process.env.TENBIN_TEST_SECRET = 'hush'
  const body = JSON.stringify({ event: { text: 'web03; rm -rf /' } })
  assert.equal(await text(run([path, '$(id)'], body)), 'exit 0')
  const said = readFileSync(out, 'utf8').split('\n')
  assert.equal(said[0], body)
  assert.equal(said[1], '1 $(id)')
  assert.notEqual(said[2], '0')
  assert.ok(!said.some((line) => line.includes('hush')))
  assert.ok(said.includes('/'))
})

test('another exit, a signal and its words are told', async () => {
  assert.equal(await text(run([file('#!/bin/sh\necho no route; exit 3\n')])), 'the script: exit 3: no route')
  assert.equal(await text(run([file('#!/bin/sh\nkill -9 $$\n')])), 'the script: SIGKILL')
})

test('a script that does not end is ended with its offspring', async () => {
  const pid = join(written, 'pid')
  const begun = performance.now()
  const outcome = await run([file(`#!/bin/sh\nsleep 60 & echo $! > ${pid}\nwait\n`)], '{}', 2000)
  assert.equal(outcomeText(outcome), 'the script: not done after 2 s')
  assert.ok(performance.now() - begun < 30_000, 'not: waited for')
  const sleeper = Number(readFileSync(pid, 'utf8'))
  for (let tries = 0; isAlive(sleeper); tries++) {
    assert.ok(tries < 100, 'its child is alive')
    await delay(10)
  }
})

/** isAlive: and no zombie. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('one that ends without reading, and one that talks without end, do no harm', async () => {
  const body = 'x'.repeat(1_000_000)
  assert.equal(await text(run([file('#!/bin/sh\nexit 0\n')], body)), 'exit 0')
  const talks = await run(
    [file('#!/bin/sh\nwhile :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done\n')],
    '{}',
    500,
  )
  assert.ok(outcomeText(talks).length < 300)
})

test('a script that others can write, is gone, or is no program is not run', async () => {
  const writable = file('#!/bin/sh\nexit 0\n', 0o777)
  const theirs = file('#!/bin/sh\nexit 0\n')
  writeFileSync(join(written, 'script'), '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  chownSync(theirs, 65_534, 65_534)
  for (const [path, expected] of [
    [writable, 'can be written by others than root'],
    [theirs, 'is not owned by root'],
    [join(written, 'script'), `can be replaced by others than root: ${written} is theirs to write`],
    [join(folder, 'gone'), 'is not there'],
    [file('exit 0\n'), 'begins neither with #! nor as a program'],
    [file('#!/bin/sh\n', 0o644), 'is not executable'],
  ] as const)
    assert.equal(await text(run([path])), `the script: ${path} ${expected}`)
  assert.equal(
    await text(run([file('#!/bin/sh\nexit 0\n')], '{}', 1000, 'nobody-of-that-name')),
    'the script: this machine knows no user nobody-of-that-name',
  )
})
