// Schedulers that count, through failures, drains, other files, restarts and time, in the kernel.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { clockOf } from '../dataplane/flow-clock.ts'
import { memoryOf } from '../dataplane/memory.ts'
import { ScheduleImage } from '../dataplane/scheduling.ts'
import { TIMEOUTS } from '../dataplane/shape.ts'
import { planOf } from './plan.ts'
import { type Cast, CLIENT, nameOf, Rehearsal, SERVICE } from './rehearsal.ts'

let r: Rehearsal
let port = 0

beforeEach(() => {
  r = new Rehearsal(`counting-test-${process.pid}`)
  port = 20_000
})
afterEach(() => {
  r[Symbol.dispose]()
})

const rr = (...servers: number[]): Cast => ({ servers, track: 'all', scheduler: 'rr' })
/** New connections one after the other: who gets each. */
const news = (count: number): string => Array.from({ length: count }, () => r.send('syn', ++port)).join(' ')
const loads = (): string =>
  r.engine
    .status()
    .pools[0]!.servers.map(({ name, active, inactive }) => `${name}:${active}/${inactive}`)
    .join(' ')

test('rr takes turns, through a failure, a drain, a lost MAC and their ends', () => {
  r.apply(rr(1, 2, 3))
  assert.equal(news(4), '1 2 3 1')
  const first = port
  r.engine.setServer('web', nameOf(2), { up: false })
  assert.equal(news(3), '3 1 3')
  r.engine.setServer('web', nameOf(2), { up: true })
  assert.equal(news(2), '1 2')
  r.engine.setServer('web', nameOf(1), { up: true, weight: 0 })
  assert.equal(r.send('ack', first), 1, 'a connection stays')
  assert.equal(news(2), '3 2')
  r.engine.setServer('web', nameOf(1), { up: true })
  r.engine.setNeighbour(nameOf(3), { why: 'it does not answer' })
  assert.equal(news(3), '1 2 1')
  for (const server of [1, 2]) r.engine.setServer('web', nameOf(server), { up: false })
  assert.equal(news(1), 'drop')
})

test('turns of services are apart, and go on through a file with other servers and a restart of the daemon', () => {
  r.apply(rr(1, 2, 3))
  assert.equal(news(2), '1 2')
  assert.equal(r.send('udp', 7), 1)
  assert.equal(r.send('udp', 7), 1)
  assert.equal(r.apply(rr(1, 2, 3, 4)).change, 'replaced')
  assert.equal(news(3), '3 4 1')
  assert.equal(r.send('udp', 8), 2)
  r.restart()
  assert.equal(r.apply(rr(1, 2, 3, 4)).change, 'taken-over')
  assert.equal(news(2), '2 3')
  r.engine.setServer('web', nameOf(4), { up: false })
  assert.equal(news(2), '1 2')
  assert.equal(r.apply(rr(1, 2, 3, 4)).change, 'taken-over')
  assert.equal(news(2), '3 1')
})

test('wrr takes as many turns as the weights say, and scaled weights are told', () => {
  r.apply({ ...rr(1, 2, 3), scheduler: 'wrr', weights: [4, 0, 2] })
  assert.equal(news(6), '1 1 3 1 1 3')
  r.engine.setServer('web', nameOf(1), { up: true, weight: 1 })
  assert.equal(news(6), '1 3 3 1 3 3')
  const { notes } = r.apply({ ...rr(1, 2), scheduler: 'wrr', weights: [65_535, 65_534] })
  assert.match(
    notes.join(),
    /service www: the weights of pool web make more than 65536 turns: they are scaled/,
  )
})

const wlc: Cast = { servers: [1, 2], track: 'all', scheduler: 'wlc', weights: [1, 3] }

test('wlc goes by connections: those that open, close, are forgotten, and those of before a new file', () => {
  r.apply(wlc)
  assert.equal(news(8), '1 2 2 2 1 2 2 2')
  assert.equal(loads(), 'web01:2/0 web02:6/0')
  for (let i = 1; i <= 4; i++) r.send('fin', 20_000 + i)
  assert.equal(loads(), 'web01:1/1 web02:3/3')
  const { servers } =
    r.apply({ ...wlc, servers: [1, 2, 3], weights: [1, 3, 1] }) && r.engine.status().pools[0]!
  assert.deepEqual(
    servers.map(({ active, inactive }) => [active, inactive]),
    [
      [1, 1],
      [3, 3],
      [0, 0],
    ],
  )
  assert.equal(news(1), '3')
  // the SYN-only ones are forgotten first, then the closed ones
  r.pass(TIMEOUTS.syn + 5)
  r.pass(5)
  assert.equal(loads(), 'web01:0/1 web02:0/3 web03:0/0')
  r.pass(TIMEOUTS.fin)
  r.pass(5)
  assert.equal(loads(), 'web01:0/0 web02:0/0 web03:0/0')
})

test('counts that are wrong are put right by the next walk over the records, and a new daemon finds them', () => {
  r.apply(wlc)
  news(8)
  const { scheduling } = memoryOf(planOf(r.spec(wlc), { cpus: 1, clock: clockOf(250) }).shape)
  r.spoil('schedule', (bytes) => {
    const { loads } = new ScheduleImage(scheduling!, bytes)
    for (let at = 0; at < loads.length; at++) loads[at]! -= 100
  })
  assert.equal(loads(), 'web01:0/0 web02:0/0')
  r.pass(5)
  assert.equal(loads(), 'web01:2/0 web02:6/0')
  r.restart()
  r.apply(wlc)
  assert.equal(loads(), 'web01:2/0 web02:6/0')
  assert.equal(news(1), '1')
})

test('trace tells who picks and why', () => {
  r.apply(wlc)
  news(5)
  const traced = (at: number) => r.engine.trace({ address: CLIENT, port: at }, { address: SERVICE, port: 80 })
  const { current, steps } = traced(9)
  assert.equal(current, 'web02')
  assert.ok(
    steps.includes(
      'New flows are picked for by wlc, not by slot: web02 gets the next one (3 active and 0 inactive connections, weight 3, are the least to do).',
    ),
    steps.join('\n'),
  )
  assert.equal(traced(port).server, 'web01')
  r.apply(rr(1, 2))
  assert.match(
    traced(9).steps.join('\n'),
    /picked for by rr, not by slot: web01 gets the next one \(it is its turn\)/,
  )
  for (const server of [1, 2]) r.engine.setServer('web', nameOf(server), { up: false })
  assert.match(traced(9).steps.join('\n'), /nobody gets the next one \(nobody has a turn\)/)
})
