import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatIp } from '../base/addresses.ts'
import { formatRoute } from '../netlink/static-routes.ts'
import { load } from './load.ts'
import { textReader } from './reader.ts'
import { movingFile, textOf } from './refusals.fixture.ts'
import { heldBy, nicsOf, ONLY_NODE, serviceNics } from './state.ts'

const read = (text: string) => load('t', textReader({ t: text }))
const state = read(movingFile)
const [front, more, plain, here, out] = state.addressSets

test('what a set says of how it moves is resolved', () => {
  const { track, unicast, ...rest } = front!.failover!
  assert.deepEqual(rest, {
    ...{ vrid: 51, version: 3, checksum: 'rfc9568', mac: 'virtual', accept: false },
    priorities: { lb1: 255, lb2: 100 },
    ...{ advertMs: 100, preempt: true, preemptDelayMs: 300_000 },
    auth: { kind: 'hmac', files: ['/etc/tenbin/new.key', '/etc/tenbin/old.key'] },
    announce: { repeatMs: 2000, refreshMs: 60_000 },
    routes: [],
  })
  assert.deepEqual(
    unicast!.map(({ role, nodes }) => [role, nodes.lb1!.map(formatIp), nodes.lb2!.map(formatIp)]),
    [
      ['lan', ['192.168.8.2', '2001:db8::2'], ['192.168.8.3', '2001:db8::3']],
      ['back', ['10.0.0.2'], ['10.0.0.3']],
    ],
  )
  assert.deepEqual(
    out!.failover!.routes.map(({ on, source, ...route }) => [on, formatRoute(route), formatIp(source)]),
    [
      ['lan', 'default via 192.168.8.1 metric 10', '192.168.8.104'],
      ['back', '10.20.0.0/16 via 10.0.0.254', '10.0.0.4'],
      ['lan', '2001:db8:1::/48 via fe80::1', '2001:db8::104'],
    ],
  )
  assert.deepEqual(
    track.map(({ name, weight, riseMs, fallMs }) => [name, weight, riseMs, fallMs]),
    [
      ['link:far', -50, 2000, 0],
      ['service:www', 'fault', 1000, 0],
      ['script:/usr/local/bin/fit now', 'fault', 6000, 6000],
      ['file:/etc/tenbin/stop', 'fault', 1000, 0],
      ['reach:192.168.8.1,10.0.0.9', 20, 1000, 1000],
    ],
  )
  assert.deepEqual(track[2]!.thing, {
    ...{ kind: 'script', command: ['/usr/local/bin/fit', 'now'] },
    ...{ user: 'daemon', everyMs: 3000, timeoutMs: 1000 },
  })
})

test('what is not said follows from what is', () => {
  assert.deepEqual(more!.failover!.priorities, { lb1: 100, lb2: 200 })
  assert.equal(more!.failover!.preempt, true)
  assert.deepEqual(more!.failover!.auth, { kind: 'pass', file: '/etc/tenbin/pass' })
  const { unicast, ...usual } = plain!.failover!
  assert.deepEqual(usual, {
    ...{ vrid: 53, version: 3, checksum: 'rfc5798', mac: 'interface', accept: true, minTtl: 64 },
    priorities: { lb1: 100, lb2: 99 },
    ...{ advertMs: 1000, preempt: false, preemptDelayMs: 0 },
    announce: { repeatMs: 5000, refreshMs: 0 },
    routes: [],
    track: [],
  })
  assert.deepEqual(
    unicast!.map(({ role, nodes }) => [role, nodes.lb1!.map(formatIp), nodes.lb2!.map(formatIp)]),
    [['lan', ['192.168.8.2'], ['192.168.8.3']]],
  )
  assert.equal(here!.failover, undefined)
})

test('every node may have the addresses of a set that moves, and the first those of one that does not', () => {
  const held = (node: string) =>
    heldBy(state, node).map(
      ({ address, nic, byRole }) => `${formatIp(address)} ${nic}${byRole ? ' by role' : ''}`,
    )
  const out = (back: string) => [
    ...['192.168.8.104 eth0 by role', '2001:db8::104 eth0 by role', `10.0.0.4 ${back} by role`],
  ]
  const moving = (back: string) => [
    ...['192.168.8.100 eth0 by role', '2001:db8::100 eth0 by role', `10.0.0.1 ${back} by role`],
    ...['192.168.8.101 eth0 by role', '192.168.8.102 eth0 by role'],
  ]
  assert.deepEqual(held('lb1'), [...moving('eth1'), '192.168.8.103 eth0', ...out('eth1')])
  assert.deepEqual(held('lb2'), [...moving('ens2'), ...out('ens2')])
  assert.deepEqual(serviceNics(state, 'lb2'), ['eth0', 'ens2'])
  assert.deepEqual(nicsOf(state, 'lb2'), ['eth0', 'ens2', 'eth2'])
})

test('a file for one machine may have failover, with peers that are not tenbin', () => {
  const one = read(
    textOf({ addresses: 'addresses: { front: { on: lan, ips: [192.168.8.100/24], vrid: 1 } }' }),
  )
  assert.deepEqual(one.addressSets[0]!.failover!.priorities, { [ONLY_NODE]: 100 })
})
