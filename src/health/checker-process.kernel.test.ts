import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { RHYTHM } from '../config/check-spec.ts'
import { CheckerClient, stopChecker } from './checker-client.ts'
import type { Alive, Change, Order, State } from './protocol.ts'
import { readKept } from './state-file.ts'

const rhythm = { ...RHYTHM, everyMs: 50, inDoubtMs: 50, timeoutMs: 200 }

/** World: a folder, a checker in it that can be killed and started again, servers, and mains. */
class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'tenbin-checker-'))
  readonly socket = join(this.folder, 'checker.sock')
  readonly checks = join(this.folder, 'checks.json')
  process: ChildProcess | undefined

  start(): void {
    const entry = fileURLToPath(new URL('./checker-process.ts', import.meta.url))
    const args = ['--import', 'tsx', entry, this.socket, this.checks, 'checker-test']
    this.process = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const ended = once(this.process!, 'exit')
    this.process!.kill(signal)
    await ended
  }

  /** keeps: it has written of these keys that they stand so. */
  keeps(standings: Readonly<Record<string, State['standing']>>): Promise<void> {
    const isSo = () => {
      const { states } = readKept(this.checks)
      return Object.entries(standings).every(([key, standing]) =>
        states.some((state) => state.key === key && state.standing === standing),
      )
    }
    return until(isSo, `${JSON.stringify(standings)} is kept`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process?.exitCode === null && this.process.signalCode === null) await this.kill('SIGTERM')
    rmSync(this.folder, { recursive: true })
  }
}

/** Main: what a main remembers of the talk. */
class Main {
  readonly states = new Map<string, State>()
  readonly changes: Change[] = []
  alive: Alive | undefined
  pid: number | undefined
  readonly client: CheckerClient

  constructor({ socket }: World) {
    this.client = new CheckerClient({
      socket,
      onStates: (states) => {
        for (const state of states) this.states.set(state.key, state)
      },
      onChanges: (changes) => {
        for (const change of changes) this.states.set(change.key, change)
        this.changes.push(...changes)
      },
      onAlive: (alive) => {
        this.alive = alive
      },
      onPresent: (pid) => {
        this.pid = pid
      },
      onAbsent: () => {},
    })
  }

  standing(key: string) {
    return this.states.get(key)?.standing
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]()
  }
}

async function until(is: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !is(); tries++) {
    assert.ok(tries < 6000, what)
    await delay(5)
  }
}

/** TARGET: nobody else listens there, so that a port of one that is stopped is closed. */
const TARGET = '127.0.77.1'

/** A web server that can be stopped and started on its port. */
async function target() {
  let server = createServer((socket) => void socket.on('error', () => {}).resume())
  let port = 0
  const start = async () => {
    server = createServer((socket) => void socket.on('error', () => {}).resume())
    server.listen(port, TARGET)
    await once(server, 'listening')
    port = (server.address() as { port: number }).port
  }
  const stop = () => new Promise<void>((done) => void server.close(() => done()))
  await start()
  const order = (key: string): Order => ({
    ...{ key, address: TARGET, port },
    check: { probe: { kind: 'tcp' }, rhythm, observe: false },
  })
  return { order, start, stop, [Symbol.asyncDispose]: () => (server.listening ? stop() : Promise.resolve()) }
}

test('main is told what is up, what goes down and why, and histories on asking', async () => {
  await using world = new World()
  world.start()
  await using web = await target()
  using main = new Main(world)
  main.client.order([web.order('a'), { ...web.order('b'), port: 1 }])
  await until(() => main.standing('a') === 'up' && main.standing('b') === 'down', 'both are known')
  await web.stop()
  await until(() => main.standing('a') === 'down', 'it is told down')
  const { transition } = main.changes.at(-1)!
  assert.deepEqual(
    { from: transition!.from, to: transition!.to, text: transition!.text, count: transition!.count },
    { from: 'up', to: 'down', text: 'connect: refused', count: 3 },
  )
  await until(() => (main.alive?.looks ?? 0) > 10, 'it says that it is alive')
  const { watched, overdue, totals, lateness } = main.alive!
  assert.deepEqual([watched, overdue.count], [2, 0])
  const [{ kind, good, bad, latencies }] = totals as [(typeof totals)[number]]
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  assert.deepEqual([kind, totals.length, sum(latencies)], ['tcp', 1, good])
  assert.ok(good > 0 && bad > 0 && sum(lateness.counts) >= good + bad)
  const details = await main.client.details(['a', 'b', 'nobody'])
  assert.deepEqual(details.map(({ key }) => key).toSorted(), ['a', 'b'])
  assert.equal(details.find(({ key }) => key === 'a')!.history.transitions.length, 2)
  main.client.order([web.order('b')])
  await until(() => main.alive!.watched === 1, 'what is no longer ordered is forgotten')
})

