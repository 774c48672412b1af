// Slots of several pools together, and what of the file and of what is known decides about them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp4, parseMac } from '../base/addresses.ts'
import { layoutOf } from '../dataplane/fill.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { FLOW } from '../dataplane/flow-record.ts'
import { fixedKeys } from '../dataplane/golden-shapes.ts'
import { failedBit } from '../dataplane/memory.ts'
import { currentOf, SLOT_LEARN, type Track } from '../dataplane/shape.ts'
import { Assignment } from './assignment.ts'
import { type EngineSpec, LIMITS } from './engine.ts'
import { Known } from './known.ts'
import { idleTicks, livesOf, longestIdle } from './lives.ts'
import { planOf } from './plan.ts'

const mac = parseMac('02:00:00:00:00:01')
const clock = clockOf(1_000)
const service = (
  name: string,
  pool: string,
  track: Track,
  protocol: 'tcp' | 'udp',
  port: number,
  udp = 30,
) => ({
  name,
  pool,
  track,
  onFailure: 'keep' as const,
  hash: 'flow' as const,
  timeouts: { syn: 10, established: 100, fin: 20, udp },
  listeners: [{ address: parseIp4('10.0.0.100'), port, protocol }],
})
const members = (...numbers: number[]) => numbers.map((n) => ({ server: `web${n}`, weight: 10 }))
const spec: EngineSpec = {
  interfaces: [{ name: 'eth0', index: 2, mac, mtu: 1_500 }],
  services: [
    service('www', 'a', 'changes', 'tcp', 80),
    service('dns', 'b', 'changes', 'udp', 53),
    service('log', 'b', 'all', 'tcp', 514, 1_000),
    service('ntp', 'c', 'none', 'udp', 123),
  ],
  pools: [
    { name: 'a', members: members(1, 2, 3) },
    { name: 'b', members: members(2, 3, 4) },
    { name: 'c', members: members(1, 2) },
  ],
  servers: [1, 2, 3, 4].map((n) => ({ name: `web${n}`, address: parseIp4(`10.0.0.1${n}`) })),
  limits: LIMITS,
}
const plan = planOf(spec, { cpus: 2, clock })

function everyoneUp(): Known {
  const known = new Known()
  for (const { name } of spec.servers) known.setNeighbour(name, { mac, on: 'eth0' })
  return known
}

test('a failure concerns one pool, an unreachable server all that it is in; nothing of it is learned', () => {
  const known = everyoneUp()
  const assignment = new Assignment(plan, known, 0)
  const before = [0, 1, 2].map((pool) => assignment.wordsOf(pool).slice())
  known.setView('a', 'web2', { up: false }, 0)
  const written = assignment.change('web2', known, 0, true, 0)
  assert.equal(written, before[0]!.filter((word) => currentOf(word) === 2).length)
  assert.deepEqual(assignment.wordsOf(1), before[1])
  known.setNeighbour('web2', { why: 'FAILED' })
  const everywhere = assignment.change('web2', known, 0, true)
  assert.equal(
    everywhere,
    [1, 2].reduce((sum, pool) => sum + before[pool]!.filter((word) => currentOf(word) === 2).length, 0),
  )
  for (const pool of [0, 1, 2])
    assert.ok(assignment.wordsOf(pool).every((word) => currentOf(word) !== 2 && (word & SLOT_LEARN) === 0))
  known.setNeighbour('web2', { mac, on: 'eth0' })
  known.setView('a', 'web2', { up: true }, 0)
  assert.equal(assignment.change('web2', known, 0, false), written + everywhere)
  assert.deepEqual(assignment.wordsOf(2), before[2], 'a pool without records has no past')
  assert.equal(assignment.change('nobody', known, 0, true), 0)
})

test('bound to live memory, what differs there is stored, and changes go on there', () => {
  const known = everyoneUp()
  const assignment = new Assignment(plan, known, 0)
  const image = [0, 1, 2].map((pool) => assignment.wordsOf(pool).slice())
  const live = new Uint32Array(image.reduce((sum, { length }) => sum + length, 0))
  live.set(image[0]!, 0)
  assert.equal(assignment.bind(live), live.length - image[0]!.length)
  known.setView('c', 'web1', { up: true, weight: 0 }, 0)
  assert.ok(assignment.change('web1', known, 0, false, 2) > 400)
  assert.ok(live.subarray(-image[2]!.length).every((word) => word === ((2 << 15) | 2)))
})

test('the marks of failed servers are one bit a server of a pool', () => {
  const { memory } = layoutOf(plan.shape, fixedKeys())
  const known = everyoneUp()
  known.setView('b', 'web4', { up: false }, 0)
  const words = new Assignment(plan, known, 0).failed(known, memory)!
  const bit = failedBit(memory, 1, plan.idOf.get('web4')!)
  assert.deepEqual(
    [...words],
    Array.from({ length: words.length }, (_, at) => (at === bit >>> 5 ? (1 << (bit & 31)) >>> 0 : 0)),
  )
})

test('changes of a pool are young for the longest time-out of its tracked services, UDP is learned for its own', () => {
  assert.deepEqual(livesOf(plan), [
    { young: 100_000, learn: 0 },
    { young: 100_000, learn: 30_000 },
    undefined,
  ])
  assert.deepEqual(longestIdle(spec), { syn: 10, established: 100, fin: 20, udp: 1_000 })
  assert.equal(longestIdle({ ...spec, services: [spec.services[3]!] }), undefined)
})

test('a record is idle by its own service’s time-outs, and never lives without one that remembers', () => {
  const ticks = idleTicks(plan, clock)
  const seconds = (service: number, state: number) =>
    Math.floor((ticks[4 * service + state]! * 2 ** clock.shift) / 1_000)
  assert.deepEqual(
    [FLOW.closed, FLOW.syn, FLOW.established].map((state) => seconds(0, state)),
    [20, 10, 100],
  )
  assert.equal(seconds(1, FLOW.established), 30)
  assert.deepEqual([...ticks.subarray(12)], [0, 0, 0, 0])
})

test('what counts of a weight: nothing of a failed or unreachable server’s, never more than the file says', () => {
  const known = everyoneUp()
  const partOf = (view: Parameters<Known['setView']>[2]) => {
    known.setView('a', 'web1', view, 7)
    return [known.partOf('a', 'web1', 10), known.stateOf('a', 'web1', 10)]
  }
  assert.deepEqual(partOf({ up: true }), [1, 'up'])
  assert.deepEqual(partOf({ up: true, weight: 4 }), [0.4, 'up'])
  assert.deepEqual(partOf({ up: true, weight: 400 }), [1, 'up'])
  assert.deepEqual(partOf({ up: false, weight: 4 }), [0, 'failed'])
  assert.deepEqual(partOf({ up: true, weight: 0 }), [0, 'draining'])
  assert.equal(known.drainingSince('a', 'web1'), 7)
  assert.deepEqual([known.partOf('a', 'web1', 0), known.stateOf('a', 'web1', 0)], [0, 'off'])
  known.setNeighbour('web3', { why: 'asking' })
  assert.deepEqual([known.partOf('a', 'web3', 10), known.stateOf('a', 'web3', 10)], [0, 'unreachable'])
  const copy = new Known(known)
  copy.forget({ ...spec, pools: [{ name: 'b', members: members(2, 3) }] })
  assert.deepEqual([copy.stateOf('a', 'web1', 10), known.stateOf('a', 'web1', 10)], ['up', 'draining'])
})
