import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashName, mix32 } from './mix.ts'

test('names hash as MurmurHash3 x86_32 has it', () => {
  // vectors that implementations of MurmurHash3 share; lengths leave 0, 1, 2 and 3 bytes over
  for (const [text, seed, hash] of [
    ['', 0, 0],
    ['', 1, 0x514e28b7],
    ['', 0xffffffff, 0x81f16f39],
    ['test', 0, 0xba6bd213],
    ['test', 0x9747b28c, 0x704b81dc],
    ['Hello, world!', 0, 0xc0363e43],
    ['Hello, world!', 0x9747b28c, 0x24884cba],
    ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
    ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
    ['aa', 0x9747b28c, 0x5d211726],
    ['aaa', 0x9747b28c, 0x283e0130],
  ] as const) {
    assert.equal(hashName(text, seed), hash, `"${text}" with ${seed}`)
  }
})

test('the mixer gives 32-bit words, no two alike', () => {
  const seen = new Set<number>()
  for (let i = -5_000; i < 5_000; i++) seen.add(mix32(i))
  assert.equal(seen.size, 10_000)
  for (const word of seen) assert.ok(Number.isInteger(word) && word >= 0 && word <= 0xffffffff)
})
