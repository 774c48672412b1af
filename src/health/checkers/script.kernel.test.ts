import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { descriptors, lookAt, loopback, returns } from '../../../test/health/look-at.ts'
import { type ScriptOptions, script } from './script.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-script-'))
chmodSync(folder, 0o777)
after(() => rmSync(folder, { recursive: true }))
const NOBODY = { uid: 65_534, gid: 65_534 }
const options = (command: readonly string[], isDynamic = false): ScriptOptions => ({
  command,
  isDynamic,
  ...NOBODY,
})
const shell = (text: string, ...more: readonly string[]) => ['/bin/sh', '-c', text, 'sh', ...more]
const look = async (command: readonly string[], { isDynamic = false, timeoutMs = 2000 } = {}) => {
  const { outcome, text, report } = await lookAt(script(loopback(80), options(command, isDynamic)), timeoutMs)
  return report === undefined ? [outcome, text] : [outcome, text, report]
}

test('the exit status decides, as a weight where that was asked for', async () => {
  assert.deepEqual(await look(['/bin/true']), ['good', 'exit 0'])
  assert.deepEqual(await look(['/bin/false']), ['bad', 'exit 1'])
  assert.deepEqual(await look(shell('echo all well; exit 0')), ['good', 'exit 0: "all well"'])
  assert.deepEqual(await look(shell('exit 12')), ['bad', 'exit 12'])
  const dynamic = { isDynamic: true }
  assert.deepEqual(await look(shell('exit 12'), dynamic), ['good', 'exit 12, weight 10', { weight: 10 }])
  assert.deepEqual(await look(shell('exit 2'), dynamic), ['good', 'exit 2, weight 0', { weight: 0 }])
  assert.deepEqual(await look(shell('exit 1'), dynamic), ['bad', 'exit 1'])
  assert.deepEqual(await look(shell('kill -9 $$')), ['bad', 'script was killed by SIGKILL'])
  assert.deepEqual(await look(['/no/such/script']), ['none', 'script cannot be started: ENOENT'])
  const plain = join(folder, 'plain')
  writeFileSync(plain, '#!/bin/sh\n')
  assert.deepEqual(await look([plain]), ['none', 'script cannot be started: EACCES'])
  assert.deepEqual(await look(['/etc/passwd/x']), ['none', 'script cannot be started: ENOTDIR'])
  const long = `/${'x'.repeat(5000)}`
  assert.deepEqual(await look([long]), ['none', 'script cannot be started: ENAMETOOLONG'])
})

test('it is told the target, has no shell, no environment of ours and no privileges', async () => {
  const [, text] = await look(
    shell('echo $1 $TENBIN_ADDRESS $TENBIN_PORT $(id -u) $HOME-', '{address}:{port}'),
  )
  assert.equal(text, 'exit 0: "127.0.0.1:80 127.0.0.1 80 65534 -"')
  assert.deepEqual(await look(['/bin/echo', '$(id); {port}']), ['good', 'exit 0: "$(id); 80"'])
})

test('what the kernel cannot run by itself is not handed to a shell', async () => {
  const file = join(folder, 'no-program')
  for (const [text, outcome] of [
    ['exit 0\n', 'none'],
    ['', 'none'],
    ['#!/bin/sh\nexit 0\n', 'good'],
  ] as const) {
    writeFileSync(file, text)
    chmodSync(file, 0o755)
    const [found, why] = await look([file])
    assert.equal(found, outcome, why as string)
    if (outcome === 'none')
      assert.equal(why, 'script cannot be started: it begins neither with #! nor as a program')
  }
})

test('output without end is read, and its beginning kept', async () => {
  const [outcome, text] = await look(['/usr/bin/yes'], { timeoutMs: 300 })
  assert.deepEqual([outcome, text], ['bad', 'script timed out after 300ms'])
  const [, long] = await look(shell('yes | head -c 10000000'))
  assert.ok((long as string).length < 200)
})

test('a script that hangs is killed with all its offspring, and so is what a script leaves behind', async () => {
  const before = descriptors()
  for (const end of ['wait', 'exit 0']) {
    const file = join(folder, `pids-${end.length}`)
    writeFileSync(file, '')
    chmodSync(file, 0o666)
    const text = `(sleep 300 & echo $! >> ${file}; sleep 300) & echo $! >> ${file}; while [ $(wc -l < ${file}) -lt 2 ]; do sleep 0.01; done; ${end}`
    const [outcome] = await look(shell(text), { timeoutMs: 3000 })
    assert.equal(outcome, end === 'wait' ? 'bad' : 'good')
    const pids = readFileSync(file, 'utf8').trim().split('\n')
    assert.equal(pids.length, 2)
    for (let tries = 0; pids.some(isRunning); tries++) {
      assert.ok(tries < 100, `still there: ${pids.filter(isRunning)}`)
      await delay(10)
    }
  }
  await returns(descriptors, before, 'descriptors')
})

/** A zombie that nobody reaped yet does not run. */
function isRunning(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
