import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { HASH_KEYS, STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { type EngineInterface, type EngineSpec, LIMITS } from './engine.ts'
import { prepare } from './generation.ts'
import { type Numbered, planOf } from './plan.ts'

const keys = BigUint64Array.from({ length: HASH_KEYS }, (_, i) => BigInt(2 * i + 1))
const spec = (server: string): EngineSpec => ({
  interfaces: [{ name: 'eth0', index: 2, mac: parseMac('02:00:00:00:00:02'), mtu: 1500 }],
  services: [
    {
      name: 'www',
      listeners: [{ address: parseIp('2001:db8::10'), port: 80, protocol: 'tcp' }],
      pool: 'www',
      ...STATELESS,
      timeouts: TIMEOUTS,
    },
  ],
  pools: [{ name: 'www', members: [{ server: 'web1', weight: 1 }] }],
  servers: [{ name: 'web1', address: parseIp(server) }],
  limits: LIMITS,
})

test('a fingerprint tells servers by their addresses, of either family', () => {
  const of = (server: string) =>
    prepare(planOf(spec(server), { cpus: 2, clock: clockOf(250) }), keys).fingerprint
  assert.equal(of('2001:db8::11'), of('2001:db8::11'))
  const all = ['2001:db8::11', '2001:db8::12', '10.0.0.11', '::a00:b'].map(of)
  assert.equal(new Set(all).size, 4)
})

test('what no program can be made of is a refusal of the spec, not the end of the process', () => {
  const rule = { name: 'odd', match: {}, action: 'limit', perSecond: 2 ** 40, record: false } as const
  const odd = { ...spec('2001:db8::11'), defence: { rules: [rule], allow: [], deny: [], only: false } }
  assert.throws(
    () => prepare(planOf(odd, { cpus: 2, clock: clockOf(250) }), keys),
    (error) => error instanceof TenbinError && error.code === 'PROGRAM_UNBUILT' && /u32/.test(error.message),
  )
})

const nic = (name: string, index: number, mtu = 1_500): EngineInterface => ({
  name,
  index,
  mac: parseMac(`02:00:00:00:00:0${index}`),
  mtu,
})
const machine = { cpus: 2, clock: clockOf(250) }
const plan = (interfaces: readonly EngineInterface[], before?: Numbered) =>
  planOf({ ...spec('2001:db8::11'), interfaces }, machine, before && { ids: before })

test('each interface has a shape of its own, which knows the others by their numbers', () => {
  const { interfaces } = plan([nic('eth1', 3), nic('eth0', 2, 9_000)])
  assert.deepEqual(
    interfaces.map(({ name, number, shape: { mac, own, others, jumbo } }) => ({
      name,
      number,
      mac,
      own,
      others,
      jumbo,
    })),
    [
      {
        name: 'eth1',
        number: 0,
        mac: '02:00:00:00:00:03',
        own: 0,
        others: [{ number: 1, ifindex: 2, mac: '02:00:00:00:00:02' }],
        jumbo: false,
      },
      {
        name: 'eth0',
        number: 1,
        mac: '02:00:00:00:00:02',
        own: 1,
        others: [{ number: 0, ifindex: 3, mac: '02:00:00:00:00:03' }],
        jumbo: true,
      },
    ],
  )
})

test('an interface keeps its number by its name, and one that is given up is free a generation later', () => {
  const first = plan([nic('eth0', 2), nic('eth1', 3)])
  const second = plan([nic('eth1', 7), nic('eth2', 4)], first.ids)
  assert.deepEqual(
    second.interfaces.map(({ name, number }) => [name, number]),
    [
      ['eth1', 1],
      ['eth2', 2],
    ],
  )
  const third = plan([nic('eth0', 2), nic('eth1', 7)], second.ids)
  assert.deepEqual(third.ids.interfaces, ['eth0', 'eth1'])
})

test('all programs of a generation have the same maps, and a fingerprint tells interfaces apart', () => {
  const of = (...interfaces: readonly EngineInterface[]) => prepare(plan(interfaces), keys)
  const both = of(nic('eth0', 2), nic('eth1', 3))
  const [one, other] = both.programs.map(({ built }) => built.spec.maps)
  assert.deepEqual(one, other)
  assert.deepEqual(both.maps, one)
  const prints = [
    both,
    of(nic('eth0', 2)),
    of(nic('eth0', 2), nic('eth1', 4)),
    of(nic('eth1', 3), nic('eth0', 2)),
    of(nic('eth0', 2), nic('eth2', 3)),
    of(nic('eth0', 2), nic('eth1', 3, 9_000)),
  ].map(({ fingerprint }) => fingerprint)
  assert.equal(new Set(prints).size, prints.length)
})
