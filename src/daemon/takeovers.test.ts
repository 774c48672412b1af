import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventOf } from '../events/event.ts'
import { roleEvent } from './role-events.ts'
import {
  FAILURES,
  mergeTakeovers,
  TAKEOVERS_KEPT,
  type Takeover,
  takeoversKept,
  tooMany,
} from './takeovers.ts'

const silent = (node: string, at: number): Takeover => ({ node, at, isSilence: true })
const other = (node: string, at: number): Takeover => ({ node, at, isSilence: false })
const YEAR = 365 * 86_400_000

test('two failures of whoever is active within half an hour are too many, until they are further apart', () => {
  const all = [silent('lb1', 0), silent('lb2', YEAR), silent('lb1', YEAR + 95_000)]
  assert.equal(tooMany(all.slice(0, 2), YEAR), undefined)
  const failures = {
    count: 2,
    nodes: ['lb1', 'lb2', 'lb1'],
    forMs: 95_000,
    heldUntil: YEAR + 95_000 + FAILURES.backOffMs,
  }
  assert.deepEqual(tooMany(all, YEAR + 95_000), failures)
  assert.deepEqual(tooMany(all, YEAR + FAILURES.withinMs - 1), failures)
  assert.equal(tooMany(all, YEAR + FAILURES.withinMs), undefined)
})

test('a node that fails each time it has taken its role back is seen, and who starts again beside nobody is none', () => {
  const again = [silent('lb1', 0), silent('lb2', 1000), other('lb1', 2000), silent('lb2', 3000)]
  assert.deepEqual(tooMany(again, 3000)?.nodes, ['lb1', 'lb2', 'lb1', 'lb2'])
  assert.equal(tooMany([silent('lb1', 0), silent('lb1', 1000), silent('lb1', 2000)], 3000), undefined)
})

test('what is ordered, left in order or taken back is no failure, however often', () => {
  const moves = [silent('lb1', 0), ...[1, 2, 3, 4, 5].map((at) => other(at % 2 ? 'lb2' : 'lb1', at * 1000))]
  assert.equal(tooMany(moves, 6000), undefined)
})

test('what nodes know is put together in order, once each, the latest of it, and nothing from the future', () => {
  const mine = [silent('lb1', 0), other('lb1', 2000)]
  const theirs = [silent('lb1', 0), silent('lb2', 1000), silent('lb2', 9_000_000)]
  assert.deepEqual(mergeTakeovers(mine, theirs, 2000), [mine[0], theirs[1], mine[1]])
  const many = Array.from({ length: 40 }, (_, at) => silent('lb1', at))
  assert.deepEqual(mergeTakeovers(many, [], 40), many.slice(-TAKEOVERS_KEPT))
})

test('its own takeovers a node reads from the events that it kept', () => {
  const event = (set: string, to: 'active' | 'backup', why: string, at: number) =>
    eventOf(
      roleEvent(
        { set, from: 'backup', to, why: { name: why, text: why }, at },
        { services: [], nameOf: (address) => address },
      ),
      1,
      new Date(at + 7),
    )
  const { since: _, ...old } = event('front', 'active', 'silence', 500).data
  const events = [
    { ...event('front', 'active', 'silence', 500), data: old },
    event('front', 'active', 'silence', 1000),
    event('front', 'backup', 'higher', 2000),
    event('back', 'active', 'silence', 2500),
    event('front', 'active', 'preempted', 3000),
  ]
  assert.deepEqual(takeoversKept(events, 'front', 'lb1'), [
    silent('lb1', 507),
    silent('lb1', 1000),
    other('lb1', 3000),
  ])
})
