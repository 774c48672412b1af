import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TCP_FLAGS } from '../dataplane/rule.ts'
import type { Seen } from './facts.ts'
import { NONE, type Slow, SlowTally } from './slow.ts'
import { clients, flood, slowOnes } from './traffic.fixture.ts'

const AT = 1_000_000_000_000

/** slowOf what was seen, at so many seconds. */
function slowOf(seen: readonly Seen[], seconds: number): Slow {
  const tally = new SlowTally(7)
  for (const each of [...seen].sort((a, b) => a.at - b.at))
    if (each.at <= AT + 1000 * seconds) tally.add(each)
  return tally.slow(AT + 1000 * seconds)
}

test('connections are slow from the first line after five seconds on, and until they were silent for twenty', () => {
  const seen = slowOnes(AT, 10, 100, 4)
  assert.equal(slowOf(seen, 4).count, 0)
  assert.equal(slowOf(seen, 7).count, 100)
  assert.equal(slowOf(seen, 24).count, 100)
  assert.deepEqual(slowOf(seen, 40), NONE)
})

test('one that was ended is not, nor is one whose address and port are used again', () => {
  const seen = slowOnes(AT, 10, 10, 2)
  const [first, second] = seen.filter(({ isOpening }) => isOpening) as [Seen, Seen]
  const ended = { at: AT + 8_000, isOpening: false, facts: { ...first.facts, flags: TCP_FLAGS.rst } }
  const again = { ...second, at: AT + 8_000 }
  assert.equal(slowOf([...seen, ended, again], 9).count, 8)
})

test('clients that ask and go, that send much, and SYNs that nobody follows up are not slow', () => {
  assert.deepEqual(slowOf(clients(AT, 20, 50), 20), NONE)
  const uploads = slowOnes(AT, 20, 20, 20, 100)
  assert.deepEqual(slowOf(uploads, 20), NONE)
  assert.deepEqual(slowOf(flood(AT, 20, 200), 20), NONE)
})

test('of many some are followed and stand for all, whatever SYNs come beside them; few are counted exactly again later', () => {
  const many = slowOnes(AT, 15, 5_000, 16)
  const { count, sources, network } = slowOf(many, 14)
  assert.ok(Math.abs(count - 5_000) < 1_500, `${count}`)
  assert.deepEqual([sources, network!.share, network!.prefix.length], [16, 1, 24])
  const beside = slowOf([...many, ...flood(AT, 15, 1_000)], 14).count
  assert.ok(Math.abs(beside - 5_000) < 2_000, `${beside}`)
  const tally = new SlowTally(7)
  for (const each of many) tally.add(each)
  // swept each second, as verdicts do
  for (let i = 15; i < 60; i++) tally.slow(AT + i * 1_000)
  for (const each of slowOnes(AT + 60_000, 10, 100, 4)) tally.add(each)
  assert.equal(tally.slow(AT + 70_000).count, 100)
})
