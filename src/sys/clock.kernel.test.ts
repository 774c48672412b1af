import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jiffiesPerSecond } from './clock.ts'

test('a second has as many jiffies as some kernel can be built for', () => {
  assert.ok([100, 250, 300, 1_000].includes(jiffiesPerSecond()), `${jiffiesPerSecond()}`)
})
