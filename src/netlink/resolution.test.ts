import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import type { NeighbourEntry, NudState } from './neighbours.ts'
import { asking, failed, failed6, isFailed, learn, type Resolution, sameResolution } from './resolution.ts'

const mac = parseMac('02:00:00:00:00:01')
const other = parseMac('02:00:00:00:00:02')
const entry = (state: NudState, of?: typeof mac): NeighbourEntry => ({
  ifindex: 1,
  address: parseIp('192.0.2.1'),
  state,
  isManaged: true,
  isExternallyLearned: false,
  protocol: 0,
  ...(of && { mac: of }),
})

test('a known MAC stays through every state but FAILED, and while the kernel has no entry', () => {
  const known: Resolution = { mac }
  for (const state of ['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT', 'NOARP'] as const) {
    assert.deepEqual(learn(known, entry(state, mac)), known)
    assert.deepEqual(learn(known, entry(state, other)), { mac: other })
  }
  for (const state of ['INCOMPLETE', 'NONE'] as const) assert.equal(learn(known, entry(state)), known)
  assert.equal(learn(known, undefined), known)
  assert.equal(learn(known, entry('FAILED')), failed)
})

test('FAILED stays until there is an answer, its own old MAC is none', () => {
  for (const state of ['INCOMPLETE', 'NONE'] as const) assert.equal(learn(failed, entry(state)), failed)
  assert.equal(learn(failed, undefined), failed)
  assert.equal(learn(asking, entry('FAILED', mac)), failed)
  assert.deepEqual(learn(failed, entry('REACHABLE', mac)), { mac })
})

test('who asked in vain is told: ARP for IPv4, neighbour discovery for IPv6', () => {
  const entry6 = { ...entry('FAILED'), address: parseIp('2001:db8::1') }
  assert.deepEqual(learn({ mac }, entry6), { why: 'neighbour FAILED: no answer to neighbour discovery' })
  for (const state of ['INCOMPLETE', 'NONE'] as const)
    assert.equal(learn(failed6, { ...entry6, state }), failed6)
  assert.ok(isFailed(failed) && isFailed(learn(asking, entry6)))
  assert.ok(!isFailed(asking) && !isFailed({ mac }))
})

test('asking goes on while nothing is known', () => {
  for (const state of ['INCOMPLETE', 'NONE'] as const) assert.equal(learn(asking, entry(state)), asking)
  assert.equal(learn({ why: 'something else' }, undefined), asking)
  assert.deepEqual(learn(asking, entry('NOARP')), { why: 'neighbour NOARP without a MAC' })
})

test('resolutions are compared by what they say', () => {
  assert.ok(sameResolution({ mac }, { mac: parseMac('02:00:00:00:00:01') }))
  assert.ok(!sameResolution({ mac }, { mac: other }))
  assert.ok(sameResolution({ why: 'a' }, { why: 'a' }))
  assert.ok(!sameResolution({ why: 'a' }, { why: 'b' }))
  assert.ok(!sameResolution({ why: 'a' }, { mac }))
  assert.ok(!sameResolution({ mac }, { why: 'a' }))
})
