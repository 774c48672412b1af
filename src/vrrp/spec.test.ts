import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { formatIp } from '../base/addresses.ts'
import { keepOrders, noOrders, readOrders } from './kept.ts'
import { membersOf } from './members.ts'
import { setSpec } from './spec.fixture.ts'
import { type SetSpec, vrrpSpecSchema } from './spec.ts'

const isGood = (...sets: SetSpec[]): boolean => vrrpSpecSchema.safeParse({ sets }).success
const six = { addresses: ['2001:db8::64/64'] }

test('a spec survives being written and read; a file that is damaged is as if there were none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-kept-'))
  try {
    const path = join(folder, 'vrrp.json')
    const before = { spec: { sets: [setSpec()] }, maintained: ['front'], tracked: { 'service:www': true } }
    const orders = { ...before, held: { front: 60_000 } }
    assert.deepEqual(readOrders(path), noOrders)
    keepOrders(path, orders)
    assert.deepEqual(readOrders(path), orders)
    writeFileSync(path, JSON.stringify({ version: 1, ...before }))
    assert.deepEqual(readOrders(path), { ...before, held: {} }, 'as it was written before there were holds')
    writeFileSync(path, '{"version":1')
    assert.deepEqual(readOrders(path), noOrders)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('what a version cannot say is refused', () => {
  assert.ok(isGood(setSpec({ advertMs: 40_950 })))
  assert.ok(!isGood(setSpec({ advertMs: 40_960 })))
  assert.ok(!isGood(setSpec({ advertMs: 15 })))
  assert.ok(isGood(setSpec({ version: 2, advertMs: 255_000 })))
  assert.ok(!isGood(setSpec({ version: 2, advertMs: 1500 })))
  assert.ok(!isGood(setSpec({ version: 2, advertMs: 1000 }, six)))
})

test('names come once, and a VRID on a NIC', () => {
  assert.ok(!isGood(setSpec(), setSpec({ vrid: 52 })))
  assert.ok(!isGood(setSpec(), setSpec({ name: 'back' })))
  assert.ok(isGood(setSpec(), setSpec({ name: 'back', vrid: 52 })))
  const rule = { name: 'it', thing: { kind: 'service' }, weight: -1, riseMs: 0, fallMs: 0 } as const
  assert.ok(!isGood(setSpec({ track: [rule, rule] })))
})

test('addresses that are none, or without their prefix length, are refused', () => {
  for (const text of ['10.0.0.100', '10.0.0.100/33', '10.0.0/24', '2001:db8::1/129', 'x/24'])
    assert.ok(!isGood(setSpec({}, { addresses: [text] })), text)
})

test('a set has a virtual router for each network and family that it has addresses of', () => {
  const both = { addresses: ['2001:db8::64/64', '10.0.0.100/24', '10.0.0.101/24'] }
  const shape = (spec: SetSpec) =>
    membersOf(spec).map(({ name, virtualMac, unicast, addresses }) => [
      name,
      virtualMac,
      unicast?.peers.map(formatIp),
      addresses.map(({ ip, prefix }) => `${formatIp(ip)}/${prefix}`),
    ])
  assert.deepEqual(shape(setSpec({ mac: 'virtual' }, both)), [
    ['lan/4', '00:00:5e:00:01:33', undefined, ['10.0.0.100/24', '10.0.0.101/24']],
    ['lan/6', '00:00:5e:00:02:33', undefined, ['2001:db8::64/64']],
  ])
  // Unicast in one family alone: the other one has no virtual router.
  const unicast = { self: ['10.0.0.2'], peers: ['10.0.0.3', '2001:db8::3'], minTtl: 255 }
  assert.deepEqual(shape(setSpec({}, { ...both, unicast })), [
    ['lan/4', undefined, ['10.0.0.3'], ['10.0.0.100/24', '10.0.0.101/24']],
  ])
})
