import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { movingFile } from '../config/refusals.fixture.ts'
import { vrrpSpecSchema } from '../vrrp/spec.ts'
import { vrrpSpecOf } from './vrrp-spec.ts'

const desired = load('t', textReader({ t: movingFile }))
const [one, two] = ['lb1', 'lb2'].map((node) => vrrpSpecOf(desired, node, 'tenbin'))

test('vrrp is told this node’s part: its priority, NICs and peers', () => {
  const [front, more, plain, out] = two!.sets
  assert.deepEqual([one!.sets[0]!.priority, front!.priority, more!.priority], [255, 100, 200])
  assert.deepEqual(front!.networks, [
    {
      ...{ name: 'lan', nic: 'eth0', addresses: ['192.168.8.100/24', '2001:db8::100/64'] },
      unicast: { self: ['192.168.8.3', '2001:db8::3'], peers: ['192.168.8.2', '2001:db8::2'], minTtl: 255 },
    },
    {
      ...{ name: 'back', nic: 'ens2', addresses: ['10.0.0.1/24'] },
      unicast: { self: ['10.0.0.3'], peers: ['10.0.0.2'], minTtl: 255 },
    },
  ])
  assert.deepEqual(out!.routes, [
    { nic: 'eth0', to: '0.0.0.0/0', via: '192.168.8.1', source: '192.168.8.104', metric: 10 },
    { nic: 'ens2', to: '10.20.0.0/16', via: '10.0.0.254', source: '10.0.0.4' },
    { nic: 'eth0', to: '2001:db8:1::/48', via: 'fe80::1', source: '2001:db8::104' },
  ])
  assert.equal(more!.routes, undefined)
  assert.equal(more!.networks[0]!.unicast, undefined)
  assert.equal(plain!.networks[0]!.unicast!.minTtl, 64)
  assert.deepEqual(
    front!.track.map(({ name, thing }) => [name, thing.kind]),
    [
      ['link:far', 'link'],
      ['service:www', 'service'],
      ['script:/usr/local/bin/fit now', 'script'],
      ['file:/etc/tenbin/stop', 'file'],
      ['reach:192.168.8.1,10.0.0.9', 'reach'],
    ],
  )
})

test('what vrrp is told is of its schema, and has no set that does not move', () => {
  for (const spec of [one, two]) assert.deepEqual(vrrpSpecSchema.parse(spec), spec)
  assert.deepEqual(
    one!.sets.map(({ name }) => name),
    ['front', 'more', 'plain', 'out'],
  )
})
