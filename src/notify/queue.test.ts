import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import type { NotifyTarget } from '../config/notify-spec.ts'
import { type Event, type EventKind, eventOf, type Severity } from '../events/event.ts'
import { done, failed, type Outcome } from './outcome.ts'
import {
  BACK_OFF,
  FINAL_ATTEMPTS,
  NotifyQueue,
  type Progress,
  QUEUE_LIMIT,
  type QueueOptions,
} from './queue.ts'

const target: NotifyTarget = {
  name: 'ops',
  on: ['server', 'node.stopped'],
  severity: 'notice',
  timeoutMs: 1_000,
  how: { kind: 'webhook', url: 'https://h.example/' },
}
const event = (seq: number, kind: EventKind = 'server.down', severity: Severity = 'warning'): Event =>
  eventOf({ kind, severity, text: `${kind} ${seq}` }, seq, new Date(0))

/** Teller: what was told, and what comes of it; undefined: nothing yet. */
class Teller {
  readonly told: string[] = []
  readonly progress: Progress[] = []
  readonly dropped: string[] = []
  outcome: Outcome | undefined = done('ok')
  now = 0
  #answers: ((outcome: Outcome) => void)[] = []

  queue(change: Partial<QueueOptions> = {}): NotifyQueue {
    return new NotifyQueue({
      target,
      progress: { seq: 0, missed: 0 },
      atOnce: 1,
      gatherMs: 0,
      tell: (events, missed) => {
        this.told.push(`${events.map(({ seq }) => seq).join(' ')}${missed > 0 ? ` missed ${missed}` : ''}`)
        const { outcome } = this
        return outcome ? Promise.resolve(outcome) : new Promise((resolve) => this.#answers.push(resolve))
      },
      onProgress: (progress) => this.progress.push(progress),
      onDropped: (count, isOver) => this.dropped.push(`${count}${isOver ? ' over' : ''}`),
      now: () => this.now,
      ...change,
    })
  }

  answer(outcome: Outcome): Promise<void> {
    for (const each of this.#answers.splice(0)) each(outcome)
    return turn()
  }

  /** pass lets time pass, in steps, so that what comes of one timer may set another. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.now += Math.min(100, left)
      mock.timers.tick(Math.min(100, left))
      await turn()
    }
  }
}

async function turn(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}

let teller: Teller
beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] })
  teller = new Teller()
})
afterEach(() => mock.timers.reset())

test('events are told one after the other, in order, and only those that are for the target', async () => {
  const queue = teller.queue()
  teller.outcome = undefined
  queue.offer(event(1))
  queue.offer(event(2, 'node.applied'))
  queue.offer(event(3, 'server.up', 'info'))
  queue.offer(event(4, 'node.stopped'))
  queue.offer(event(5))
  assert.deepEqual(teller.told, ['1'])
  await teller.answer(done('ok'))
  assert.deepEqual(teller.told, ['1', '4'])
  await teller.answer(done('ok'))
  await teller.answer(done('ok'))
  assert.deepEqual(teller.told, ['1', '4', '5'])
  assert.deepEqual(
    teller.progress.map(({ seq }) => seq),
    [1, 4, 5],
  )
})

test('a queue goes on where it was, and what was not kept comes again', async () => {
  const queue = teller.queue({ progress: { seq: 3, missed: 2 } })
  for (let seq = 1; seq <= 5; seq++) queue.offer(event(seq))
  await turn()
  assert.deepEqual(teller.told, ['4 missed 2', '5'])
  assert.deepEqual(teller.dropped, ['2 over'])
})

test('what fails is tried again, later and later, before anything behind it', async () => {
  const queue = teller.queue()
  teller.outcome = failed('connect', 'refused')
  queue.offer(event(1))
  queue.offer(event(2))
  await turn()
  const failure = () => queue.failure?.text
  assert.equal(failure(), undefined)
  await teller.pass(999)
  assert.equal(teller.told.length, 1)
  await teller.pass(1)
  assert.equal(teller.told.length, 2)
  assert.equal(failure(), 'refused')
  await teller.pass(2_000 + 4_000 + 8_000)
  assert.equal(teller.told.length, 5)
  await teller.pass(3_600_000)
  assert.ok(teller.told.every((each) => each === '1'))
  assert.ok(
    teller.told.length > 3_600_000 / BACK_OFF.mostMs - 2 && teller.told.length < 25,
    `${teller.told.length}`,
  )
  teller.outcome = done('ok')
  await teller.pass(BACK_OFF.mostMs)
  assert.deepEqual(teller.told.slice(-2), ['1', '2'])
  assert.equal(failure(), undefined)
})

test('what is refused for good is dropped after ten attempts, and the next message says so', async () => {
  const queue = teller.queue()
  teller.outcome = failed('message', '552 too large', true)
  queue.offer(event(1))
  await teller.pass(1_000_000)
  assert.equal(teller.told.length, FINAL_ATTEMPTS)
  assert.equal(queue.waiting, 0)
  teller.outcome = done('ok')
  queue.offer(event(2))
  await teller.pass(BACK_OFF.mostMs)
  assert.deepEqual(teller.told.slice(-1), ['2 missed 1'])
  assert.deepEqual(teller.dropped, ['1', '1 over'])
  assert.deepEqual(teller.progress, [
    { seq: 1, missed: 1 },
    { seq: 2, missed: 0 },
  ])
})

test('the queue is bounded: the oldest are dropped, counted, and told of with the next', async () => {
  const queue = teller.queue()
  teller.outcome = undefined
  for (let seq = 1; seq <= QUEUE_LIMIT + 101; seq++) queue.offer(event(seq))
  assert.equal(queue.waiting, QUEUE_LIMIT + 1)
  assert.deepEqual(teller.dropped, ['1'])
  await teller.answer(done('ok'))
  // The first was being told already.
  assert.deepEqual(teller.told, ['1', '102 missed 100'])
  await teller.answer(done('ok'))
  assert.deepEqual(teller.told.slice(-1), ['103'])
  assert.deepEqual(teller.dropped, ['1', '100 over'])
})

test('a mail waits a moment for more, then a while for the next', async () => {
  const queue = teller.queue({ atOnce: 3, gatherMs: 60_000 })
  queue.offer(event(1))
  await teller.pass(1_000)
  queue.offer(event(2))
  assert.deepEqual(teller.told, [])
  await teller.pass(1_000)
  assert.deepEqual(teller.told, ['1 2'])
  for (let seq = 3; seq <= 7; seq++) queue.offer(event(seq))
  await teller.pass(59_900)
  assert.equal(teller.told.length, 1)
  await teller.pass(100)
  assert.deepEqual(teller.told.slice(1), ['3 4 5'])
  await teller.pass(60_000)
  assert.deepEqual(teller.told.slice(2), ['6 7'])
})

test('at the end nothing waits for more, and a target that fails is not waited for', async () => {
  mock.timers.reset()
  const queue = teller.queue({ atOnce: 3, gatherMs: 60_000, now: () => performance.now() })
  queue.offer(event(1))
  await queue.finish(1_000)
  assert.deepEqual(teller.told, ['1'])
  const fails = new Teller()
  fails.outcome = failed('connect', 'refused')
  const other = fails.queue({ now: () => performance.now() })
  other.offer(event(1))
  const begun = performance.now()
  await other.finish(1_000)
  assert.ok(performance.now() - begun < 200)
  other[Symbol.dispose]()
})

test('what is refused for good once, after it could not be sent for long, is not dropped for that', async () => {
  const queue = teller.queue()
  teller.outcome = failed('connect', 'refused')
  queue.offer(event(1))
  await turn()
  while (teller.told.length < FINAL_ATTEMPTS - 1) await teller.pass(BACK_OFF.mostMs)
  teller.outcome = failed('answer', '404 Not Found', true)
  await teller.pass(BACK_OFF.mostMs)
  assert.deepEqual([teller.told.length, queue.waiting, teller.dropped], [FINAL_ATTEMPTS, 1, []])
  teller.outcome = done('ok')
  await teller.pass(BACK_OFF.mostMs)
  assert.equal(queue.waiting, 0)
})
