import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apiApp } from '../daemon/api-app.ts'
import type { Operations } from '../daemon/api-routes.ts'
import { type ApiServer, serveApi } from '../daemon/api-server.ts'
import { openLog } from '../daemon/log.ts'
import { eventOf, type NewEvent } from '../events/event.ts'
import { EventFiles } from '../events/event-files.ts'
import type { EventLog } from '../events/event-log.ts'
import { quietLog } from '../events/quiet-log.ts'
import { capture } from './captured.ts'
import { paintFor } from './context.ts'
import { eventText } from './events.ts'

let dir: string
let socket: string
let server: ApiServer | undefined

const lines = openLog({ level: 'error', pretty: false, colour: false, write: (line) => console.error(line) })
const serve = async (events: EventLog) => {
  server = await serveApi(socket, apiApp({ events } as unknown as Operations, lines))
  return events
}
const stop = async () => {
  await server?.close()
  server = undefined
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cli-events-'))
  socket = join(dir, 'api.sock')
})
afterEach(async () => {
  await stop()
  rmSync(dir, { recursive: true })
})

const down: NewEvent = {
  ...{ kind: 'server.down', severity: 'warning', server: 'web03', services: ['www'] },
  text: 'web03 down in www: GET /s/health.jsp: connect timed out after 5 s (2 of 2), 10 % of www moves to 9 servers',
}

test('an event is a line with its time, and its date where that is not today', () => {
  const event = eventOf(down, 1, new Date(2026, 1, 3, 4, 5, 6))
  const plain = paintFor(false)
  const rest = `warning  ${down.text}`
  assert.equal(eventText(event, plain, new Date(2026, 1, 3)), `04:05:06 ${rest}`)
  assert.equal(eventText(event, plain, new Date(2026, 1, 4)), `2026-02-03 04:05:06 ${rest}`)
})

test('events are shown for people and for programs', async () => {
  const events = await serve(quietLog())
  for (let i = 0; i < 25; i++) events.record({ ...down, server: `web${i}` })
  const shown = await capture(['events', '--socket', socket])
  assert.equal(shown.out.trimEnd().split('\n').length, 20)
  assert.match(shown.out, /^\d\d:\d\d:\d\d warning {2}web03 down in www: GET /)
  const all = await capture(['events', '--socket', socket, '--since', '1h', '--json'])
  assert.equal(all.out.trimEnd().split('\n').length, 25)
  assert.equal(JSON.parse(all.out.split('\n')[7]!).server, 'web7')
  const one = await capture(['events', '--socket', socket, '--server', 'web7', '-n', '5'])
  assert.equal(one.out.trimEnd().split('\n').length, 1)
  const none = await capture(['events', '--socket', socket, '--server', 'nobody'])
  assert.deepEqual([none.code, none.out, none.err], [0, '', 'nothing has happened that is asked for\n'])
})

test('options that cannot be are usage errors; no daemon is exit code 3', async () => {
  for (const words of [
    ['--since', '10'],
    ['-n', 'all'],
    ['-n', '10001'],
    ['--severity', 'bad'],
  ])
    assert.equal((await capture(['events', '--socket', socket, ...words])).code, 2, words.join(' '))
  assert.equal((await capture(['events', '--socket', socket])).code, 3)
  assert.equal((await capture(['events', '-f', '--socket', socket])).code, 3)
})

test('where the daemon is not there any more, what it kept is shown, and the exit code says so', async () => {
  const files = new EventFiles({ directory: join(dir, 'tenbin.events'), sequence: join(dir, 'seq') })
  for (const name of ['web1', 'web2', 'web1'])
    files.add(eventOf({ ...down, server: name }, files.next(), new Date()))
  await files.close(1000)
  const places = ['--socket', socket, '--state-dir', dir]
  const { code, out, err } = await capture(['events', '--server', 'web1', ...places])
  assert.equal(code, 3)
  assert.equal(out.trimEnd().split('\n').length, 2)
  assert.match(err, /^tenbin: ask the daemon: nobody answers/)
  assert.equal((await capture(['events', '-f', ...places])).out, '')
})

/** Command: the real one, in a process of its own. */
class Command implements AsyncDisposable {
  readonly #child: ChildProcess
  out = ''
  err = ''
  constructor(args: readonly string[]) {
    const main = fileURLToPath(new URL('./main.ts', import.meta.url))
    this.#child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), main, ...args])
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.out += text))
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.err += text))
  }
  async until(isTrue: () => boolean, what: string): Promise<void> {
    for (const deadline = Date.now() + 20_000; !isTrue(); await delay(10))
      assert.ok(Date.now() < deadline, `not in time: ${what}\n${this.out}${this.err}`)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }
}

test('events -f goes on over a restart of the daemon: nothing is lost, nothing comes twice', async () => {
  const events = await serve(quietLog())
  events.record(down)
  await using command = new Command(['events', '-f', '--json', '-n', '5', '--socket', socket])
  const seqs = () =>
    command.out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).seq)
  await command.until(() => seqs().length === 1, 'what is kept')
  events.record(down)
  await command.until(() => seqs().length === 2, 'what comes')
  await stop()
  await command.until(() => command.err.includes('the daemon is gone: waiting for it'), 'it says so')
  // What happened while nobody listened is there as well.
  const later = quietLog(2)
  for (let i = 0; i < 3; i++) later.record(down)
  await serve(later)
  await command.until(() => seqs().length === 4, 'what it missed')
  later.record(down)
  await command.until(() => seqs().length === 5, 'what comes then')
  assert.deepEqual(seqs(), [1, 2, 3, 4, 5])
  assert.match(command.err, /the daemon is back\n$/)
})
