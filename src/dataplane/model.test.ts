import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sumWords } from '../wire/checksum.ts'
import { createModel, type Model } from './model.ts'
import { PacketMemory } from './model-memory.ts'
import { outcomeNames, outcomes } from './outcomes.ts'
import { type FixtureName, fixtures } from './vectors/fixtures.ts'
import { flowStories } from './vectors/flow-stories.ts'
import { natStories } from './vectors/nat-stories.ts'
import { expectedOf } from './vectors/nat-story.ts'
import { sequences } from './vectors/sequences.ts'
import { outcomeOf } from './vectors/story.ts'
import { vectors } from './vectors/vectors.ts'

const models = new Map<FixtureName, Model>()
/** Each vector has a second of its own, and nothing remembered. */
const memory = new PacketMemory()
for (const [name, { shape, tables }] of Object.entries(fixtures))
  models.set(name as FixtureName, createModel(shape, tables, { packets: memory }))

test('vectors have names of their own, and there are vectors for every way out', () => {
  const seen = new Set<string>()
  for (const { name } of vectors) {
    assert.ok(!seen.has(name), `two vectors are named "${name}"`)
    seen.add(name)
  }
  const met = [
    ...vectors.map(({ expected }) => expected),
    ...flowStories.flatMap(({ steps }) => steps.map(outcomeOf)),
    ...natStories.flatMap((story) => expectedOf(story).map(({ outcome }) => outcome)),
  ]
  const told = [
    ...met.map(({ outcome }) => outcome),
    ...sequences.flatMap(({ steps }) =>
      steps.map(({ expected }) => (typeof expected === 'string' ? expected : expected.outcome)),
    ),
  ]
  for (const name of outcomeNames) assert.ok(told.filter((each) => each === name).length >= 3, name)
})

for (const { name, fixture, frame, expected } of vectors)
  test(`${expected.outcome}: ${name}`, () => {
    const before = frame.slice()
    memory.jiffies += 512
    memory.forget()
    assert.deepEqual(models.get(fixture)!(frame), expected)
    assert.deepEqual(frame, before, 'the frame that came in was written to')
  })

test('what leaves with a sound header came in with one', () => {
  let sound = 0
  for (const { name, frame, expected } of vectors) {
    if (expected.outcome !== 'forwarded') continue
    if (frame[12] !== 0x08) continue // IPv6 has no checksum
    const end = 14 + 4 * (frame[14]! & 0xf)
    const isSound = sumWords(frame.subarray(14, end)) === 0xffff
    assert.equal(sumWords(expected.frame.subarray(14, end)) === 0xffff, isSound, name)
    if (isSound) sound++
  }
  assert.ok(sound > 300)
})

const untouched = { pass: true, drop: true }

test('a Buffer that came in is not written to, and what passes or is dropped is left as it is', () => {
  const { frame } = vectors.find(({ name }) => name === 'a SYN')!
  const buffer = Buffer.from(frame)
  assert.notEqual(models.get('one')!(buffer).frame, buffer)
  assert.deepEqual(new Uint8Array(buffer), frame)
  for (const { expected, frame } of vectors)
    assert.equal(expected.frame === frame, outcomes[expected.outcome].verdict in untouched)
})

test('a slot that changes is seen at once', () => {
  const { shape, tables } = fixtures.one
  const own = { ...tables, slots: tables.slots.map((slots) => slots.slice()) }
  const model = createModel(shape, own)
  const { frame } = vectors.find(({ name }) => name === 'a SYN')!
  assert.equal(model(frame).server, 1)
  own.slots[0]!.fill(2)
  assert.equal(model(frame).server, 2)
  own.slots[0]!.fill(0)
  assert.equal(model(frame).outcome, 'no-server')
})
