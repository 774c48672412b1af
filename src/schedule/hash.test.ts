import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashWords, mixWords, scaleHash, splitMultipliers } from './hash.ts'

/** The definition, word for word. */
const reference = (keys: BigUint64Array, first: number, words: readonly number[]): number => {
  let sum = keys[first]!
  words.forEach((word, i) => {
    sum += keys[first + 1 + i]! * BigInt(word)
  })
  return Number((sum & 0xffffffffffffffffn) >> 32n)
}

const edges = [0n, 1n, 0xffffn, 0x10000n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n, 2n ** 63n]
const key = fc.oneof(fc.bigInt(0n, 2n ** 64n - 1n), fc.constantFrom(...edges, 2n ** 64n - 1n))
const word = fc.oneof(fc.nat(0xffffffff), fc.constantFrom(...edges.slice(0, 7).map(Number)))

test('the hash in halves equals its definition in whole numbers', () => {
  fc.assert(
    fc.property(
      fc.array(key, { minLength: 8, maxLength: 8 }),
      fc.nat(3),
      fc.array(word, { maxLength: 4 }),
      (list, first, words) => {
        const keys = BigUint64Array.from(list)
        assert.equal(hashWords(splitMultipliers(keys), first, words), reference(keys, first, words))
      },
    ),
    { numRuns: 20_000 },
  )
})

test('the mixed hash in halves equals its definition in whole numbers', () => {
  fc.assert(
    fc.property(
      fc.array(key, { minLength: 8, maxLength: 8 }),
      fc.array(word, { maxLength: 4 }),
      fc.nat(7),
      (list, words, mixer) => {
        const keys = BigUint64Array.from(list)
        const sum = BigInt.asUintN(
          64,
          words.reduce((all, each, i) => all + keys[1 + i]! * BigInt(each), keys[0]!),
        )
        const mixed = BigInt.asUintN(64, (sum ^ (sum >> 32n)) * keys[mixer]!)
        assert.equal(mixWords(splitMultipliers(keys), 0, words, mixer), Number(mixed >> 32n))
      },
    ),
    { numRuns: 20_000 },
  )
})

test('one client’s ports in a row lie evenly over 20 servers whatever the multipliers, once mixed', () => {
  const servers = 20
  const ports = 4_600
  const fair = ports / servers
  for (let seed = 0; seed < 300; seed++) {
    const random = createHash('sha256').update(`${seed}`).digest()
    const multipliers = splitMultipliers(
      BigUint64Array.from([0, 8, 16, 24], (at) => random.readBigUInt64LE(at)),
    )
    const got = new Uint32Array(servers)
    for (let i = 0; i < ports; i++) {
      const port = 32_768 + 2 * i
      const word = (((port & 0xff) << 8) | (port >> 8) | 0x50000000) >>> 0
      got[scaleHash(mixWords(multipliers, 0, [0x0700000a, word], 3), servers)]!++
    }
    // six standard deviations: once in 80,000 runs of all this
    for (const n of got) assert.ok(Math.abs(n - fair) < 6 * Math.sqrt(fair), `${n} of ${ports}`)
  }
})

test('a scaled hash equals the 64-bit product shifted, and is an index', () => {
  fc.assert(
    fc.property(word, fc.integer({ min: 1, max: 2 ** 21 }), (hash, n) => {
      assert.equal(scaleHash(hash, n), Number((BigInt(hash) * BigInt(n)) >> 32n))
      assert.ok(scaleHash(hash, n) < n)
    }),
    { numRuns: 5_000 },
  )
})

test('neighbouring flows spread over the slots like random ones', () => {
  const multipliers = splitMultipliers(
    BigUint64Array.from([0x9e3779b97f4a7c15n, 0xbf58476d1ce4e5b9n, 0x94d049bb133111ebn]),
  )
  const slots = 1021
  const hits = new Uint32Array(slots)
  const flows = 200 * slots
  for (let i = 0; i < flows; i++)
    hits[scaleHash(hashWords(multipliers, 0, [0x0a000000 + (i >>> 8), 0x50000000 + (i & 0xff)]), slots)]!++
  const mean = flows / slots
  const chiSquare = hits.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0)
  // 1,020 degrees of freedom: random data stay below 1,230 but once in 300,000; linear data may lie evener
  assert.ok(chiSquare < 1_230, `chi-square ${chiSquare}`)
})
