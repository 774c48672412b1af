import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PROVEN_WAYS, ProvenTable } from './proof-table.ts'

const secret = [1n, 2n] as const
const table = (sets: number) => new ProvenTable(secret, new BigUint64Array(sets * PROVEN_WAYS))
const four = (number: number) => Uint8Array.of(198, number >> 16, number >> 8, number)
const six = (...words: readonly number[]) =>
  Uint8Array.from({ length: 16 }, (_, i) => (words[i >> 1] ?? 0) >> (i % 2 ? 0 : 8))
const HOUR = 56_250

test('a source is proven from its proof on for as long as it is remembered', () => {
  const proven = table(4)
  assert.equal(proven.isProven(four(1), 1_000, HOUR), false)
  proven.prove(four(1), 1_000)
  assert.equal(proven.isProven(four(1), 1_000, HOUR), true)
  assert.equal(proven.isProven(four(1), 1_000 + HOUR, HOUR), true)
  assert.equal(proven.isProven(four(1), 1_001 + HOUR, HOUR), false)
  assert.equal(proven.isProven(four(2), 1_000, HOUR), false)
})

test('it is proven where ticks come round', () => {
  const proven = table(4)
  proven.prove(four(1), 2 ** 32 - 10)
  assert.equal(proven.isProven(four(1), 5, 15), true)
  assert.equal(proven.isProven(four(1), 6, 15), false)
})

test('of IPv6 the first half is proven: one proof for all addresses of a /64, none for its neighbour', () => {
  const proven = table(4)
  proven.prove(six(0x2001, 0xdb8, 0, 1, 0, 0, 0, 1), 7)
  assert.equal(proven.isProven(six(0x2001, 0xdb8, 0, 1, 0xffff, 0xffff, 0xffff, 0xffff), 7, HOUR), true)
  assert.equal(proven.isProven(six(0x2001, 0xdb8, 0, 2, 0, 0, 0, 1), 7, HOUR), false)
})

test('an IPv4 address is no half of an IPv6 one that has the same bytes', () => {
  const proven = table(1)
  proven.prove(Uint8Array.of(0x20, 0x01, 0x0d, 0xb8), 7)
  assert.equal(proven.isProven(six(0x2001, 0xdb8), 7, HOUR), false)
})

test('a proof of before takes its own place, an empty one comes before the oldest', () => {
  const proven = table(1)
  for (let i = 0; i < PROVEN_WAYS; i++) proven.prove(four(i), 100 + i)
  proven.prove(four(0), 200)
  for (let i = 0; i < PROVEN_WAYS; i++) assert.equal(proven.isProven(four(i), 200, HOUR), true)
  // the oldest is 1 now
  proven.prove(four(99), 201)
  assert.equal(proven.isProven(four(99), 201, HOUR), true)
  assert.equal(proven.isProven(four(1), 201, HOUR), false)
  assert.equal(proven.isProven(four(0), 201, HOUR), true)
})

test('as many real sources as there is room for put out few, and a million of one /64 only themselves', () => {
  const SOURCES = 8_192
  const proven = table(SOURCES / PROVEN_WAYS)
  for (let i = 0; i < SOURCES / 2; i++) proven.prove(four(i), i)
  const kept = Array.from({ length: SOURCES / 2 }, (_, i) => proven.isProven(four(i), SOURCES, HOUR))
  // half full, a set of eight has more than eight for about 2 % of sources
  assert.ok(kept.filter(Boolean).length > 0.95 * kept.length)
  const before = proven.words.filter((word) => word !== 0n).length
  for (let i = 0; i < 10_000; i++) proven.prove(six(0x2001, 0xdb8, 0, 0, i, i ^ 77, i, i), SOURCES)
  const after = proven.words.filter((word) => word !== 0n).length
  assert.ok(after - before <= 1)
})
