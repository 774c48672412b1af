import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mixWords, splitMultipliers } from '../schedule/hash.ts'
import { createDecide, FlowMemory } from './flow-decision.ts'
import { FLOW_KEY, flowKeys } from './flow-keys.ts'
import { entriesFor } from './flow-record.ts'
import { memoryOf } from './memory.ts'
import { slotWord } from './shape.ts'
import { flowFixtures } from './vectors/flow-fixtures.ts'
import { createRandom } from './vectors/random.ts'

/** How many of `flows` flows find no place but another's in a table of so many bytes a flow. */
function displaced(
  flows: number,
  flowOf: (at: number) => { hash: number; other: number },
  bytes?: number,
): number {
  const { shape, tables } = flowFixtures.all
  const large = {
    ...shape,
    flows: {
      ...shape.flows!,
      entries: bytes === undefined ? entriesFor(flows) : Math.floor((flows * bytes) / 16),
      newFlows: 2 ** 31,
    },
  }
  const memory = new FlowMemory(large.flows)
  const decide = createDecide(large, tables, memory, memoryOf(shape))
  for (let i = 0; i < flows; i++)
    decide({
      ...flowOf(i),
      kind: 'segment',
      service: 0,
      pool: 0,
      word: slotWord(1, 1),
    })
  return memory.events['flow-evicted']
}

const chance = () => {
  const random = createRandom(11)
  return () => ({ hash: random.word(), other: random.word() })
}

test('of as many flows as a table is for less than one in a thousand is displaced, at 20 bytes a flow many are', () => {
  assert.ok(displaced(40_000, chance()) < 25)
  assert.ok(displaced(40_000, chance(), 20) > 250)
})

test('one client’s ports in a row are displaced no more than flows at random, whatever the keys', () => {
  const random = createRandom(12)
  const keys = () =>
    BigUint64Array.from({ length: 16 }, () => (BigInt(random.word()) << 32n) | BigInt(random.word()) | 1n)
  for (let round = 0; round < 30; round++) {
    const others = flowKeys(keys())
    const first = splitMultipliers(keys())
    const second = splitMultipliers(
      BigUint64Array.from([0, 1, 2, 3, FLOW_KEY.mix], (which) => others[which]!),
    )
    const source = random.word()
    const [port, step] = [random.below(20_000), round & 1 ? 1 : 2]
    const worst = displaced(20_000, (at) => {
      const ports = (port + step * at) & 0xffff
      const words = [source + (at >> 15), 0x5000_0000 + ports]
      return { hash: mixWords(first, 0, words, 3), other: mixWords(second, 0, [...words, 7], 4) }
    })
    assert.ok(worst < 20, `keys of round ${round}: ${worst} of 20,000`)
  }
})
