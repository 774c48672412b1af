import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { FakeNetwork } from '../netlink/fake.ts'
import { failoverProblems, failoverWarnings, movingUses } from './failover-check.ts'

const dir = mkdtempSync(join(tmpdir(), 'failover-check-'))
after(() => rmSync(dir, { recursive: true }))

const read = (set: string, ips = '10.0.0.100/24') =>
  load(
    't',
    textReader({
      t: `
nodes: { lb1: 10.0.0.2, lb2: 10.0.0.3 }
interfaces: { lan: eth0 }
addresses: { front: { on: lan, ips: ["${ips}"], ${set} } }
servers: { web1: 10.0.0.11, six1: 2001:db8::11 }
services: { www: { listen: ["${ips.includes(':') ? '[2001:db8::1]' : '10.0.0.100'}:80"], servers: ${ips.includes(':') ? 'six1' : 'web1'}, check: none } }
`,
    }),
  )
const codes = (some: readonly { readonly code: string; readonly message: string }[]) =>
  some.map(({ code, message }) => `${code}: ${message}`)

test('what a set that moves would use is told with the time that silence takes to be noticed', () => {
  const routes = 'routes: [{ to: default, via: 10.0.0.1, metric: 5 }]'
  assert.deepEqual(movingUses(read(`vrid: 51, prefer: lb2, advert: 100ms, ${routes}`)), [
    {
      ...{ name: 'front', vrid: 51, version: 3, advertMs: 100, noticedMs: 361 },
      priorities: { lb1: 100, lb2: 200 },
      routes: ['default via 10.0.0.1 metric 5'],
    },
  ])
  const [old] = movingUses(read('vrid: 51, version: 2, advert: 2s'))
  assert.equal(old!.noticedMs, 6613, 'the skew of version 2 is a part of a second')
})

test('secrets and scripts that cannot be used on this machine are problems', () => {
  const [key, short] = ['key', 'short'].map((name) => join(dir, name)) as [string, string]
  writeFileSync(key, 'k'.repeat(40))
  writeFileSync(short, 'short')
  const script = join(dir, 'fit')
  writeFileSync(script, '#!/bin/sh\n')
  chmodSync(script, 0o644)
  assert.deepEqual(failoverProblems(read(`vrid: 51, auth: { hmac: ${key} }`)), [])
  const wrong = failoverProblems(
    read(
      `vrid: 51, auth: { hmac: ${short} }, track: [{ script: [${script}] }, { script: [/bin/true], user: nobodyatall }]`,
    ),
  )
  assert.deepEqual(
    wrong.map(({ code }) => code),
    ['VRRP_SECRET_INVALID', 'SCRIPT_UNUSABLE', 'SCRIPT_UNUSABLE'],
  )
  assert.match(wrong[0]!.message, /a key has at least 32 bytes, this one 5/)
  assert.match(wrong[1]!.message, /fit/)
})

test('signed adverts and a NIC without an address for them are warnings', () => {
  const network = new FakeNetwork()
  const { index: ifindex } = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  const signed = read('vrid: 51, auth: { hmac: /k }')
  assert.deepEqual(codes(failoverWarnings(signed, 'lb1', undefined)), [
    'VRRP_SIGNED: front: adverts of vrid 51 are signed: every node of it must be tenbin, with this key',
  ])
  const plain = read('vrid: 51')
  network.addAddress({ ifindex, address: parseIp('10.0.0.100'), prefix: 24 })
  assert.deepEqual(codes(failoverWarnings(plain, 'lb1', network)), [
    'VRRP_UNSOURCED: front: eth0 has no IPv4 address of its own',
  ])
  assert.deepEqual(failoverWarnings(read('vrid: 51', '2001:db8::1/64'), 'lb1', network), [])
  network.addAddress({ ifindex, address: parseIp('10.0.0.2'), prefix: 24 })
  assert.deepEqual(failoverWarnings(plain, 'lb1', network), [])
  const unicast = read('vrid: 51, unicast: { lan: { lb1: 10.0.0.9, lb2: 10.0.0.3 } }')
  assert.deepEqual(codes(failoverWarnings(unicast, 'lb1', network)), [
    "VRRP_UNSOURCED: front: eth0 does not have 10.0.0.9, this node's unicast address",
  ])
})

test('an address that moves and is there by somebody else is a warning, but not the owner’s', () => {
  const network = new FakeNetwork()
  const { index: ifindex } = network.addLink({ name: 'eth0', mac: parseMac('02:00:0a:00:00:02') })
  network.addAddress({ ifindex, address: parseIp('10.0.0.2'), prefix: 24, protocol: 0 })
  network.addAddress({ ifindex, address: parseIp('10.0.0.100'), prefix: 32, protocol: 0 })
  assert.deepEqual(codes(failoverWarnings(read('vrid: 51'), 'lb1', network)), [
    'VRRP_ADDRESS_FIXED: front: 10.0.0.100 is on eth0, and not by tenbin',
  ])
  const owned = read('vrid: 51, priorities: { lb1: 255, lb2: 100 }')
  assert.deepEqual(failoverWarnings(owned, 'lb1', network), [])
})
