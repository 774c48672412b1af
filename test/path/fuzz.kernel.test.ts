import assert from 'node:assert/strict'
import { test } from 'node:test'
import { outcomeNames } from '../../src/dataplane/outcomes.ts'
import { fuzz } from './fuzz.ts'

test('program and model agree on random and mutated packets, and all ways out are met', () => {
  const { packets, outcomes } = fuzz(30_000, 20_161_107)
  assert.equal(packets, 30_000)
  for (const name of outcomeNames) assert.ok(outcomes[name]! > 0, `${name} was never met`)
})
