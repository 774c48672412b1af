// Random programs, run by the kernel and by the interpreter: both must return the same. `TENBIN_FUZZ=N` runs N of
// them instead of a few hundred; a failure names its seed, and the same seed gives the same program everywhere.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interpret } from '../src/bpf/interpret.ts'
import { listing } from '../src/bpf/listing.ts'
import { randomProgram } from '../src/bpf/random-program.ts'
import { loadProgram } from '../src/kernel/program.ts'
import { testRun } from '../src/kernel/test-run.ts'

const COUNT = Number(process.env.TENBIN_FUZZ ?? 400)

function kernelResult(seed: number): number {
  const { assembled, packet } = randomProgram(seed)
  const { code, relocations } = assembled
  using program = loadProgram({ name: 'random', code, relocations, maps: [], flags: 0 }).program
  return testRun(program, { packet }).verdict
}

test(`the kernel and the interpreter agree on ${COUNT} random programs`, () => {
  const results = new Set<number>()
  let steps = 0
  for (let seed = 1; seed <= COUNT; seed++) {
    const { assembled, packet } = randomProgram(seed)
    const expected = interpret(assembled, { packet })
    const result = kernelResult(seed)
    assert.equal(result, Number(expected.r0 & 0xffffffffn), `seed ${seed}:\n${listing(assembled)}`)
    results.add(result)
    steps += expected.steps
  }
  // Programs that all return the same, or hardly run, would prove nothing.
  assert.ok(results.size > COUNT * 0.99, `${results.size} results of ${COUNT} programs`)
  assert.ok(steps > COUNT * 60, `${steps} instructions`)
})
