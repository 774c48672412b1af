// The generated programs, kept as listings and reviewed like code. After a wanted change: GOLDEN=write npm test -- golden

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { listing } from '../bpf/listing.ts'
import { layoutOf } from './fill.ts'
import { fixedKeys, goldenShapes } from './golden-shapes.ts'
import { packetProgram } from './packet-path.ts'

for (const [name, shape] of Object.entries(goldenShapes)) {
  test(`the program for ${name} is the one reviewed`, () => {
    const { memory } = layoutOf(shape, fixedKeys())
    const text = `${listing(packetProgram(shape, memory).assembled, { lines: false })}\n`
    const path = new URL(`golden/${name}.txt`, import.meta.url)
    if (process.env.GOLDEN === 'write') writeFileSync(path, text)
    assert.equal(text, readFileSync(path, 'utf8'))
  })
}

test('first light costs less than 400 instructions, and a listener more a handful', () => {
  const insns = (name: string) => {
    const shape = goldenShapes[name]!
    return packetProgram(shape, layoutOf(shape, fixedKeys()).memory).spec.code.length / 8
  }
  assert.ok(insns('one-listener') < 400)
  assert.ok(insns('two-listeners-one-service') - insns('one-listener') < 12)
  assert.ok(insns('ten-thousand-listeners') < 530)
  assert.ok(insns('everything-once') < 1_200)
})
