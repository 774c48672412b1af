import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clockOf, limitsOf, secondTicks, ticksOf } from './flow-clock.ts'
import { flowKeys } from './flow-keys.ts'
import {
  ageOf,
  bucketsOfFlow,
  FLOW,
  FlowBucket,
  type FlowRecord,
  flowRecordAt,
  isOlder,
  rankOf,
  SLACK,
  storeFlowRecord,
  TIME_MASK,
  tickOf,
} from './flow-record.ts'
import { fixedKeys } from './golden-shapes.ts'
import { TIMEOUTS } from './shape.ts'

const word = fc.nat(0xffffffff)
const records: fc.Arbitrary<FlowRecord> = fc.record({
  hash: word,
  other: word,
  server: fc.nat(0x7ffe),
  service: fc.nat(0xffff),
  time: fc.nat(TIME_MASK),
  state: fc.constantFrom(FLOW.closed, FLOW.syn, FLOW.established),
})

test('a record is read back as it was stored, and takes the entry’s 16 bytes only', () => {
  fc.assert(
    fc.property(records, fc.nat(3), (record, entry) => {
      const words = new Uint32Array(16).fill(0x5a5a5a5a)
      storeFlowRecord(words, entry, record)
      assert.deepEqual(flowRecordAt(words, entry), { ...record })
      const others = [...words].filter((_, at) => at >> 2 !== entry)
      assert.ok(others.every((each) => each === 0x5a5a5a5a))
    }),
  )
  assert.equal(FlowBucket.size, 64)
  assert.equal(flowRecordAt(new Uint32Array(4), 0), undefined)
})

test('a record’s bits are those of the page: known words', () => {
  const words = new Uint32Array(4)
  storeFlowRecord(words, 0, {
    hash: 0xaaaaaaaa,
    other: 0x55555555,
    server: 3,
    service: 5,
    time: 9,
    state: FLOW.syn,
  })
  // S = 3 | 5 << 15 = 0x28003; the key's halves are B ^ S and A ^ S
  assert.deepEqual([...words], [0x5557d556, 0xaaa82aa9, 0x28003, 0x80000009])
})

test('half of one record and half of another are no flow’s, unless server and service are the same', () => {
  fc.assert(
    fc.property(records, records, (a, b) => {
      const [one, two] = [new Uint32Array(4), new Uint32Array(4)]
      storeFlowRecord(one, 0, a)
      storeFlowRecord(two, 0, b)
      const half = flowRecordAt(Uint32Array.of(one[0]!, one[1]!, two[2]!, two[3]!), 0)!
      const isA = half.hash === a.hash && half.other === a.other
      assert.equal(isA, a.server === b.server && a.service === b.service)
    }),
  )
})

test('ages are differences modulo 2^30; what is a little ahead has age 0', () => {
  assert.equal(ageOf(100, 90), 10)
  assert.equal(ageOf(5, TIME_MASK - 4), 10)
  assert.equal(ageOf(90, 90 + SLACK), 0)
  assert.equal(ageOf(TIME_MASK, SLACK - 1), 0)
  assert.equal(ageOf(90, 91 + SLACK), TIME_MASK - SLACK)
  assert.ok(!isOlder(1_000, 900, 100) && isOlder(1_001, 900, 100))
  assert.ok(!isOlder(0, TIME_MASK - 99, 100) && isOlder(1, TIME_MASK - 99, 100))
})

test('ranks: empty, closed, SYN only, established; of one state the older; units of eight ticks', () => {
  const at = (state: number, time: number) => ((state << 30) | time) >>> 0
  const now = 10_000
  const inOrder = [
    0,
    at(1, 100),
    at(1, 9_000),
    at(2, 100),
    at(2, 9_000),
    at(3, 100),
    at(3, 9_000),
    at(3, 10_000),
  ]
  const ranks = inOrder.map((changing) => rankOf(changing, now))
  assert.deepEqual(
    ranks,
    [...ranks].sort((a, b) => a - b),
  )
  assert.equal(new Set(ranks).size, ranks.length)
  fc.assert(
    fc.property(fc.nat(TIME_MASK), fc.nat(2 ** 29), fc.nat(2 ** 29), (now, a, b) => {
      const rank = (age: number) => rankOf(at(2, (now - age) & TIME_MASK), now)
      if (Math.abs(a - b) >= 8) assert.equal(rank(a) < rank(b), a > b)
    }),
  )
})

test('both buckets of a flow are buckets, as whole numbers say', () => {
  fc.assert(
    fc.property(word, word, fc.integer({ min: 1, max: 2 ** 23 }), (hash, other, buckets) => {
      const scaled = (value: bigint) => Number((BigInt.asUintN(32, value) * BigInt(buckets)) >> 32n)
      assert.deepEqual(bucketsOfFlow(hash, other, buckets), [
        scaled(BigInt(other)),
        scaled(BigInt(other) * 0x9e3779b1n + BigInt(hash)),
      ])
    }),
  )
})

test('a tick is about 64 ms, whatever the kernel counts in', () => {
  for (const [hz, shift] of [
    [100, 3],
    [250, 4],
    [300, 4],
    [1_000, 6],
  ] as const) {
    const clock = clockOf(hz)
    assert.equal(clock.shift, shift)
    const second = 2 ** (secondTicks(clock) + shift) / hz
    assert.ok(second > 0.7 && second < 1.42, `${second}`)
    assert.ok(ticksOf(clock, 60) * 2 ** shift >= 60 * hz)
    assert.ok((ticksOf(clock, 60) - 1) * 2 ** shift < 60 * hz)
  }
  assert.equal(tickOf(2n ** 34n + 17n, 4), 1)
  assert.deepEqual(limitsOf({ entries: 4, newFlows: 1_000, clock: clockOf(250), idle: TIMEOUTS }), {
    syn: 938,
    established: 14_063,
    newFlows: 1_024,
  })
  assert.equal(limitsOf({ entries: 4, newFlows: 0, clock: clockOf(250), idle: TIMEOUTS }).newFlows, 1)
  assert.equal(
    limitsOf({ entries: 4, newFlows: 1, clock: clockOf(250), idle: { ...TIMEOUTS, udp: 3_600 } }).established,
    56_250,
  )
})

test('the second hash has keys of its own, made of all the hash keys and always the same', () => {
  const keys = flowKeys(fixedKeys())
  assert.deepEqual(flowKeys(fixedKeys()), keys)
  const all = [...keys, ...fixedKeys()]
  assert.equal(new Set(all).size, all.length)
  for (let i = 0; i < 16; i++) {
    const others = fixedKeys()
    others[i]! ^= 1n
    const other = flowKeys(others)
    assert.ok(
      keys.every((key, at) => key !== other[at]),
      `key ${i} does not matter`,
    )
  }
  assert.equal(keys[0]!.toString(16), flowKeys(fixedKeys())[0]!.toString(16))
  assert.ok(flowKeys(new BigUint64Array(16)).every((key) => key !== 0n))
})
