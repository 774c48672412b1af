// What scripts leave behind under a checker that runs several of them: daemons are ended, and nobody else is.

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RHYTHM } from '../config/check-spec.ts'
import { CheckerClient } from './checker-client.ts'
import type { Order, State } from './protocol.ts'

const skip = process.geteuid?.() !== 0 && 'running scripts as another user needs root'
const rhythm = { ...RHYTHM, everyMs: 3_500, inDoubtMs: 3_500, timeoutMs: 3_000, fall: 1 }

function stateOf(pid: string): string | undefined {
  try {
    return /^State:\s+(.)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  } catch {
    return undefined // it has ended
  }
}

async function until(is: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    assert.ok(tries < 1500, what)
    await delay(10)
  }
}

test('what a script started left its group, twice forked or hanging, and is ended and reaped; what runs still keeps its own', {
  skip,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-offspring-'))
  chmodSync(folder, 0o777)
  const pids = (name: string): string[] =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean) : []
  const file = (name: string) => {
    writeFileSync(join(folder, name), '')
    chmodSync(join(folder, name), 0o666)
    return join(folder, name)
  }
  const daemon = (to: string) =>
    `(setsid sh -c 'echo $$ >> ${to}; (sleep 300 & echo $! >> ${to}); exec sleep 300' &)`
  const scripts: Readonly<Record<string, string>> = {
    // It outlives the others, and has a daemon of its own meanwhile, which is younger than it.
    keeps: `${daemon(file('kept'))}; while [ $(wc -l < ${join(folder, 'kept')}) -lt 2 ]; do sleep 0.01; done; sleep 0.6; kill -0 $(tail -n 1 ${join(folder, 'kept')})`,
    leaves: `${daemon(file('left'))}; while [ $(wc -l < ${join(folder, 'left')}) -lt 2 ]; do sleep 0.01; done; exit 0`,
    hangs: `${daemon(file('hung'))}; sleep 300`,
  }
  const entry = fileURLToPath(new URL('./checker-process.ts', import.meta.url))
  const socket = join(folder, 'checker.sock')
  let checker: ChildProcess | undefined
  let client: CheckerClient | undefined
  try {
    const args = ['--import', 'tsx', entry, socket, join(folder, 'checks.json'), 'offspring-test']
    checker = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    const states = new Map<string, State>()
    const take = (some: readonly State[]) => {
      for (const state of some) states.set(state.key, state)
    }
    client = new CheckerClient({
      ...{ socket, onStates: take, onChanges: take },
      ...{ onAlive: () => {}, onPresent: () => {}, onAbsent: () => {} },
    })
    const order = (key: string, probe: Order['check']['probe']): Order => ({
      ...{ key, address: '127.0.0.1', port: 1 },
      check: { probe, rhythm, observe: false },
    })
    client.order(
      Object.entries(scripts).map(([key, text]) =>
        order(key, {
          ...{ kind: 'script', isDynamic: false, user: '65534:65534' },
          command: ['/bin/sh', '-c', text],
        }),
      ),
    )
    const standings = () => ['keeps', 'leaves', 'hangs'].map((key) => states.get(key)?.standing ?? 'unknown')
    await until(() => !standings().includes('unknown'), 'all have ended')
    assert.deepEqual(standings(), ['up', 'up', 'down'], 'the daemon of the first was there to its end')
    client.order([order('other', { kind: 'tcp' })])
    const all = () => ['kept', 'left', 'hung'].flatMap(pids)
    assert.ok(all().length >= 6)
    await until(() => all().every((pid) => stateOf(pid) === undefined), 'nobody is left, no zombie either')
  } finally {
    client?.[Symbol.dispose]()
    checker?.kill('SIGKILL')
    for (const pid of ['kept', 'left', 'hung'].flatMap(pids))
      if (stateOf(pid) !== undefined) process.kill(Number(pid), 'SIGKILL')
    rmSync(folder, { recursive: true })
  }
})
