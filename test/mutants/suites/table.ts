// Tables of listeners: no entry is farther from its bucket than may be, though one had to grow for that. In one with an
// entry as far as may be each listener is found, and what is next to it is not, as in the model.

import { deepStrictEqual, ok } from 'node:assert'
import { formatIp } from '../../../src/base/addresses.ts'
import { be16, be32, immediate } from '../../../src/bpf/values.ts'
import { layoutOf } from '../../../src/dataplane/fill.ts'
import { KIND_ADDRESS, KIND_TCP, PROBES } from '../../../src/dataplane/memory.ts'
import { createModel } from '../../../src/dataplane/model.ts'
import { KEY_ADDRESS } from '../../../src/dataplane/shape.ts'
import type { Fixture } from '../../../src/dataplane/vectors/fixture.ts'
import { fuzzFixture } from '../../../src/dataplane/vectors/fuzz-fixtures.ts'
import { frameOf } from '../../../src/dataplane/vectors/vector.ts'
import { hashWords, splitMultipliers } from '../../../src/schedule/hash.ts'
import { KernelPath } from '../../path/kernel-path.ts'
import { report } from './noticed.ts'

const SHAPE = { name: 'table', listeners: 300, kinds: ['tcp4'], jumbo: false } as const
const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1)

/** farthest: how far any entry of some kind is from its bucket. */
function farthest({ shape, tables }: Fixture, kinds: readonly number[]): number {
  const { memory, listeners } = layoutOf(shape, tables.keys)
  const keys = splitMultipliers(tables.keys)
  const distances = listeners[4].flatMap((entry, at) => {
    if (!entry || !kinds.includes(entry.kind)) return []
    const port = entry.kind === KIND_TCP ? [immediate(be16(entry.port))] : []
    const hash = hashWords(keys, KEY_ADDRESS - 1, [immediate(be32(Number(entry.address))) >>> 0, ...port])
    return [at - (hash >>> (32 - memory.bits[4]))]
  })
  return Math.max(...distances)
}

report(() => {
  const all = SEEDS.map((seed) => fuzzFixture(SHAPE, seed))
  const isWithin = (fixture: Fixture) => farthest(fixture, [KIND_TCP, KIND_ADDRESS]) < PROBES
  ok(all.every(isWithin), 'an entry is beyond the probes')
  const sizes = new Set(all.map(({ shape, tables }) => layoutOf(shape, tables.keys).memory.bits[4]))
  ok(sizes.size > 1, 'no table had to grow')
  const fixture = all.find((each) => farthest(each, [KIND_TCP]) === PROBES - 1)
  ok(fixture, 'no listener is as far as may be')
  const model = createModel(fixture.shape, fixture.tables)
  using path = new KernelPath(fixture)
  for (const { address, port } of fixture.shape.listeners)
    for (const to of [port, port ^ 1]) {
      const frame = frameOf({ ip: { destination: formatIp(address) }, tcp: { destination: to } })
      const expected = model(frame)
      deepStrictEqual(
        path.run(frame),
        { ...expected, frame: new Uint8Array(expected.frame) },
        `${address}:${to}`,
      )
    }
})
