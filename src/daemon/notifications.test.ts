import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { TenbinError } from '../base/errors.ts'
import type { NotifyHow, NotifyTarget } from '../config/notify-spec.ts'
import type { NewEvent } from '../events/event.ts'
import type { EventLog } from '../events/event-log.ts'
import { quietLog } from '../events/quiet-log.ts'
import type { Job } from '../notify/jobs.ts'
import { done, failed, type Outcome } from '../notify/outcome.ts'
import { QUEUE_LIMIT } from '../notify/queue.ts'
import { Notifications } from './notifications.ts'
import { NotifyProgress } from './notify-progress.ts'

let folder: string
let log: EventLog
let sent: Job[]
let outcome: (job: Job) => Outcome | Promise<Outcome>
let notifications: Notifications
let progress: NotifyProgress

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tenbin-notifications-'))
  log = quietLog()
  sent = []
  outcome = () => done('ok')
  open()
})
afterEach(async () => {
  notifications[Symbol.dispose]()
  await progress.close(1000)
  rmSync(folder, { recursive: true })
})

/** open: as the daemon does at its start. */
function open(path = join(folder, 'notify.json')): void {
  progress = new NotifyProgress(path)
  notifications = new Notifications({
    instance: 'tenbin',
    host: 'lb1.example',
    events: log,
    progress,
    send: async (job) => {
      sent.push(job)
      return await outcome(job)
    },
    monotonic: () => performance.now(),
  })
}

/** kill: nothing is said or done any more; what was written is there. */
async function kill(): Promise<void> {
  await delay(30)
  notifications[Symbol.dispose]()
  await progress.close(1000)
}

const hook: NotifyHow = { kind: 'webhook', url: 'https://h.example/TOKEN' }
const target = (name: string, change: Partial<NotifyTarget> = {}): NotifyTarget => ({
  ...{ name, on: ['server', 'node'], severity: 'notice', timeoutMs: 1_000, how: hook },
  ...change,
})
const down: NewEvent = { kind: 'server.down', severity: 'warning', server: 'web1', text: 'web1 down in www' }
const told = () => sent.map((job) => (job.kind === 'webhook' ? JSON.parse(job.body).event.seq : job.subject))
const until = async (isTrue: () => boolean, what: string) => {
  for (const deadline = Date.now() + 5_000; !isTrue(); await delay(5))
    assert.ok(Date.now() < deadline, `not in time: ${what}: ${JSON.stringify(told())}`)
}

test('who asks for floods is told of one with its reasons and the command against it, and nobody else is', async () => {
  notifications.apply([target('oncall', { on: ['flood'] }), target('chat')], 'lb1')
  const text = 'www: SYN flood, 98,400/s, usual are 10/s'
  const command = 'tenbin flood add www-flood --tcp syn --window 0 --service www --action drop --for 1h'
  const data = { verdict: 'syn-flood', perS: 98_400, sources: 1_688, command }
  log.record({ kind: 'flood.began', severity: 'error', services: ['www'], text, data })
  log.record({ kind: 'flood.ended', severity: 'notice', services: ['www'], text: 'www: syn-flood is over' })
  log.record(down)
  await until(() => sent.length === 3, 'all are told')
  const bodies = sent.map((job) => (job.kind === 'webhook' ? JSON.parse(job.body) : {}))
  const [began, ended] = bodies.filter(({ event }) => event.kind.startsWith('flood.'))
  assert.deepEqual([began.event.text, began.event.data, began.event.services], [text, data, ['www']])
  assert.equal(ended.event.kind, 'flood.ended')
  assert.equal(bodies.filter(({ event }) => event.kind === 'server.down').length, 1)
})

test('a new target is told of what happens from then on; after a kill of what was not told yet', async () => {
  log.record(down)
  notifications.apply([target('chat')], 'lb1')
  for (let i = 0; i < 3; i++) log.record(down)
  await until(() => sent.length === 3, 'three are told')
  outcome = () => new Promise(() => undefined)
  log.record(down)
  log.record(down)
  await kill()
  assert.deepEqual(told(), [2, 3, 4, 5])
  outcome = () => done('ok')
  log.record(down)
  open()
  notifications.apply([target('chat')], 'lb1')
  await until(() => sent.length === 7, 'the rest is told')
  assert.deepEqual(told().slice(4), [5, 6, 7])
})

