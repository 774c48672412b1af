import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RHYTHM } from '../config/check-spec.ts'
import type { Order } from '../health/protocol.ts'
import { type Checker, openChecker } from './checker.ts'

const order: Order = {
  ...{ key: 'a', address: '127.0.0.1', port: 1 },
  check: { probe: { kind: 'tcp' }, rhythm: { ...RHYTHM, everyMs: 50, inDoubtMs: 50 }, observe: false },
}

/** World: a folder of an instance, and daemons that come and go there. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'tenbin-supervised-'))
  readonly checkerSocket = join(this.folder, 'checker.sock')
  readonly checks = join(this.folder, 'checks.json')
  readonly pids: number[] = []
  readonly #checkers: Checker[] = []

  daemon(): Checker {
    const nothing = () => {}
    const checker = openChecker(this)({
      ...{ onStates: nothing, onChanges: nothing, onAlive: nothing, onAbsent: nothing },
      onPresent: (pid) => this.pids.push(pid),
    })
    this.#checkers.push(checker)
    return checker
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const checker of this.#checkers) checker.end()
    for (const pid of this.pids) await until(() => !isRunning(pid), 'it has ended')
    rmSync(this.folder, { recursive: true })
  }
}

async function until(is: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    assert.ok(tries < 2000, what)
    await delay(5)
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('one that an earlier daemon left ends when a daemon has nothing to be looked at', async () => {
  await using world = new World()
  const earlier = world.daemon()
  earlier.order([order])
  await until(() => world.pids.length === 1, 'it is there')
  earlier[Symbol.dispose]()
  assert.ok(isRunning(world.pids[0]!))
  world.daemon().order([])
  await until(() => !isRunning(world.pids[0]!), 'it has ended')
})

test('nobody is started for nothing, and nobody there is no failure', async () => {
  await using world = new World()
  world.daemon().order([])
  await delay(200)
  assert.deepEqual(world.pids, [])
})
