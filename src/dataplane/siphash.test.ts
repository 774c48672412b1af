import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sipBlocks, sipHash } from './siphash.ts'

const upTo = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i)

test('it is the SipHash-1-3 that CPython hashes bytes with, whose secret is nought for PYTHONHASHSEED=0', () => {
  const known = [
    [8, 0xead411e67ebe2eean],
    [16, 0x8972188433a5c5b7n],
    [40, 0x95bc321ab41d8206n],
  ] as const
  for (const [length, hash] of known) assert.equal(sipHash([0n, 0n], upTo(length)), hash)
})

test('every bit of secret and message changes the answer', () => {
  const message = upTo(15)
  const secret = [0x0706050403020100n, 0x0f0e0d0c0b0a0908n] as const
  const answers = new Set([sipHash(secret, message)])
  for (let bit = 0n; bit < 64n; bit++) {
    answers.add(sipHash([secret[0] ^ (1n << bit), secret[1]], message))
    answers.add(sipHash([secret[0], secret[1] ^ (1n << bit)], message))
  }
  for (let bit = 0; bit < 8 * message.length; bit++) {
    const changed = Uint8Array.from(message)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    answers.add(sipHash(secret, changed))
  }
  assert.equal(answers.size, 1 + 128 + 8 * message.length)
})

test('a message that ends with noughts is another one than the same without them', () => {
  assert.deepEqual(sipBlocks(Uint8Array.of(1, 2)), [0x0200_0000_0000_0201n])
  assert.deepEqual(sipBlocks(Uint8Array.of(1, 2, 0)), [0x0300_0000_0000_0201n])
  assert.deepEqual(sipBlocks(upTo(8)), [0x0706_0504_0302_0100n, 0x0800_0000_0000_0000n])
})
