import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANSWER_WORDS } from '../dataplane/answer-record.ts'
import { FLOW, type FlowState, TIME_MASK } from '../dataplane/flow-record.ts'
import { Expiry } from './expiry.ts'
import { FlowCopy } from './flow-copy.ts'
import { Records } from './records.ts'

const TICK = 40 // a little after ticks came round
const idle = Uint32Array.from([0, 10, 20, 100, 0, 5, 7, 50])
const table = (entries: number) =>
  new Records(new Uint32Array(ANSWER_WORDS.count * entries), entries, ANSWER_WORDS.count)
const answer = (number: number, state: FlowState, age: number, service = 0) => ({
  hash: (number * 0x1000_0001) >>> 0,
  other: (number * 0x0888_8889) >>> 0,
  server: 1,
  service,
  state,
  time: (TICK - age) & TIME_MASK,
  tail: Uint32Array.from({ length: ANSWER_WORDS.count - 4 }, (_, i) => 100 * number + i),
})

test('records of answers go when they have been silent for longer than their service’s time-out, and not before', () => {
  const answers = table(64)
  const kept = [answer(1, FLOW.closed, 10), answer(2, FLOW.syn, 20), answer(3, FLOW.established, 100)]
  const gone = [answer(4, FLOW.closed, 11), answer(5, FLOW.syn, 21), answer(6, FLOW.established, 51, 1)]
  for (const each of [...kept, ...gone]) assert.ok(answers.put(each, TICK))
  const expiry = new Expiry(answers, idle)
  assert.equal(expiry.step(0, TICK, 40) + expiry.step(0, TICK, 40), gone.length)
  for (const { hash, other } of kept) assert.ok(answers.find(hash, other) >= 0)
  for (const { hash, other } of gone) assert.equal(answers.find(hash, other), -1)
})

test('a walk that has ended is not begun again at once', () => {
  const answers = table(64)
  const expiry = new Expiry(answers, idle)
  expiry.step(0, TICK)
  answers.put(answer(1, FLOW.closed, 11), TICK)
  assert.equal(expiry.step(999, TICK), 0)
  assert.equal(expiry.step(1_000, TICK), 1)
})

test('records of answers are copied into a table of another size with all their words', () => {
  const [from, to] = [table(64), table(256)]
  const all = Array.from({ length: 20 }, (_, i) => answer(i + 1, FLOW.established, i))
  for (const each of all) from.put(each, TICK)
  const copy = new FlowCopy(from, to)
  assert.deepEqual(copy.pass(TICK), { placed: 20, unplaced: 0 })
  assert.equal(copy.missing(), 0)
  for (const each of all) assert.deepEqual(to.recordAt(to.find(each.hash, each.other)), each)
  // a word behind key and value is news, too
  const at = from.find(all[0]!.hash, all[0]!.other)
  from.words[ANSWER_WORDS.count * at + ANSWER_WORDS.hop] = 7
  assert.deepEqual(copy.pass(TICK), { placed: 1, unplaced: 0 })
  assert.equal(to.recordAt(to.find(all[0]!.hash, all[0]!.other))!.tail![6], 7)
})
