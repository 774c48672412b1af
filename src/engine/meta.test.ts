import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIp4, parseMac } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { layoutOf } from '../dataplane/fill.ts'
import { clockOf } from '../dataplane/flow-clock.ts'
import { fixedKeys } from '../dataplane/golden-shapes.ts'
import { STATELESS, TIMEOUTS } from '../dataplane/shape.ts'
import { readTotals, writeCarry } from './counters.ts'
import { type EngineSpec, LIMITS } from './engine.ts'
import { GenerationMaps } from './generation-maps.ts'
import { decodeMeta, encodeMeta, META_FORMAT, metaOf } from './meta.ts'
import { planOf } from './plan.ts'

const spec: EngineSpec = {
  interfaces: [{ name: 'eth0', index: 2, mac: parseMac('02:00:00:00:00:01'), mtu: 1_500 }],
  services: ['a', 'b'].map((name, i) => ({
    name,
    pool: 'p',
    ...STATELESS,
    timeouts: TIMEOUTS,
    listeners: [{ address: parseIp4('10.0.0.100'), port: 80 + i, protocol: 'tcp' as const }],
  })), // prettier-ignore
  pools: [
    {
      name: 'p',
      members: [
        { server: 'web01', weight: 1 },
        { server: 'web02', weight: 1 },
      ],
    },
  ],
  servers: [1, 2].map((n) => ({ name: `web0${n}`, address: parseIp4(`10.0.0.1${n}`) })),
  limits: LIMITS,
}
const metaFor = (change: Partial<EngineSpec>, generation: number) => {
  const plan = planOf({ ...spec, ...change }, { cpus: 3, clock: clockOf(250) })
  const { memory } = layoutOf(plan.shape, fixedKeys())
  return {
    meta: metaOf(plan, memory, generation, 'print', new Map([[0, 1.5]])),
    words: new BigUint64Array(memory.counters.type.size / 8),
  }
}
const code = (expected: string) => (error: unknown) => error instanceof TenbinError && error.code === expected

test('meta survives its map, padded with zeros', () => {
  const { meta } = metaFor({}, 7)
  const padded = new Uint8Array(100_000)
  padded.set(encodeMeta(meta))
  assert.deepEqual(decodeMeta(padded), meta)
})

test('meta of a newer format is refused, of an older one or nonsense answered with nothing', () => {
  const newer = new TextEncoder().encode(JSON.stringify({ format: META_FORMAT + 1, anything: true }))
  assert.throws(() => decodeMeta(newer), code('PINS_NEWER'))
  for (const text of [
    '',
    '{',
    '{}',
    '[]',
    'null',
    JSON.stringify({ format: 0 }),
    JSON.stringify({ format: META_FORMAT }),
  ]) {
    assert.equal(decodeMeta(new TextEncoder().encode(text)), undefined)
  }
})

test('a program without its maps is damaged', () => {
  using maps = new GenerationMaps(new Map())
  assert.throws(() => maps.counters, code('PINS_DAMAGED'))
})

test('counters are summed over CPUs and carried on by name when indexes change', () => {
  const before = metaFor({}, 1)
  const { block, blocks, services, servers } = before.meta.counters
  assert.equal(blocks, 4, 'a power of two for three CPUs')
  for (let cpu = 0; cpu < 3; cpu++) {
    before.words[(cpu * block + 8) / 8] = 10n
    before.words[(cpu * block + services + 16) / 8] = 5n
    before.words[(cpu * block + services + 16 + 8) / 8] = 500n
    before.words[(cpu * block + servers + 16) / 8] = 7n
  }
  const totals = readTotals(before.words, before.meta)
  assert.equal(totals.outcomes.get(before.meta.outcomes[1]!), 30n)
  assert.deepEqual(totals.services.get('b'), { packets: 15n, bytes: 1_500n })
  assert.deepEqual(totals.servers.get('web01'), { packets: 21n, bytes: 0n })
  const after = metaFor({ services: [spec.services[1]!] }, 2)
  writeCarry(after.words, after.meta, totals)
  const carried = readTotals(after.words, after.meta)
  assert.deepEqual(carried.services, new Map([['b', { packets: 15n, bytes: 1_500n }]]))
  assert.deepEqual(carried.servers.get('web01'), { packets: 21n, bytes: 0n })
  assert.deepEqual([...carried.outcomes], [...totals.outcomes])
})