test('a target that fails is a problem with a remedy, told as an event to others, and not in the way of others', async () => {
  outcome = (job) => (job.host === 'bad.example' ? failed('connect', 'ECONNREFUSED') : done('ok'))
  const bad = target('pager', { how: { kind: 'webhook', url: 'https://bad.example/TOKEN' } })
  notifications.apply([bad, target('chat')], 'lb1')
  log.record(down)
  await until(() => sent.filter(({ host }) => host === 'bad.example').length === 2, 'it is tried twice')
  const [problem, ...more] = notifications.problems()
  assert.deepEqual(more, [])
  assert.equal(problem!.code, 'NOTIFY_FAILS')
  assert.equal(problem!.message, 'pager is not told: connecting: ECONNREFUSED')
  assert.match(problem!.remedy, /listens on that port/)
  assert.equal(sent.filter(({ host }) => host === 'h.example').length, 1)
  // A reload of the same file forgets nothing that waits.
  outcome = () => done('ok')
  notifications.apply([bad, target('chat')], 'lb1')
  await until(() => sent.filter(({ host }) => host === 'bad.example').length === 3, 'it is told')
  assert.deepEqual(notifications.problems(), [])
  assert.equal(sent.filter(({ host }) => host === 'h.example').length, 1)
})

test('a target that is told of more from now on is not told of what was', async () => {
  notifications.apply([target('chat', { on: ['server'] })], 'lb1')
  log.record({ kind: 'node.applied', severity: 'notice', text: 'applied' })
  log.record(down)
  log.record({ kind: 'node.applied', severity: 'notice', text: 'applied' })
  await until(() => sent.length === 1, 'it is told')
  notifications.apply([target('chat')], 'lb1')
  log.record({ kind: 'node.applied', severity: 'notice', text: 'applied' })
  await until(() => sent.length === 2, 'it is told of more')
  assert.deepEqual(told(), [2, 4])
})

test('a target that is told of more after a restart is not told of what was', async () => {
  notifications.apply([target('chat', { on: ['server'] })], 'lb1')
  log.record(down)
  await until(() => sent.length === 1, 'it is told')
  for (let i = 0; i < 3; i++) log.record({ kind: 'node.applied', severity: 'notice', text: 'applied' })
  await notifications.finish(1000)
  await kill()
  open()
  notifications.apply([target('chat')], 'lb1')
  log.record({ kind: 'node.applied', severity: 'notice', text: 'applied' })
  await until(() => sent.length === 2, 'it is told of more')
  assert.deepEqual(told(), [1, 5])
})

test('that a queue drops is told without anything being lost, told twice or out of order', async () => {
  const answers: ((outcome: Outcome) => void)[] = []
  const hangs = () => new Promise<Outcome>((resolve) => answers.push(resolve))
  outcome = (job) => (job.host === 'bad.example' ? hangs() : done('ok'))
  const bad = target('pager', { how: { kind: 'webhook', url: 'https://bad.example/TOKEN' } })
  const seqsTo = (host: string): number[] =>
    sent.flatMap((job) => (job.kind === 'webhook' && job.host === host ? JSON.parse(job.body).event.seq : []))
  notifications.apply([bad, target('chat')], 'lb1')
  const count = QUEUE_LIMIT + 2
  for (let i = 0; i < count; i += 500) {
    for (let j = i; j < Math.min(count, i + 500); j++) log.record(down)
    await until(() => seqsTo('h.example').length >= Math.min(count, i + 500), 'chat keeps up')
  }
  // One hangs, QUEUE_LIMIT wait, one was dropped: that is an event, too.
  await until(() => seqsTo('h.example').length === count + 1, 'chat is told that pager is not')
  assert.deepEqual(
    seqsTo('h.example'),
    Array.from({ length: count + 1 }, (_, at) => at + 1),
  )
  outcome = () => done('ok')
  answers[0]!(done('ok'))
  await until(() => seqsTo('bad.example').at(-1) === count + 2, 'pager is told all that waits')
  const told = seqsTo('bad.example')
  assert.deepEqual(told, [1, ...Array.from({ length: count - 1 }, (_, at) => at + 4)])
})

test('a target that hangs holds up itself alone', async () => {
  outcome = (job) => (job.host === 'bad.example' ? new Promise(() => undefined) : done('ok'))
  const bad = target('pager', { how: { kind: 'webhook', url: 'https://bad.example/' } })
  notifications.apply([bad, target('chat')], 'lb1')
  const begun = performance.now()
  for (let i = 0; i < 500; i++) log.record(down)
  assert.ok(performance.now() - begun < 500, 'recording waits for nobody')
  await until(() => sent.filter(({ host }) => host === 'h.example').length === 500, 'the other is told')
  assert.equal(sent.filter(({ host }) => host === 'bad.example').length, 1)
})

