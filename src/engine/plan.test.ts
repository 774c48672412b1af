import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp4, parseMac } from '../base/addresses.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { STATELESS } from '../dataplane/shape.ts'
import { type EngineSpec, LIMITS } from './engine.ts'
import { type Before, planOf, shapesOf } from './plan.ts'

/** specOf: an inventory, of which a service has `used`. */
const specOf = (used: readonly number[], inventory: readonly number[], last = 10): EngineSpec => ({
  interfaces: [{ name: 'eth0', index: 2, mac: parseMac('02:00:00:00:00:01'), mtu: 1_500 }],
  services: [
    {
      name: 'www',
      pool: 'www',
      ...STATELESS,
      timeouts: { syn: 1, established: 2, fin: 1, udp: 1 },
      listeners: [{ address: parseIp4('10.0.0.100'), port: 80, protocol: 'tcp' }],
    },
  ],
  pools: [{ name: 'www', members: used.map((n) => ({ server: `web${n}`, weight: 1 })) }],
  servers: inventory.map((n) => ({ name: `web${n}`, address: parseIp4(`10.0.0.${last + n}`) })),
  limits: LIMITS,
})
const plan = (spec: EngineSpec, before?: Before) => planOf(spec, { cpus: 2, clock: clockOf(250) }, before)

test('a server that no service has any more keeps its number, one that none ever had gets none', () => {
  const first = plan(specOf([1, 2, 3], [1, 2, 3, 4]))
  assert.deepEqual(first.servers, [undefined, 'web1', 'web2', 'web3'])
  const without = plan(specOf([1, 3], [1, 2, 3, 4]), first)
  assert.deepEqual(without.servers, [undefined, 'web1', 'web2', 'web3'])
  assert.deepEqual(
    without.pools[0]!.table.members.map(({ name }) => name),
    ['web1', 'web3'],
  )
  // And for as long as the file has it.
  const again = plan(specOf([3, 4], [2, 3, 4]), without)
  assert.deepEqual(again.servers, [undefined, undefined, 'web2', 'web3', 'web4'])
  assert.deepEqual(plan(specOf([3, 4], [3, 4]), again).servers, [
    undefined,
    undefined,
    undefined,
    'web3',
    'web4',
  ])
})

test('a server of the same name at another address is another server', () => {
  const first = plan(specOf([1, 2], [1, 2]))
  assert.deepEqual(plan(specOf([1], [1, 2], 20), first).servers, [undefined, undefined, undefined, 'web1'])
})

test('shapes alone are those of the plan, with sorry servers and schedulers that count, too', () => {
  const machine = { cpus: 2, clock: clockOf(250) }
  for (const used of [[1], [1, 2], [1, 2, 3, 4]]) {
    const spec = specOf(used, [1, 2, 3, 4])
    const [service, [pool]] = [spec.services[0]!, spec.pools as [(typeof spec.pools)[number]]]
    const wide: EngineSpec = {
      ...spec,
      services: [{ ...service, track: 'all', scheduler: 'wlc' }],
      pools: [{ ...pool, sorry: [{ server: 'web4', weight: 1 }] }],
    }
    for (const each of [spec, wide])
      assert.deepEqual(shapesOf(each, machine), planOf(each, machine).interfaces)
  }
})
