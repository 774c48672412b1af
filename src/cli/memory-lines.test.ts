import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layoutOf } from '../dataplane/fill.ts'
import { fixedKeys, goldenShapes } from '../dataplane/golden-shapes.ts'
import { mapSizes } from '../dataplane/memory.ts'
import { paintFor } from './context.ts'
import { memoryLines } from './memory-lines.ts'

test('of every map that a program can have is said what it is for', () => {
  for (const shape of Object.values(goldenShapes)) {
    const maps = mapSizes(layoutOf(shape, fixedKeys()).memory)
    const [, , ...lines] = memoryLines(maps, paintFor(false))
    for (const [at, { name }] of maps.entries()) assert.match(lines[at]!, new RegExp(`^ *${name} .*B {2}\\S`))
  }
})
