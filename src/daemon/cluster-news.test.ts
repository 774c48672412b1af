import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerView } from '../cluster/peers.ts'
import type { NewEvent } from '../events/event.ts'
import { ClusterNews, peerProblems } from './cluster-news.ts'

const START = new Date('2024-01-02T03:04:05Z')
const after = (seconds: number) => new Date(START.getTime() + 1000 * seconds)
const view = (change: Partial<PeerView>): PeerView => ({
  name: 'lb2',
  state: 'connected',
  since: START,
  version: '0.1.0',
  protocol: 1,
  reachesUs: true,
  parts: {},
  ...change,
})

test('a node that is connected, lost and found again is told each time once', () => {
  const events: NewEvent[] = []
  const news = new ClusterNews({ record: (event) => void events.push(event) })
  const lost = view({ state: 'unreachable', why: 'no answer' })
  for (const one of [view({}), view({}), lost, lost, view({})]) news.tell([one], after(60))
  assert.deepEqual(
    events.map(({ severity, text }) => [severity, text]),
    [
      ['notice', 'node lb2 is connected: tenbin 0.1.0'],
      ['error', 'node lb2 is not connected: no answer'],
      ['notice', 'node lb2 is connected again: tenbin 0.1.0'],
    ],
  )
  news.tell([view({ state: 'unreachable', why: 'its daemon was stopped', hasLeft: true })], after(60))
  assert.equal(events.at(-1)?.severity, 'warning')
  news.tell([], after(61))
  news.tell([view({ state: 'refused', why: 'another cluster' })], after(62))
  assert.equal(events.at(-1)?.text, 'node lb2 is refused: another cluster')
})

test('a node that was never heard is news only after a while', () => {
  const events: NewEvent[] = []
  const news = new ClusterNews({ record: (event) => void events.push(event) })
  const { protocol: _, ...never } = view({ state: 'unreachable', why: 'nobody listens' })
  news.tell([never], after(9))
  assert.deepEqual([events, peerProblems([never], after(9))], [[], []])
  news.tell([never], after(10))
  assert.equal(events.length, 1)
  assert.deepEqual(
    peerProblems([never], after(10)).map(({ code }) => code),
    ['PEER_UNREACHABLE'],
  )
})

test('clocks that differ by two seconds are a problem, with the direction', () => {
  const of = (clockAheadMs: number) =>
    peerProblems([view({ clockAheadMs })], after(0)).map(({ message }) => message)
  assert.deepEqual(of(1_999), [])
  assert.deepEqual(of(2_000), ['the clock of node lb2 is 2.0 s ahead of this one'])
  assert.deepEqual(of(-90_000), ['the clock of node lb2 is 90.0 s behind this one'])
  const [found] = peerProblems([view({ clockAheadMs: 5_000 })], after(0))
  assert.equal(found?.code, 'CLOCKS_DIFFER')
})
