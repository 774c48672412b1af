// The vrrp process as main has it, with real processes: started, found again, replaced. It has no address sets here, so
// that it touches no interface.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { vrrpCommand } from '../vrrp/vrrp-command.ts'
import type { ProcessEnd } from './deaths.ts'
import { endVrrp } from './end-vrrp.ts'
import { type FromVrrp, openVrrp, type Vrrp } from './vrrp.ts'

const skip = process.geteuid?.() !== 0 && 'sockets of protocol 112 need root'
const DEADLINE_MS = 20_000

let dir = ''
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'vrrp-'))
})
const paths = () => ({
  vrrpSocket: join(dir, 'vrrp.sock'),
  vrrpKept: join(dir, 'vrrp.json'),
  vrrpCounter: join(dir, 'boots'),
  vrrpLog: join(dir, 'vrrp.log'),
})
afterEach(() => endVrrp(paths()))
after(() => rmSync(dir, { recursive: true }))

/** Main: one main's view of vrrp. */
class Main implements Disposable {
  readonly pids: number[] = []
  readonly ends: ProcessEnd[] = []
  readonly messages: FromVrrp[] = []
  readonly vrrp: Vrrp

  constructor() {
    this.vrrp = openVrrp(
      paths(),
      true,
    )({
      onPresent: (pid) => void this.pids.push(pid),
      onMessage: (message) => void this.messages.push(message),
      onAbsent: () => undefined,
      onEnded: (end) => void this.ends.push(end),
    })
    this.vrrp.want()
  }

  [Symbol.dispose](): void {
    this.vrrp[Symbol.dispose]()
  }
}

async function until(wanted: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; Date.now() < deadline; await delay(10)) if (wanted()) return
  assert.fail(`not in time: ${what}`)
}

test('it is started when it is wanted, found by the next main, and ends when nobody wants it', {
  skip,
}, async () => {
  let pid = 0
  {
    using main = new Main()
    await until(() => main.messages.some(({ kind }) => kind === 'status'), 'it says how it is')
    pid = main.pids[0]!
  }
  using next = new Main()
  await until(() => next.pids.length === 1, 'the next main has it')
  assert.deepEqual([next.pids, next.ends], [[pid], []])
  next.vrrp.end()
  await until(() => !isThere(pid), 'it has ended')
  assert.equal(await endVrrp(paths()), false)
  assert.deepEqual(next.ends, [], 'it was told to')
})

test('one that speaks another version is ended in order, and replaced', { skip }, async () => {
  const script = join(dir, 'vrrp-process.js')
  writeFileSync(
    script,
    `require('node:net').createServer((c) => c.on('error', () => {}).write('{"v":99,"kind":"hello"}\\n')).listen(process.argv[2])`,
  )
  const other = spawn(process.execPath, [script, paths().vrrpSocket], { stdio: 'ignore' })
  const gone = new Promise<NodeJS.Signals | null>((resolve) =>
    other.once('exit', (_, signal) => resolve(signal)),
  )
  await until(() => existsSync(paths().vrrpSocket), 'it listens')
  using main = new Main()
  assert.equal(await gone, 'SIGUSR2')
  await until(() => main.pids.length > 0, 'another one is there')
  assert.notEqual(main.pids[0], other.pid)
  assert.match(
    main.ends[0]!.how,
    /^a message that is not understood: it is of version 99, and this is \d+: it was ended$/,
  )
})

test('replaced, it ends in order and as a failure, so that a service manager starts another', {
  skip,
}, async () => {
  const { vrrpSocket: socket, vrrpKept: kept, vrrpCounter: counter } = paths()
  const [node, ...args] = vrrpCommand({ socket, kept, counter })
  const started = spawn(node!, args, { stdio: 'ignore' })
  const ended = new Promise((resolve) => started.once('exit', (...how) => resolve(how)))
  await until(() => existsSync(socket), 'it listens')
  assert.ok(await endVrrp(paths(), { signal: 'SIGUSR2' }))
  assert.deepEqual(await ended, [75, null])
  assert.equal(existsSync(socket), false)
})

test('one of a container, which has the same path, is not ended', { skip }, async () => {
  const script = join(dir, 'vrrp-process.js')
  writeFileSync(script, `setInterval(() => {}, 1000); console.log('runs')`)
  const run = join(dir, 'run')
  mkdirSync(run)
  const socket = join(run, 'vrrp.sock')
  const start = (command: string) => spawn('unshare', ['-m', 'sh', '-c', command])
  const node = `exec ${process.execPath} ${script} ${socket}`
  const [other, ours] = [start(`mount -t tmpfs none ${run} && ${node}`), start(node)]
  try {
    await Promise.all([other, ours].map(({ stdout }) => once(stdout, 'data')))
    const ended = once(ours, 'exit')
    assert.equal(await endVrrp({ vrrpSocket: socket }), true)
    await ended
    assert.ok(isThere(other.pid!))
  } finally {
    for (const each of [other, ours]) each.kill('SIGKILL')
  }
})

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
