// Differential fuzz of tracked flows: the generated program and the model get the same packets, and between them the
// same moves of slots, failures and times; they must agree on each packet, its events, and every byte of the flow table and
// of what schedulers go by. The same with nat, and of the table of answers.

import assert from 'node:assert/strict'
import type { Fixture } from '../../src/dataplane/vectors/fixture.ts'
import type { FuzzShape } from '../../src/dataplane/vectors/fuzz-fixtures.ts'
import { createBetween, createFlowFrames, fuzzFlowFixture } from '../../src/dataplane/vectors/fuzz-flows.ts'
import { createNatFrames, fuzzNatFixture, type NatFrames } from '../../src/dataplane/vectors/fuzz-nat.ts'
import { modelPath } from '../../src/dataplane/vectors/model-path.ts'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'
import { KernelPath } from './kernel-path.ts'

/** So often the tables are compared. */
const EVERY = 64
const NONE = new Uint8Array()
const NO_WORDS = new Uint32Array()

/** Counts: packets by outcome, events by name. */
export type Counts = Record<string, number>

/**
 * fuzzFlows compares `packets` packets of one shape, and adds to `counts`; throws at the first difference. On one CPU:
 * new records are counted for each.
 */
export function fuzzFlows(shape: FuzzShape, packets: number, seed: number, counts: Counts): void {
  const fixture = fuzzFlowFixture(shape, seed)
  const next = createFlowFrames(fixture, seed)
  compare(shape, fixture, { next, learn: () => {} }, { packets, seed, counts })
}

/** fuzzNat does so for services with nat, and servers that answer. */
export function fuzzNat(shape: FuzzShape, packets: number, seed: number, counts: Counts): void {
  const fixture = fuzzNatFixture(shape, seed)
  compare(shape, fixture, createNatFrames(fixture, seed), { packets, seed, counts })
}

interface Extent {
  readonly packets: number
  readonly seed: number
  readonly counts: Counts
}

function compare(
  shape: FuzzShape,
  fixture: Fixture,
  frames: NatFrames,
  { packets, seed, counts }: Extent,
): void {
  const cpus = affinity()
  setAffinity([cpus[0]!])
  try {
    using kernel = new KernelPath(fixture)
    const model = modelPath(fixture)
    const between = createBetween(fixture, seed)
    for (let i = 0; i < packets; i++) {
      const change = between()
      for (const path of [model, kernel]) change(path)
      const frame = frames.next()
      const where = () =>
        `seed ${seed}, flows of ${shape.name}, packet ${i}: ${Buffer.from(frame).toString('hex')}`
      const [expected, got] = [model.run(frame), kernel.run(frame)]
      const [expectedEvents, gotEvents] = [model.events(), kernel.events()]
      assert.deepEqual(
        { ...got, ...gotEvents },
        { ...expected, frame: new Uint8Array(expected.frame), ...expectedEvents },
        where(),
      )
      frames.learn(expected)
      if (i % EVERY === EVERY - 1 || i === packets - 1)
        for (const [what, mine, theirs] of [
          ['flow tables', bytesOf(kernel.flows), bytesOf(model.flows)],
          ['tables of answers', bytesOf(kernel.answers ?? NO_WORDS), bytesOf(model.answers ?? NO_WORDS)],
          ['schedules', kernel.schedules?.bytes ?? NONE, model.schedules?.bytes ?? NONE],
        ] as const)
          assert.equal(Buffer.compare(mine, theirs), 0, `${what} differ: ${where()}`)
      counts[expected.outcome] = (counts[expected.outcome] ?? 0) + 1
      for (const [name, times] of Object.entries(expectedEvents)) counts[name] = (counts[name] ?? 0) + times
    }
  } finally {
    setAffinity(cpus)
  }
}

const bytesOf = (words: Uint32Array): Buffer => Buffer.from(words.buffer, words.byteOffset, words.byteLength)
