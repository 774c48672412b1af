import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createModel } from './model.ts'
import { PacketMemory } from './model-memory.ts'
import { fixtures } from './vectors/fixtures.ts'
import { sequences } from './vectors/sequences.ts'

test('sequences have names of their own', () => {
  assert.equal(new Set(sequences.map(({ name }) => name)).size, sequences.length)
})

for (const { name, fixture, steps } of sequences)
  test(name, () => {
    const memory = new PacketMemory()
    const { shape, tables } = fixtures[fixture]
    const model = createModel(shape, tables, { packets: memory })
    for (const [i, { now, frame, expected }] of steps.entries()) {
      memory.jiffies = now
      const got = model(frame)
      if (typeof expected === 'string') assert.equal(got.outcome, expected, `step ${i}`)
      else assert.deepEqual(got, expected, `step ${i}`)
    }
  })