test('secrets are read when they are used, and are nowhere else', async () => {
  const file = join(folder, 'key')
  writeFileSync(file, 'first\n')
  process.env.TENBIN_TEST_PASSWORD = 'from the environment'
  const mail: NotifyHow = {
    ...{
      kind: 'mail',
      to: ['ops@example.net'],
      from: '',
      host: 'm.example',
      port: 587,
      tls: 'starttls',
      gatherMs: 0,
    },
    login: { user: 'lb', password: { env: 'TENBIN_TEST_PASSWORD' } },
  }
  notifications.apply(
    [target('chat', { how: { ...hook, secret: { file } } }), target('ops', { how: mail })],
    'lb1',
  )
  log.record(down)
  await until(() => sent.length === 2, 'both are told')
  writeFileSync(file, 'second')
  log.record(down)
  await until(() => sent.length === 4, 'both are told again')
  const keys = sent.flatMap((job) => (job.kind === 'webhook' ? [job.secret] : []))
  assert.deepEqual(keys, ['first', 'second'])
  const letter = sent.find((job) => job.kind === 'mail')!
  assert.deepEqual(
    [letter.from, letter.login],
    ['tenbin@lb1.example', { user: 'lb', password: 'from the environment' }],
  )
  rmSync(file)
  const { results } = await notifications.test('chat')
  assert.deepEqual([results[0]!.done, results[0]!.step], [false, 'secret'])
  assert.match(results[0]!.text, /^the secret: ENOENT/)
  execFileSync('mkfifo', [file])
  const piped = await Promise.race([notifications.test('chat'), delay(2_000)])
  assert.ok(piped, 'nobody waits for who writes there')
  assert.equal(piped.results[0]!.text, `the secret: ${file} is no file`)
  await progress.close(1000)
  const everything =
    JSON.stringify([log.latest(), notifications.problems(), results]) +
    readFileSync(join(folder, 'notify.json'), 'utf8')
  for (const secret of ['first', 'second', 'from the environment', 'TOKEN'])
    assert.ok(!everything.includes(secret), secret)
})

test('a test reaches every target beside its queue, and says of each what came of it', async () => {
  outcome = (job) =>
    job.host === 'bad.example' ? failed('tls', 'certificate has expired') : done('answered 200')
  notifications.apply(
    [
      target('a'),
      target('b', { how: { kind: 'webhook', url: 'https://bad.example/' } }),
      target('c', { severity: 'error' }),
    ],
    'lb1',
  )
  const { results } = await notifications.test(undefined)
  assert.deepEqual(
    results.map(({ name, done: isDone, text, step }) => [name, isDone, text, step]),
    [
      ['a', true, 'answered 200', undefined],
      ['b', false, 'TLS: certificate has expired', 'tls'],
      ['c', true, 'answered 200', undefined],
    ],
  )
  assert.match(results[1]!.remedy!, /certificate is for the host/)
  assert.equal(log.latest().length, 0)
  const isUnknown = (error: unknown) => error instanceof TenbinError && error.code === 'TARGET_UNKNOWN'
  await assert.rejects(notifications.test('d'), isUnknown)
  notifications.apply([], 'lb1')
  const isNobody = (error: unknown) => error instanceof TenbinError && error.code === 'NOTIFY_NOBODY'
  for (const name of [undefined, 'd']) await assert.rejects(notifications.test(name), isNobody)
})

test('a mail that some of its recipients were refused is told once, is a problem until all get one, and no good test', async () => {
  const ops: NotifyHow = {
    ...{ kind: 'mail', host: 'mail.example', port: 25, tls: 'none' },
    ...{ from: 'lb@example.net', to: ['a@c.net', 'b@c.net'], gatherMs: 0 },
  }
  outcome = () => done('accepted by mail.example for a@c.net, refused for b@c.net', 'b@c.net')
  notifications.apply([target('ops', { how: ops })], 'lb1')
  const { results } = await notifications.test('ops')
  assert.deepEqual([results[0]!.done, results[0]!.step], [false, 'recipients'])
  assert.match(results[0]!.remedy!, /to these addresses/)
  log.record(down)
  await until(() => notifications.problems().length === 1, 'it is a problem')
  const [found] = notifications.problems()
  assert.deepEqual(
    [found!.code, found!.message],
    ['NOTIFY_REFUSED', 'ops: not all are told: refused for b@c.net'],
  )
  assert.equal(sent.length, 2)
  outcome = () => done('accepted by mail.example for a@c.net, b@c.net')
  assert.equal((await notifications.test('ops')).results[0]!.done, true)
})

test('a disk that cannot keep how far targets were told is a problem, and nobody waits for it', async () => {
  await progress.close(1000)
  notifications[Symbol.dispose]()
  open(join(folder, 'gone', 'notify.json'))
  notifications.apply([target('chat')], 'lb1')
  log.record(down)
  await until(() => sent.length === 1 && notifications.problems().length === 1, 'it is told')
  assert.equal(notifications.problems()[0]!.code, 'NOTIFY_UNKEPT')
  mkdirSync(join(folder, 'gone'))
  await until(() => notifications.problems().length === 0, 'it is kept again')
})

test('what is kept is damaged: targets begin anew', async () => {
  notifications.apply([target('chat')], 'lb1')
  log.record(down)
  await kill()
  writeFileSync(join(folder, 'notify.json'), '{"version":1,"targets":{"chat":')
  open()
  notifications.apply([target('chat')], 'lb1')
  log.record(down)
  await until(() => sent.length === 2, 'only the new one is told')
  assert.deepEqual(told(), [1, 2])
})
