import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROOF } from '../config/defence.ts'
import { capture } from './captured.ts'
import { RATE } from './lab-attack.ts'

test('an attack without a rate is well above what a lab of which nothing is said asks for proof from', async () => {
  assert.ok(RATE >= 2 * PROOF.above)
  const { out } = await capture(['lab', 'attack', '--help'])
  assert.match(out, new RegExp(`\\(default: ${RATE}, `))
})
