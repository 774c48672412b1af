// Tables of listeners, of either family and of both in different sizes: no entry is farther from its bucket than may
// be, though one had to grow for that. In those with an entry as far as may be each listener is found, and what is next
// to it is not, as in the model.

import { deepStrictEqual, ok } from 'node:assert'
import { formatIp, type Ip, isIp4 } from '../../../src/base/addresses.ts'
import { be16, be32, immediate } from '../../../src/bpf/values.ts'
import { layoutOf } from '../../../src/dataplane/fill.ts'
import { type Family, KIND_ADDRESS, PROBES } from '../../../src/dataplane/memory.ts'
import { createModel } from '../../../src/dataplane/model.ts'
import type { Fixture } from '../../../src/dataplane/vectors/fixture.ts'
import { type FuzzKind, fuzzFixture } from '../../../src/dataplane/vectors/fuzz-fixtures.ts'
import { frameOf } from '../../../src/dataplane/vectors/vector.ts'
import { hashWords, splitMultipliers } from '../../../src/schedule/hash.ts'
import { ip6Bytes } from '../../../src/wire/ipv6.ts'
import { KernelPath } from '../../path/kernel-path.ts'

const SEEDS = 100
/** The keys that an entry's bucket is made with: what is added, the address's words, the port. */
const KEYS: Readonly<Record<Family, readonly number[]>> = { 4: [3, 4, 5], 6: [3, 10, 11, 12, 13, 5] }

const wordsOf = (address: Ip): readonly number[] =>
  isIp4(address) ? [immediate(be32(address)) >>> 0] : [...new Uint32Array(ip6Bytes(address).buffer)]

/** farthest: how far any entry of a family is from its bucket; of the listeners alone where that is asked. */
function farthest(
  { shape, tables: { keys } }: Fixture,
  family: Family,
  which: 'all' | 'listeners' = 'all',
): number {
  const { memory, listeners } = layoutOf(shape, keys)
  const multipliers = splitMultipliers(BigUint64Array.from(KEYS[family], (key) => keys[key]!))
  const distances = listeners[family].flatMap((entry, at) => {
    if (!entry || (which === 'listeners' && entry.kind === KIND_ADDRESS)) return []
    const port = entry.kind === KIND_ADDRESS ? [] : [immediate(be16(entry.port))]
    const hash = hashWords(multipliers, 0, [...wordsOf(entry.address), ...port])
    return [at - (hash >>> (32 - memory.bits[family]))]
  })
  return Math.max(...distances)
}

/** findAll: each listener and what is next to it, as in the model. */
function findAll(fixture: Fixture): void {
  const model = createModel(fixture.shape, fixture.tables)
  using path = new KernelPath(fixture)
  for (const { address, port } of fixture.shape.listeners)
    for (const destination of [port, port ^ 1]) {
      const to = { destination: formatIp(address) }
      const frame = frameOf({ ...(isIp4(address) ? { ip: to } : { ip6: to }), tcp: { destination } })
      const expected = model(frame)
      const name = `${to.destination} ${destination}`
      deepStrictEqual(path.run(frame), { ...expected, frame: new Uint8Array(expected.frame) }, name)
    }
}

const fixtureOf = (kinds: readonly FuzzKind[], seed: number): Fixture =>
  fuzzFixture({ name: 'table', listeners: 300, kinds, jumbo: false, nics: 1 }, seed)

/** farTable: one with a listener as far as may be. Of those tried some had to grow. */
function farTable(family: Family): Fixture {
  let far: Fixture | undefined
  const sizes = new Set<number>()
  for (let seed = 1; seed <= SEEDS && (sizes.size < 2 || !far); seed++) {
    const fixture = fixtureOf([`tcp${family}`], seed)
    ok(farthest(fixture, family) < PROBES, 'an entry is beyond the probes')
    sizes.add(layoutOf(fixture.shape, fixture.tables.keys).memory.bits[family])
    if (farthest(fixture, family, 'listeners') === PROBES - 1) far ??= fixture
  }
  ok(sizes.size > 1, 'no table had to grow')
  ok(far, 'no listener is as far as may be')
  return far
}

/** run throws at the first difference. */
export function run(): void {
  const uneven = fixtureOf(['tcp4', 'tcp4', 'tcp4', 'tcp6'], 1)
  const { bits } = layoutOf(uneven.shape, uneven.tables.keys).memory
  ok(bits[4] > bits[6], 'the tables of both families have one size')
  findAll(uneven)
  for (const family of [4, 6] as const) findAll(farTable(family))
}
