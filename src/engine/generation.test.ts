import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp, parseMac } from '../base/addresses.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { HASH_KEYS, STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { type EngineSpec, LIMITS } from './engine.ts'
import { prepare } from './generation.ts'
import { planOf } from './plan.ts'

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
