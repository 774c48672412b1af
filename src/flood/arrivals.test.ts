import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Arriving, arrivalsOf } from './arrivals.ts'
import type { Group } from './facts.ts'
import { type Counted, count, countedOf, type Fate, fateOf } from './fate.ts'

type Some = readonly [fate: Fate, group: Group, kind: Parameters<typeof count>[3], times: number]
const counted = (...some: readonly Some[]): Counted => {
  const all = countedOf()
  for (const [fate, group, kind, times] of some) for (let i = 0; i < times; i++) count(all, fate, group, kind)
  return all
}

/** arriving: of one second, and the only service, unless said otherwise. */
const arriving = (
  own: Counted,
  outcomes: Record<string, number>,
  more: Partial<Arriving> = {},
): Arriving => ({
  ...{ counted: own, seconds: 1, all: own, allSeconds: 1, outcomes: new Map(Object.entries(outcomes)) },
  ...{ packets: 0, exact: 0, isProofAsked: false, isUnderProof: false, ...more },
})
const rounded = (known: Arriving) => {
  const { rates, stoppedShare } = arrivalsOf(known)
  const { openingsPerS, othersPerS, udpPerS } = rates
  return [...[openingsPerS, othersPerS, udpPerS].map(Math.round), Math.round(100 * stoppedShare) / 100]
}

test('each outcome of a packet that defence drops, challenges or takes as a proof has its fate, all others pass', () => {
  assert.deepEqual(
    (['banned', 'node-limit', 'challenged', 'proven', 'forwarded', 'no-server'] as const).map(fateOf),
    ['refused', 'limited', 'challenged', 'proven', 'passed', 'passed'],
  )
})

test('SYNs that are refused before they are counted arrive as well; those above a limit were counted', () => {
  const refused = counted(['passed', 'opening', 'new', 10], ['refused', 'opening', 'dropped', 90])
  assert.deepEqual(rounded(arriving(refused, { rule: 9_000 }, { exact: 1_000 })), [10_000, 0, 0, 0.9])
  const limited = counted(['passed', 'opening', 'new', 10], ['limited', 'opening', 'dropped', 90])
  assert.deepEqual(rounded(arriving(limited, { 'source-limit': 900 }, { exact: 1_000 })), [1_000, 0, 0, 0.9])
})

test('a few SYNs that are denied beside a flood of ACKs that is dropped are a few: their records have room of their own', () => {
  const seen = counted(['refused', 'opening', 'new', 10], ['refused', 'other', 'dropped', 40])
  assert.deepEqual(rounded(arriving(seen, { rule: 100_000, denied: 10 })), [10, 100_000, 0, 1])
  const most = counted(['refused', 'opening', 'new', 300], ['refused', 'opening', 'dropped', 100])
  assert.deepEqual(rounded(arriving(most, { rule: 100_000 })), [100_000, 0, 0, 1])
  const marked = counted(['refused', 'opening', 'rule', 30], ['refused', 'opening', 'new', 10])
  assert.deepEqual(rounded(arriving(marked, { rule: 8_000 })), [8_000, 0, 0, 1])
})

test('of what went to servers that is no SYN, datagrams and segments are as many as were recorded, however many SYNs there are', () => {
  const seen = counted(
    ['passed', 'opening', 'new', 300],
    ['passed', 'other', 'established', 60],
    ['passed', 'udp', 'established', 20],
  )
  assert.deepEqual(rounded(arriving(seen, {}, { exact: 90_000, packets: 98_000 })), [90_000, 6_000, 2_000, 0])
  assert.deepEqual(rounded(arriving(seen, {}, { exact: 90_000, packets: 1_000 })), [90_000, 60, 20, 0])
})

test('what is dropped of all services is each one’s as it was recorded, for however many seconds', () => {
  const own = counted(['refused', 'udp', 'dropped', 50])
  const all = counted(['refused', 'udp', 'dropped', 10], ['refused', 'opening', 'dropped', 30])
  assert.deepEqual(rounded(arriving(own, { rule: 40_000 }, { seconds: 5, all })), [0, 0, 10_000, 0])
})

test('who proves himself counts once, and was not stopped; but no more than go to servers, nor than were challenged', () => {
  const seen = counted(
    ['challenged', 'opening', 'new', 30],
    ['proven', 'other', 'dropped', 30],
    ['passed', 'opening', 'new', 30],
  )
  const proof = { isProofAsked: true, isUnderProof: true }
  const crowd = { ...proof, exact: 24_000, packets: 90_000 }
  assert.deepEqual(
    rounded(arriving(seen, { challenged: 12_000, proven: 12_000 }, crowd)),
    [12_000, 90_000, 0, 0],
  )
  // rates of outcomes are those of a moment ago
  assert.deepEqual(
    rounded(arriving(seen, { challenged: 12_000, proven: 12_000 }, { ...crowd, exact: 8_000 })),
    [4_000, 90_000, 0, 0],
  )
  const alone = { ...proof, exact: 100_000, packets: 200 }
  assert.deepEqual(
    rounded(arriving(seen, { challenged: 100_000, proven: 90_000 }, alone)),
    [99_800, 200, 0, 1],
  )
  assert.deepEqual(
    rounded(arriving(seen, { challenged: 5_000, proven: 90_000 }, { ...crowd, exact: 20_000 })),
    [15_000, 90_000, 0, 0],
  )
})
