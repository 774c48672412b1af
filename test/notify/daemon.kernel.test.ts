// Notifications and events of a real daemon that is killed: a receiver of webhooks that hangs, a daemon that dies with a
// full queue, and a reader of `tenbin events -f` who sees it all.
//
//   client 10.0.0.200 ---.            .--- web01, web02
//                        |-- switch --|
//   lb1 10.0.0.2 --------'                      on lb1: tenbin, and a receiver on 127.0.0.1:8081

import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { callDaemon } from '../../src/cli/client.ts'
import { eventsSchema } from '../../src/daemon/api-events.ts'
import { orderSchema } from '../../src/daemon/api-schema.ts'
import type { Event } from '../../src/events/event.ts'
import { readEvents } from '../../src/events/event-files.ts'
import { EVENTS_KEPT } from '../../src/events/event-log.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { labFile } from '../../src/lab/lab-file.ts'
import { signatureOf } from '../../src/notify/webhook.ts'
import { DaemonNode } from '../daemon-process.ts'

const skip = process.geteuid?.() !== 0 && 'network namespaces need root'
const KEY = 'hush-key-of-signatures'

let lab: Lab
let lb1: DaemonNode
let receiver: ChildProcess
before(async () => {
  if (skip) return
  lab = await Lab.hold({ prefix: 'nt', servers: 2 })
  await lab.startWebServers()
  writeFileSync(join(lab.directory, 'key'), `${KEY}\n`, { mode: 0o600 })
  mode('hang')
  const program = fileURLToPath(new URL('receiver-process.ts', import.meta.url))
  receiver = lab.spawn(
    'lb1',
    [process.execPath, '--import', import.meta.resolve('tsx'), program, '8081', lab.directory],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(receiver.stdout!, 'data')
  lb1 = new DaemonNode(lab, 'lb1')
  lb1.write(`${labFile(lab.topology)}
notify:
  chat: { webhook: "http://127.0.0.1:8081/hush-path", secret_file: ${lab.directory}/key, on: [server, flood], timeout: 5s }
`)
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
})

const mode = (word: string) => writeFileSync(join(lab.directory, 'mode'), word)
interface Heard {
  readonly mode: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
const heard = (): Heard[] => {
  const path = join(lab.directory, 'heard')
  return existsSync(path)
    ? readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
    : []
}
const told = (): Event[] =>
  heard()
    .filter((each) => each.mode === '200')
    .map(({ body }) => JSON.parse(body).event)
const order = (kind: 'drain' | 'undrain') =>
  callDaemon(lb1.instance.socket, {
    method: 'POST',
    path: `/v1/${kind}`,
    query: { server: 'web01' },
    reply: orderSchema,
  })
/** ALL that are kept, however many orders it took until somebody followed. */
const ALL = { limit: `${EVENTS_KEPT}` }
const events = async () =>
  (await callDaemon(lb1.instance.socket, { path: '/v1/events', query: ALL, reply: eventsSchema })).events

test('a daemon that is killed while its receiver hangs tells everything afterwards, in order, signed', {
  skip,
  timeout: 90_000,
}, async () => {
  await lb1.start()
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
  const follow = lab.spawn(
    'lb1',
    [
      process.execPath,
      '--import',
      import.meta.resolve('tsx'),
      main,
      'events',
      '-f',
      '--json',
      '-n',
      '0',
      '--socket',
      lb1.instance.socket,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let [out, err] = ['', '']
  follow.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text))
  follow.stderr!.setEncoding('utf8').on('data', (text: string) => (err += text))
  const seen = (): Event[] =>
    out
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  // The first that it shows says that it follows.
  await lb1.until(async () => {
    await order('drain')
    await order('undrain')
    return seen().length > 0
  }, 'events -f shows what happens')
  const begun = performance.now()
  for (let i = 0; i < 20; i++) await order(i % 2 === 0 ? 'drain' : 'undrain')
  assert.ok(performance.now() - begun < 5_000, 'orders wait for nobody')
  await lb1.until(() => heard().length > 0, 'the receiver is told')
  const before = await events()
  const isWritten = () => (readEvents(lb1.instance.events).at(-1)?.seq ?? 0) >= before.at(-1)!.seq
  await lb1.until(isWritten, 'the last one is on the disk')
  assert.equal(await lb1.end('SIGKILL'), null)
  await lb1.until(() => err.includes('the daemon is gone'), 'events -f says so')
  mode('200')
  await lb1.start()
  const after = await events()
  assert.deepEqual(after.slice(0, before.length), before, 'what had happened is there again')
  assert.ok(after.every(({ seq }, i) => i === 0 || seq > after[i - 1]!.seq))
  await lb1.until(
    () => seen().some(({ kind, seq }) => kind === 'node.started' && seq > before.at(-1)!.seq),
    'events -f goes on',
  )
  const first = seen()[0]!.seq
  assert.deepEqual(
    seen().map(({ seq }) => seq),
    after.filter(({ seq }) => seq >= first && seq <= seen().at(-1)!.seq).map(({ seq }) => seq),
    'it missed nothing',
  )
  const wanted = before.filter(({ kind }) => kind.startsWith('server.')).map(({ seq }) => seq)
  assert.ok(wanted.length >= 20)
  await lb1.until(() => told().length >= wanted.length, 'all is told')
  assert.deepEqual(
    told()
      .slice(0, wanted.length)
      .map(({ seq }) => seq),
    wanted,
  )
  for (const { headers, body } of heard())
    assert.equal(headers['tenbin-signature'], signatureOf(KEY, headers['tenbin-timestamp']!, body))
  follow.kill('SIGKILL')
})

test('notify test says of each target what came of it', { skip }, async () => {
  const good = await lb1.tenbin('notify test')
  assert.deepEqual([good.code, good.err], [0, ''])
  assert.match(good.out, /^chat \(webhook\): done after \d+ ms: 127\.0\.0\.1:8081 answered 200 OK\n$/)
  mode('500')
  const bad = await lb1.tenbin('notify test chat')
  assert.equal(bad.code, 1)
  assert.match(
    bad.out,
    /^chat \(webhook\): failed after \d+ ms: the answer: 500 Internal Server Error\n {2}remedy: /,
  )
})

test('what is said of floods reaches who asks for floods', { skip }, async () => {
  mode('200')
  assert.equal((await lb1.tenbin('flood ban 203.0.113.0/24 --for 1m')).code, 0)
  const flood = () => told().filter(({ kind }) => kind === 'flood.ordered')
  await lb1.until(() => flood().length > 0, 'the receiver is told')
  assert.match(flood()[0]!.text, /^203\.0\.113\.0\/24 banned by hand until /)
  mode('500')
})

test('a receiver that fails is a problem while it does, and no secret is said anywhere', {
  skip,
}, async () => {
  await order('drain')
  await lb1.until(
    async () => (await lb1.status()).problems.some(({ code }) => code === 'NOTIFY_FAILS'),
    'the problem',
  )
  mode('200')
  await lb1.until(async () => (await lb1.status()).problems.length === 0, 'it is over')
  const everything = lb1.log + JSON.stringify([await lb1.status(), await events()])
  for (const secret of [KEY, 'hush-path']) assert.ok(!everything.includes(secret), secret)
})
