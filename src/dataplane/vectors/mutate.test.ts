import assert from 'node:assert/strict'
import { test } from 'node:test'
import { has } from '../memory.ts'
import { createModel } from '../model.ts'
import { PacketMemory } from '../model-memory.ts'
import { defenceOutcomes, type OutcomeName, outcomeNames } from '../outcomes.ts'
import { fixtures } from './fixtures.ts'
import { fuzzFixture, fuzzShapes } from './fuzz-fixtures.ts'
import { createFrames } from './mutate.ts'
import { createRandom, createTimes } from './random.ts'

test('a seed gives the same fixture and the same frames again, another seed others', () => {
  const shape = fuzzShapes.find(({ name }) => name === '65 mixed')!
  assert.deepEqual(fuzzFixture(shape, 7), fuzzFixture(shape, 7))
  assert.notDeepEqual(fuzzFixture(shape, 7).tables.keys, fuzzFixture(shape, 8).tables.keys)
  const frames = (seed: number) => {
    const next = createFrames(fixtures.seventy, seed)
    return Array.from({ length: 500 }, next)
  }
  assert.deepEqual(frames(1), frames(1))
  assert.notDeepEqual(frames(1), frames(2))
})

test('frames keep to their lengths, and the shortest and longest occur', () => {
  for (const [shortest, longest] of [
    [14, 1_514],
    [0, 64],
  ] as const) {
    const next = createFrames(fixtures.one, 3, { shortest, longest })
    const lengths = new Set<number>()
    for (let i = 0; i < 50_000; i++) lengths.add(next().length)
    assert.equal(Math.min(...lengths), shortest)
    assert.equal(Math.max(...lengths), longest)
  }
})

/** How often at least what is bounded, takes several things at once, or hardly befalls UDP. */
const rare: Partial<Record<OutcomeName, number>> = {
  fragment: 0,
  'fragment-lost': 25,
  'tiny-fragment': 3,
  'time-exceeded': 30,
  hairpin: 5,
}

/** What takes a flow that is remembered (flow-stories.ts and fuzz-flows.ts have those), a defended service or a client that answers (test/path/fuzz.ts). */
const elsewhere: ReadonlySet<OutcomeName> = new Set([
  'reset',
  'answered',
  'answer-redirected',
  'no-room',
  'clash',
  'fragment-copied',
  'untold',
  ...defenceOutcomes,
])

for (const fuzzShape of fuzzShapes.filter(({ defends }) => !defends))
  test(`${fuzzShape.name}: the fuzz reaches every way out, and every service`, () => {
    const { shape, tables } = fuzzFixture(fuzzShape, 1)
    const memory = new PacketMemory()
    const model = createModel(shape, tables, { packets: memory })
    const next = createFrames({ shape, tables }, 1)
    const time = createTimes(createRandom(1))
    const reached = new Map<string, number>()
    const services = new Set<number>()
    const errors = { 4: 0, 6: 0 }
    let later = 0
    for (let i = 0; i < 30_000; i++) {
      memory.jiffies = time()
      const { outcome, service, frame } = model(next())
      reached.set(outcome, (reached.get(outcome) ?? 0) + 1)
      if (service === undefined) continue
      services.add(service)
      if (frame[12] === 0x08 && (frame[20]! & 0x1f) !== 0) later++
      if (frame[12] === 0x86 && frame[20] === 44 && (frame[56] !== 0 || frame[57]! > 7)) later++
      if (frame[12] === 0x08 && frame[23] === 1) errors[4]++
      if (frame[12] === 0x86 && frame[20] === 58) errors[6]++
    }
    for (const family of [4, 6] as const)
      if (has(shape, family)) assert.ok(errors[family] >= 50, `errors over IPv${family}: ${errors[family]}`)
    assert.ok(later >= 50, `later fragments that followed their first: ${later}`)
    const unreached = new Set<OutcomeName>([
      ...elsewhere,
      ...(fuzzShape.nics === 1 ? (['redirected'] as const) : []),
      ...(fuzzShape.turns ? [] : (['turned'] as const)),
      ...(fuzzShape.refuses ? [] : (['not-accepted'] as const)),
    ])
    for (const outcome of outcomeNames.filter((name) => !unreached.has(name)))
      assert.ok((reached.get(outcome) ?? 0) >= (rare[outcome] ?? 50), `${outcome}: ${reached.get(outcome)}`)
    assert.ok(reached.get('forwarded')! + (reached.get('redirected') ?? 0) > 5_000)
    assert.equal(services.size, shape.services.length)
  })

test('random numbers are spread evenly', () => {
  const random = createRandom(1)
  const counts = new Uint32Array(16)
  for (let i = 0; i < 160_000; i++) counts[random.below(16)]!++
  // five standard deviations
  for (const n of counts) assert.ok(Math.abs(n - 10_000) < 500, [...counts].join(' '))
})
