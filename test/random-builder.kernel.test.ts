// Random programs of the builder, run by the kernel: verdict, counters and memory are what their meaning in plain
// TypeScript says. `TENBIN_FUZZ=N` tries N seeds instead of a few hundred; a failure names its seed.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listing } from '../src/bpf/listing.ts'
import { type RandomBuilt, randomBuilder } from '../src/bpf/random-builder.ts'
import { randomMemory } from '../src/bpf/random-memory.ts'
import { BpfMap } from '../src/kernel/map.ts'
import { loadProgram } from '../src/kernel/program.ts'
import { testRun } from '../src/kernel/test-run.ts'

const COUNT = Number(process.env.TENBIN_FUZZ ?? 250)

/** made: the program of a seed, or undefined where it needs more registers than there are. */
function made(seed: number): RandomBuilt | undefined {
  try {
    return randomBuilder(seed)
  } catch (e) {
    if (e instanceof Error && e.message.includes('out of registers')) return undefined
    throw e
  }
}

test(`the kernel does what ${COUNT} random programs of the builder mean`, () => {
  let run = 0
  const verdicts = new Set<number>()
  for (let seed = 1; seed <= COUNT; seed++) {
    const random = made(seed)
    if (!random) continue
    const { built, packet, memory, verdict, memoryAfter } = random
    using map = BpfMap.create(built.spec.maps[0]!)
    assert.equal(map.info.name, randomMemory.name)
    const live = new Uint8Array(map.memory, 0, memory.length)
    live.set(memory)
    using program = loadProgram(built.spec, new Map([[map.info.name, map]])).program
    const result = testRun(program, { packet })
    const context = `seed ${seed}:\n${listing(built.assembled)}`
    assert.equal(result.verdict, verdict, context)
    assert.deepEqual(live.slice(), memoryAfter, context)
    run++
    verdicts.add(verdict)
  }
  assert.ok(run > COUNT * 0.8, `${run} of ${COUNT} programs could be built`)
  assert.deepEqual([...verdicts].sort(), [1, 2, 3])
})
