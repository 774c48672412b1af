import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { RHYTHM } from '../config/check-spec.ts'
import type { Order } from '../health/protocol.ts'
import { type Checker, openChecker } from './checker.ts'
import type { ProcessEnd } from './deaths.ts'

const order: Order = {
  ...{ key: 'a', address: '127.0.0.1', port: 1 },
  check: { probe: { kind: 'tcp' }, rhythm: { ...RHYTHM, everyMs: 50, inDoubtMs: 50 }, observe: false },
}

/** World: a folder of an instance, and daemons that come and go there. */
class World {
  readonly name = 'supervised'
  readonly folder = mkdtempSync(join(tmpdir(), 'tenbin-supervised-'))
  readonly checkerSocket = join(this.folder, 'checker.sock')
  readonly checks = join(this.folder, 'checks.json')
  readonly log = join(this.folder, 'checker.log')
  readonly pids: number[] = []
  readonly ends: ProcessEnd[] = []
  readonly #checkers: Checker[] = []

  daemon(): Checker {
    const nothing = () => {}
    const checker = openChecker(this)({
      ...{ onStates: nothing, onChanges: nothing, onAlive: nothing, onAbsent: nothing },
      onEnded: (end) => this.ends.push(end),
      onPresent: (pid) => this.pids.push(pid),
    })
    this.#checkers.push(checker)
    return checker
  }

  /** processes: those that look for this instance. */
  processes(): string[] {
    return readdirSync('/proc').filter((pid) => {
      try {
        return (
          /^\d+$/.test(pid) &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0${this.checkerSocket}\0`)
        )
      } catch {
        return false
      }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const checker of this.#checkers) checker.end()
    for (const pid of this.pids) await until(() => !isRunning(pid), 'it has ended')
    rmSync(this.folder, { recursive: true })
  }
}

async function until(is: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    assert.ok(tries < 6000, what)
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

test('one that is killed is told of and started anew; what it says is in its log', async () => {
  await using world = new World()
  world.daemon().order([order])
  await until(() => world.pids.length === 1, 'it is there')
  process.kill(world.pids[0]!, 'SIGKILL')
  await until(() => world.pids.length === 2, 'its successor is there')
  assert.deepEqual(world.ends, [{ how: 'SIGKILL' }])
  // Whoever connects takes the place of the first main, which is gone for the checker.
  connect(world.checkerSocket)
    .on('error', () => {})
    .end('noise\n')
  await until(() => readFileSync(world.log, 'utf8').includes('a message that is no JSON'), 'it is logged')
})

test('one that is told to end has not failed; a log that is too long is begun anew', async () => {
  await using world = new World()
  writeFileSync(world.log, Buffer.alloc(2 ** 20 + 1, 'x'))
  const checker = world.daemon()
  checker.order([order])
  await until(() => world.pids.length === 1, 'it is there')
  checker.order([])
  await until(() => !isRunning(world.pids[0]!), 'it has ended')
  await delay(50)
  assert.deepEqual(world.ends, [])
  assert.ok(readFileSync(world.log, 'utf8').length < 10_000)
})

test('one that is slow to come is waited for, and no other is started', async () => {
  await using world = new World()
  const { NODE_OPTIONS: before = '' } = process.env
  process.env.NODE_OPTIONS =
    '--import=data:text/javascript,await%20new%20Promise(done=>setTimeout(done,2500))'
  try {
    world.daemon().order([order])
    const seen = new Set<string>()
    await until(() => {
      for (const pid of world.processes()) seen.add(pid)
      return world.pids.length === 1
    }, 'it is there')
    assert.deepEqual([...seen], [`${world.pids[0]}`])
  } finally {
    process.env.NODE_OPTIONS = before
  }
})

test('one that hangs is killed, told of and replaced, whether this daemon or an earlier one has started it', async () => {
  const hang = async (isEarlier: boolean) => {
    await using world = new World()
    const daemon = world.daemon()
    daemon.order([order])
    await until(() => world.pids.length === 1, 'it is there')
    if (isEarlier) {
      daemon[Symbol.dispose]()
      world.daemon().order([order])
      await until(() => world.pids.length === 2, 'it is found')
    }
    const [first] = world.pids
    process.kill(first!, 'SIGSTOP')
    await until(() => new Set(world.pids).size === 2, 'its successor is there')
    await until(() => !isRunning(first!), 'it is gone')
    assert.deepEqual(world.ends, [{ how: 'it hung, and was ended' }])
  }
  await Promise.all([hang(false), hang(true)])
})

test('one that cannot work is started ever more slowly, and its last words are told', async () => {
  await using world = new World()
  const { NODE_OPTIONS: before = '' } = process.env
  process.env.NODE_OPTIONS = '--import=data:text/javascript,throw%20new%20Error(%22no%20sockets%20left%22)'
  const began = performance.now()
  try {
    world.daemon().order([order])
    await until(() => world.ends.length === 3, 'it has ended thrice')
  } finally {
    process.env.NODE_OPTIONS = before
  }
  assert.deepEqual(world.ends[2], { how: 'status 1', words: 'Error: no sockets left' })
  assert.ok(performance.now() - began > 1_500, 'the second follows after 0.5 s, the third after 1 s more')
  await until(() => world.pids.length === 1, 'mended, it comes')
})

test('where one cannot be started for a reason of this machine, that is told and tried again', async () => {
  await using world = new World()
  mkdirSync(world.log)
  world.daemon().order([order])
  await until(() => world.ends.length === 1, 'it is told')
  assert.match(world.ends[0]!.how, /^EISDIR/)
  rmSync(world.log, { recursive: true })
  await until(() => world.pids.length === 1, 'it is there')
})

test('it has nothing of our environment that it does not need, such as secrets of `notify`', async () => {
  process.env.TENBIN_TEST_SECRET = 'hush'
  await using world = new World()
  world.daemon().order([order])
  await until(() => world.pids.length === 1, 'it is there')
  assert.ok(!readFileSync(`/proc/${world.pids[0]}/environ`, 'utf8').includes('hush'))
})

test('nobody is started for nothing, and nobody there is no failure', async () => {
  await using world = new World()
  world.daemon().order([])
  await delay(200)
  assert.deepEqual(world.pids, [])
})
