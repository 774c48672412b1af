// Collisions aimed at the tables of the packet path: whoever knows the keys finds flows and sources that meet in one place;
// under keys that he does not know these are as any others.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ip4 } from '../base/addresses.ts'
import { mixWords, scaleHash, splitMultipliers } from '../schedule/hash.ts'
import { sourceKeys } from './defence-keys.ts'
import { WAYS } from './defence-memory.ts'
import { createDecide, FlowMemory } from './flow-decision.ts'
import { FLOW_KEY, flowKeys } from './flow-keys.ts'
import { entriesFor } from './flow-record.ts'
import { memoryOf } from './memory.ts'
import { slotWord } from './shape.ts'
import { SourceTable, sourceOf } from './source-table.ts'
import { flowFixtures } from './vectors/flow-fixtures.ts'
import { createRandom } from './vectors/random.ts'

const random = createRandom(21)
const keys = () =>
  BigUint64Array.from({ length: 16 }, () => (BigInt(random.word()) << 32n) | BigInt(random.word()) | 1n)

/** Hashes of flows by one set of keys: of the slot, and the other one. */
function hashes(of: BigUint64Array) {
  const first = splitMultipliers(of)
  const others = flowKeys(of)
  const second = splitMultipliers(BigUint64Array.from([0, 1, 2, 3, FLOW_KEY.mix], (which) => others[which]!))
  return (source: number, ports: number) => ({
    hash: mixWords(first, 0, [source, ports], 3),
    other: mixWords(second, 0, [source, ports, 7], 4),
  })
}
type Flow = readonly [source: number, ports: number]
/** aimed: so many flows of which it holds. */
function aimed(count: number, holds: (flow: Flow) => boolean): Flow[] {
  const found: Flow[] = []
  for (let i = 0; found.length < count; i++) {
    const flow: Flow = [0x0a00_0000 + i, 0x5000_0000 + (i & 0xffff)]
    if (holds(flow)) found.push(flow)
  }
  return found
}

test('flows that all go to one server under one set of keys spread over all under another', () => {
  const [known, secret] = [hashes(keys()), hashes(keys())]
  const server = ({ hash }: { hash: number }) => scaleHash(hash, 1_021) % 20
  const flows = aimed(2_000, (flow) => server(known(...flow)) === 3)
  const met = Array.from({ length: 20 }, () => 0)
  for (const flow of flows) met[server(secret(...flow))]!++
  assert.ok(
    met.every((count) => count > 50 && count < 160),
    `${met}`,
  )
})

test('flows that fill a corner of the flow table under one set of keys are displaced under another as any are', () => {
  const [known, secret] = [hashes(keys()), hashes(keys())]
  const { shape, tables } = flowFixtures.all
  const count = 4_000
  const large = { ...shape, flows: { ...shape.flows!, entries: entriesFor(count), newFlows: 2 ** 31 } }
  // what chooses both buckets: of one set all flows lie in a sixteenth
  const isCorner = ({ hash, other }: { hash: number; other: number }) =>
    other < 2 ** 28 && (Math.imul(other, 0x9e3779b1) + hash) >>> 0 < 2 ** 28
  const flows = aimed(count, (flow) => isCorner(known(...flow)))
  const displaced = (by: typeof known): number => {
    const memory = new FlowMemory(large.flows)
    const decide = createDecide(large, tables, memory, memoryOf(shape))
    for (const flow of flows)
      decide({ ...by(...flow), kind: 'segment', service: 0, pool: 0, word: slotWord(1, 1) })
    return memory.events['flow-evicted']
  }
  assert.ok(displaced(known) > count / 2)
  assert.ok(displaced(secret) < 25, `${displaced(secret)}`)
})

test('sources that share a line under one set of keys lie in as many as chance has it under another', () => {
  const entries = 512
  const lines = entries / WAYS
  const of = (by: BigUint64Array) => (address: number) => sourceOf(by, address as Ip4, 32)
  const [known, secret] = [of(sourceKeys(keys())), of(sourceKeys(keys()))]
  const lineOf = ({ place }: { place: number }) => Math.floor((place * lines) / 2 ** 32)
  const found: number[] = []
  for (let address = 0x0a00_0000; found.length < 256; address++)
    if (lineOf(known(address)) === 0) found.push(address)
  const met = new Set(found.map((address) => lineOf(secret(address))))
  assert.ok(met.size > lines * 0.9, `${met.size} of ${lines}`)

  // and a client whose line they fill is limited as before, and for nobody else
  const table = new SourceTable(entries)
  const client = known(found.pop()!)
  for (let i = 0; i < 9; i++) assert.equal(table.meter(client, 10, 1), false)
  for (const address of found) assert.equal(table.meter(known(address), 10, 1), false)
  assert.equal(table.meter(client, 10, 1), false)
  assert.equal(table.meter(client, 10, 1), true)
})