test('main dies: looking goes on, and the next main finds the same checker with what it saw meanwhile', async () => {
  await using world = new World()
  world.start()
  await using web = await target()
  const first = new Main(world)
  first.client.order([web.order('a')])
  await until(() => first.standing('a') === 'up', 'it is up')
  first[Symbol.dispose]()
  await web.stop()
  await world.keeps({ a: 'down' })
  using second = new Main(world)
  second.client.order([{ ...web.order('a'), seed: 'up' }])
  await until(() => second.states.size === 1, 'it is told')
  assert.equal(second.standing('a'), 'down')
  assert.equal(second.pid, first.pid)
})

test('the checker is killed: its successor begins with what was known, and looks before it says anything new', async () => {
  await using world = new World()
  world.start()
  await using web = await target()
  await using dead = await target()
  await dead.stop()
  using main = new Main(world)
  main.client.order([web.order('web'), dead.order('dead')])
  await until(() => main.standing('web') === 'up' && main.standing('dead') === 'down', 'both are known')
  await world.keeps({ web: 'up', dead: 'down' })
  await world.kill('SIGKILL')
  const before = main.changes.length
  const { why } = main.states.get('dead')!
  assert.ok(why !== undefined)
  main.states.clear()
  world.start()
  await until(() => main.states.size === 2, 'the successor tells')
  assert.deepEqual([main.standing('web'), main.standing('dead')], ['up', 'down'])
  assert.equal(main.states.get('dead')!.why, why)
  await delay(500)
  assert.equal(main.changes.length, before, 'nothing has changed, so nothing is told')
  await web.stop()
  await until(() => main.standing('web') === 'down', 'it is down')
  assert.equal(main.changes.at(-1)!.transition!.count, 3)
})

test('both die: the checker alone goes on where it was', async () => {
  await using world = new World()
  world.start()
  await using web = await target()
  const first = new Main(world)
  first.client.order([web.order('a')])
  await until(() => first.standing('a') === 'up', 'it is up')
  await world.keeps({ a: 'up' })
  first[Symbol.dispose]()
  await world.kill('SIGKILL')
  await web.stop()
  world.start()
  // No main: it looks all the same.
  await world.keeps({ a: 'down' })
  using second = new Main(world)
  second.client.order([{ ...web.order('a'), seed: 'up' }])
  await until(() => second.states.size === 1, 'it is told')
  assert.equal(second.states.get('a')!.isLooked, true)
  await until(() => second.standing('a') === 'down', 'it is down')
})

test('what is no message ends its connection and nothing else', async () => {
  await using world = new World()
  world.start()
  await using web = await target()
  using main = new Main(world)
  main.client.order([web.order('a')])
  await until(() => main.standing('a') === 'up', 'it is up')
  for (const noise of ['{"v":2,"orders":[{}]}\n', '{"v":9,"orders":[]}\n', 'noise\n', '[]\n']) {
    const socket = connect(world.socket)
    socket.on('error', () => {})
    socket.write(noise)
    socket.resume()
    await once(socket, 'close')
  }
  const { pid } = main
  main.states.clear()
  // it may be connected again already, and have been told
  main.client.order([web.order('a')])
  await until(() => main.standing('a') === 'up', 'main has connected again')
  assert.equal(main.pid, pid)
})

test('a checker that is told to stop ends, by the main that talks with it or by one that never did', async () => {
  await using world = new World()
  await using web = await target()
  for (const stop of [(main: Main) => main.client.stop(), () => stopChecker(world.socket)]) {
    world.start()
    using main = new Main(world)
    main.client.order([web.order('a')])
    await until(() => main.standing('a') === 'up', 'it is up')
    const ended = once(world.process!, 'exit', { signal: AbortSignal.timeout(5000) })
    stop(main)
    assert.deepEqual(await ended, [0, null])
  }
})

test('a checker whose socket is gone, or another one’s, ends by itself', async () => {
  await using world = new World()
  world.start()
  using main = new Main(world)
  main.client.order([])
  await until(() => main.pid !== undefined, 'it is there')
  const ended = once(world.process!, 'exit')
  rmSync(world.socket)
  const [status] = await ended
  assert.equal(status, 0)
})
