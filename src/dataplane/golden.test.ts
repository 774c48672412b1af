// The generated programs, kept as listings and reviewed like code. After a wanted change: GOLDEN=write npm test -- golden

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { EXIT } from '../bpf/isa.ts'
import { listing } from '../bpf/listing.ts'
import type { Built } from '../bpf/xdp.ts'
import { layoutOf } from './fill.ts'
import { fixedKeys, goldenShapes } from './golden-shapes.ts'
import { packetProgram } from './packet-path.ts'
import { turnOut } from './turn-out.ts'

/** STRAIGHT: from the first instruction to the exit of a frame that goes straight; a 64-bit load counts once. */
const STRAIGHT = 100

const programs: readonly (readonly [name: string, build: () => Built])[] = [
  ...Object.entries(goldenShapes).map(
    ([name, shape]) => [name, () => packetProgram(shape, layoutOf(shape, fixedKeys()).memory)] as const,
  ),
  ['turn-out', () => turnOut(9)],
]

for (const [name, build] of programs) {
  test(`the program for ${name} is the one reviewed`, () => {
    const text = `${listing(build().assembled, { lines: false })}\n`
    const path = new URL(`golden/${name}.txt`, import.meta.url)
    if (process.env.GOLDEN === 'write') writeFileSync(path, text)
    assert.equal(text, readFileSync(path, 'utf8'))
  })
}

const built = (name: string) => {
  const shape = goldenShapes[name]!
  return packetProgram(shape, layoutOf(shape, fixedKeys()).memory)
}

test('the straight path of first light has 100 instructions, whatever else the program takes', () => {
  const { insns } = built('one-listener').assembled
  assert.equal(insns.findIndex(({ insn }) => insn.code === EXIT) + 1, STRAIGHT)
})

test('programs keep to their budgets, and a listener more costs a handful', () => {
  const size = (name: string) => built(name).spec.code.length / 8
  assert.ok(size('one-listener') < 690)
  assert.ok(size('two-listeners-one-service') - size('one-listener') < 12)
  assert.ok(size('ten-thousand-listeners') < 900)
  assert.ok(size('everything-once') < 1_300)
  assert.ok(size('tracked-everything-once') < 2_060)
  assert.ok(size('nat-one-listener') < 2_950)
})
