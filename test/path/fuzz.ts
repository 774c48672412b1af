// Differential fuzz: random and mutated frames through the generated program and the model, which must agree on the
// outcome, every byte and every counter. Shapes with 1 to 10,000 listeners of one family and protocol or of all take
// turns, each without tracking and with it (fuzz-flows.ts).
//
//   npm run fuzz -- 1000000 [SEED]

import assert from 'node:assert/strict'
import { TenbinError } from '../../src/base/errors.ts'
import { createModel } from '../../src/dataplane/model.ts'
import { PacketMemory } from '../../src/dataplane/model-memory.ts'
import { eventNames, outcomeNames } from '../../src/dataplane/outcomes.ts'
import { rstOf, synOf } from '../../src/dataplane/vectors/fuzz-defence.ts'
import { fuzzFixture, fuzzShapes } from '../../src/dataplane/vectors/fuzz-fixtures.ts'
import { createFrames } from '../../src/dataplane/vectors/mutate.ts'
import { createRandom, createTimes } from '../../src/dataplane/vectors/random.ts'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'
import { enterForwarding } from './forwarding.ts'
import { type Counts, fuzzFlows, fuzzNat } from './fuzz-flows.ts'
import { KernelPath } from './kernel-path.ts'

const USAGE = 'usage: npm run -s fuzz -- [PACKETS [SEED]], whole numbers'

/** FuzzResult: how many packets were compared; of each outcome, and the events of tracking. */
export interface FuzzResult {
  readonly packets: number
  readonly differences: number
  readonly outcomes: Readonly<Record<string, number>>
}

/** fuzz compares `packets` packets; throws at the first difference, with the frame to repeat it. */
export function fuzz(packets: number, seed: number, says: (line: string) => void = () => {}): FuzzResult {
  const outcomes: Counts = Object.fromEntries([...outcomeNames, ...eventNames].map((name) => [name, 0]))
  const share = Math.ceil(packets / fuzzShapes.length / 3)
  // what is bounded is bounded for each CPU
  setAffinity(affinity().slice(0, 1))
  // whether a node would forward an answer is asked of its kernel
  using _ = enterForwarding()
  let done = 0
  for (const [turn, shape] of fuzzShapes.entries()) {
    const fixture = fuzzFixture(shape, seed)
    using path = new KernelPath(fixture)
    const memory = new PacketMemory()
    const model = createModel(fixture.shape, fixture.tables, { packets: memory })
    const next = createFrames(fixture, seed + turn)
    const time = createTimes(createRandom(seed + turn))
    let rst: Uint8Array | undefined
    for (let i = 0; i < share && done < packets; i++, done++) {
      // who was challenged proves itself; of random flags few are those of a SYN alone
      const isOpening = shape.defends === true && i % 2 === 0
      const frame = rst ?? (isOpening ? synOf(next()) : next())
      memory.jiffies = time()
      path.setJiffies(BigInt(memory.jiffies))
      const expected = model(frame)
      const got = path.run(frame)
      outcomes[expected.outcome]!++
      rst = expected.outcome === 'challenged' ? rstOf(frame, expected.frame) : undefined
      const same =
        got.outcome === expected.outcome &&
        got.service === expected.service &&
        got.server === expected.server &&
        got.bytes === expected.bytes &&
        Buffer.compare(got.frame, expected.frame) === 0
      if (!same)
        assert.deepEqual(
          got,
          expected,
          `seed ${seed}, ${shape.name}, packet ${i}: ${Buffer.from(frame).toString('hex')}`,
        )
    }
    const tracked = Math.min(share, packets - done)
    fuzzFlows(shape, tracked, seed + turn, outcomes)
    done += tracked
    const translated = Math.min(share, packets - done)
    fuzzNat(shape, translated, seed + turn, outcomes)
    done += translated
    says(`${done} packets, ${shape.name}: no difference`)
  }
  return { packets: done, differences: 0, outcomes }
}

function main([packets = '1000000', seed = `${Date.now() & 0xffffff}`]: readonly string[]): number {
  if (!/^[1-9]\d*$/.test(packets) || !/^\d+$/.test(seed)) {
    console.error(USAGE)
    return 2
  }
  try {
    console.log(`seed ${seed}`)
    console.log(JSON.stringify(fuzz(Number(packets), Number(seed), console.log)))
    return 0
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    console.error(`fuzz: ${error.message}\n  remedy: ${error.remedy}`)
    return 1
  }
}

if (process.argv[1]?.endsWith('fuzz.ts')) process.exitCode = main(process.argv.slice(2))
