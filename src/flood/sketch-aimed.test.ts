import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ip4 } from '../base/addresses.ts'
import { hashOf, Sketch } from './sketch.ts'

/** counted: what a sketch of a seed says of these. */
function counted(addresses: readonly Ip4[], seed: number): number {
  const sketch = new Sketch()
  for (const address of addresses) sketch.add(hashOf(address, 0, seed))
  return sketch.count
}

test('addresses that look like one under a seed that is known are counted under another', () => {
  const [known, secret] = [0x1234_5678, 0x9abc_def1]
  const few: Ip4[] = []
  // all in one register: nine bits of rank at most
  for (let i = 0; few.length < 2_000; i++) {
    const address = (0x0a00_0000 + i) as Ip4
    if (hashOf(address, 0, known) >>> 22 === 7) few.push(address)
  }
  assert.ok(counted(few, known) < 10)
  const count = counted(few, secret)
  assert.ok(Math.abs(count - 2_000) < 200, `${count}`)
})

test('addresses that look like millions under a seed that is known are counted under another', () => {
  const [known, secret] = [0x0bad_cafe, 0x7777_1111]
  const loud: Ip4[] = []
  for (let i = 0; loud.length < 8_000; i++) {
    const address = (0x0a00_0000 + i) as Ip4
    if ((hashOf(address, 0, known) & 0x3fffff) < 2 ** 12) loud.push(address)
  }
  assert.ok(counted(loud, known) > 100_000)
  const count = counted(loud, secret)
  assert.ok(Math.abs(count - 8_000) < 1_000, `${count}`)
})
