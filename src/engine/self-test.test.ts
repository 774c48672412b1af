import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import { createModel } from '../dataplane/model.ts'
import { outcomes } from '../dataplane/outcomes.ts'
import { fixtures } from '../dataplane/vectors/fixtures.ts'
import { selfTest } from './self-test.ts'

const NUMBER = { drop: 1, pass: 2, tx: 3, redirect: 4 } as const
const { shape, tables } = fixtures.shared

test('a program that does what the model does passes', () => {
  const model = createModel(shape, tables)
  let asked = 0
  selfTest(shape, tables, (frame) => {
    asked++
    const { outcome, frame: out } = model(frame)
    return { verdict: NUMBER[outcomes[outcome].verdict], frame: out }
  })
  assert.ok(asked >= shape.listeners.length + 2)
})

test('a wrong verdict and a wrong byte are found before anything is attached', () => {
  const model = createModel(shape, tables)
  const failed = (error: unknown) => error instanceof TenbinError && error.code === 'SELF_TEST_FAILED'
  assert.throws(() => selfTest(shape, tables, (frame) => ({ verdict: 2, frame })), failed)
  const spoiled = (frame: Uint8Array) => {
    const { outcome, frame: out } = model(frame)
    const changed = out.slice()
    if (outcome === 'forwarded') changed[25]! ^= 1
    return { verdict: NUMBER[outcomes[outcome].verdict], frame: changed }
  }
  assert.throws(() => selfTest(shape, tables, spoiled), failed)
})
