import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDecide, FlowMemory } from './flow-decision.ts'
import { memoryOf } from './memory.ts'
import { slotWord } from './shape.ts'
import { flowFixtures } from './vectors/flow-fixtures.ts'
import { createRandom } from './vectors/random.ts'

/** How many of `flows` flows find no place but another's in a table of so many bytes a flow. */
function displaced(flows: number, bytes: number): number {
  const { shape, tables } = flowFixtures.all
  const large = {
    ...shape,
    flows: { ...shape.flows!, entries: Math.floor((flows * bytes) / 16), newFlows: 2 ** 31 },
  }
  const memory = new FlowMemory(large.flows)
  const decide = createDecide(large, tables, memory, memoryOf(shape))
  const random = createRandom(11)
  for (let i = 0; i < flows; i++)
    decide({
      hash: random.word(),
      other: random.word(),
      kind: 'segment',
      service: 0,
      pool: 0,
      word: slotWord(1, 1),
    })
  return memory.events['flow-evicted']
}

test('at 27 bytes a flow less than one in a thousand is displaced, at 20 many are', () => {
  assert.ok(displaced(40_000, 27) < 25)
  assert.ok(displaced(40_000, 20) > 250)
})
