// Where one verdict ends and the next begins: readings that differ in one figure. What real traffic makes of it is verdict.test.ts.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byGroup } from './facts.ts'
import type { Slow } from './slow.ts'
import type { Sampled } from './tally.ts'
import { UNKNOWN } from './usual.ts'
import { judge, type Reading, type Verdict } from './verdict.ts'

const SAMPLED: Sampled = {
  ...{ seconds: 10, counts: { opening: 10_000, other: 0, udp: 0 }, modes: byGroup(() => []) },
  ...{ sources: { opening: 9_000, other: 0, udp: 0 }, destinations: 1, destinationShare: 1 },
  ...{ stopped: 0, stoppedShare: 0, followed: 50, wentOn: 0, flows: 0 },
}
/** recorded: so many packets of the other groups, or SYNs. */
const recorded = (other: number, opening = 10_000) => ({ counts: { opening, other, udp: 0 } })
const USUAL = { openingsPerS: 100, othersPerS: 0, udpPerS: 0, slow: 0, latencyMs: 10 }

interface Case {
  readonly rates?: Partial<Reading['rates']>
  readonly sampled?: Partial<Sampled>
  readonly usual?: Partial<typeof USUAL> | false
  readonly servers?: Partial<Reading['servers']>
  readonly slow?: Partial<Slow>
}
function judged({ rates, sampled, usual, servers, slow }: Case): Verdict {
  return judge({
    service: 'www',
    rates: { openingsPerS: 0, othersPerS: 0, udpPerS: 0, ...rates },
    sampled: { ...SAMPLED, ...sampled },
    ...(slow && { slow: { count: 0, sources: 1, bytesPerS: 20, ...slow } }),
    ...(usual !== false && { usual: { ...USUAL, ...usual } }),
    normal: UNKNOWN,
    servers: { up: 2, of: 2, latencyMs: 10, ...servers },
    isUnderProof: false,
  })
}
/** all is recorded that goes on, so that what was followed is what there is. */
const goesOn = (wentOn: number, openingsPerS = 1_000): Case => ({
  rates: { openingsPerS },
  sampled: { wentOn },
})

test('a flood of SYNs is a thousand a second, and four times what is usual', () => {
  const kind = (openingsPerS: number, usual: Case['usual'] = {}) =>
    judged({ rates: { openingsPerS }, usual }).kind
  assert.deepEqual([kind(999), kind(1_000)], ['calm', 'syn-flood'])
  assert.deepEqual([kind(1_000, false), kind(999, false)], ['syn-flood', 'calm'])
  assert.deepEqual(
    [kind(3_999, { openingsPerS: 1_000 }), kind(4_000, { openingsPerS: 1_000 })],
    ['calm', 'syn-flood'],
  )
})

test('it is one while less than half of what is followed goes on, of fifty connections at least', () => {
  assert.equal(judged(goesOn(24)).kind, 'syn-flood')
  assert.equal(judged(goesOn(25)).kind, 'busy')
  const few = judged({ rates: { openingsPerS: 1_000 }, sampled: { followed: 49 } })
  assert.deepEqual([few.kind, few.completed], ['calm', undefined])
})

test('connections that went on unseen count by the part of the packets that is recorded', () => {
  // half of the packets: each connection’s two more are both missed one time in four
  const half = judged({
    rates: { openingsPerS: 1_000, othersPerS: 2_000 },
    sampled: { ...recorded(10_000), wentOn: 30 },
  })
  assert.equal(half.completed, 30 / 50 / 0.75)
  const all = judged({
    rates: { openingsPerS: 1_000, othersPerS: 500 },
    sampled: { ...recorded(10_000), wentOn: 30 },
  })
  assert.equal(all.completed, 0.6)
  const most = judged({
    rates: { openingsPerS: 1_000, othersPerS: 2_000 },
    sampled: { ...recorded(10_000), wentOn: 50 },
  })
  assert.equal(most.completed, 1)
  const none = judged({ rates: { openingsPerS: 1_000, othersPerS: 2_000 } })
  assert.deepEqual([none.kind, none.completed], ['calm', undefined], 'nothing of what follows is recorded')
})

test('twice what is usual is busy, an overload where servers are slow or down, and calm below', () => {
  const kind = (openingsPerS: number, more: Case = {}) =>
    judged({ rates: { openingsPerS }, sampled: { wentOn: 50 }, ...more }).kind
  assert.deepEqual([kind(199), kind(200)], ['calm', 'busy'])
  assert.deepEqual(
    [kind(19, { usual: { openingsPerS: 1 } }), kind(20, { usual: { openingsPerS: 1 } })],
    ['calm', 'busy'],
  )
  assert.deepEqual([kind(499, { usual: false }), kind(500, { usual: false })], ['calm', 'busy'])
  assert.equal(kind(200, { servers: { up: 1 } }), 'overload')
  const early = (up: number) => kind(500, { usual: false, servers: { up, of: 4 } })
  assert.deepEqual(
    [early(3), early(2)],
    ['busy', 'overload'],
    'before anything is usual half of them have to be down',
  )
  assert.equal(kind(199, { servers: { up: 1, latencyMs: 5_000 } }), 'calm')
  assert.deepEqual(
    [kind(200, { servers: { latencyMs: 99 } }), kind(200, { servers: { latencyMs: 100 } })],
    ['busy', 'overload'],
  )
  const slow = { usual: { latencyMs: 50 } }
  assert.deepEqual(
    [
      kind(200, { ...slow, servers: { latencyMs: 199 } }),
      kind(200, { ...slow, servers: { latencyMs: 200 } }),
    ],
    ['busy', 'overload'],
  )
})

test('packets that belong to no connection are a flood where four in five of their flows have one packet', () => {
  const kind = (othersPerS: number, others: number, flows: number) =>
    judged({ rates: { othersPerS }, sampled: { ...recorded(others), flows, followed: 0 } }).kind
  assert.deepEqual([kind(9_999, 1_000, 1_000), kind(10_000, 1_000, 1_000)], ['calm', 'packet-flood'])
  assert.deepEqual([kind(10_000, 1_000, 800), kind(10_000, 1_000, 799)], ['packet-flood', 'calm'])
  assert.deepEqual([kind(10_000, 199, 199), kind(10_000, 200, 200)], ['calm', 'packet-flood'])
})

test('sources are those of all SYNs where at least half of them were recorded', () => {
  const text = (openings: number) =>
    judged({ rates: { openingsPerS: 1_000 }, sampled: recorded(0, openings) }).text
  assert.match(text(5_000), /, 9,000 sources in 10 s/)
  assert.match(text(4_999), /, 9,000 sources of 4,999 recorded SYNs/)
})

test('what four in five have in common is named with the least of their shares, but for the TTL', () => {
  const modes = [
    { field: 'window', value: 512, share: 0.9 },
    { field: 'options', value: 'none', share: 0.8 },
    { field: 'length', value: 40, share: 0.79 },
    { field: 'ttl', value: 64, share: 1 },
  ] as const
  const { text } = judged({
    rates: { openingsPerS: 1_000 },
    sampled: { modes: { ...SAMPLED.modes, opening: modes } },
  })
  assert.match(text, /, 80 % have window 512 and no options, /)
})

test('slow connections are an attack from three hundred on, four times what is usual, or twenty of each source', () => {
  const kind = (count: number, sources: number, usual: Case['usual'] = {}) =>
    judged({ slow: { count, sources }, usual }).kind
  assert.deepEqual([kind(299, 1), kind(300, 1), kind(300, 300)], ['calm', 'slow', 'slow'])
  assert.deepEqual([kind(399, 1, { slow: 100 }), kind(400, 1, { slow: 100 })], ['calm', 'slow'])
  assert.deepEqual([kind(399, 20, false), kind(400, 20, false)], ['calm', 'slow'])
})

test('a flood of UDP is ten thousand a second, and four times what is usual', () => {
  const kind = (udpPerS: number, usual: Case['usual'] = {}) => judged({ rates: { udpPerS }, usual }).kind
  assert.deepEqual([kind(9_999), kind(10_000)], ['calm', 'udp-flood'])
  assert.deepEqual(
    [kind(39_999, { udpPerS: 10_000 }), kind(40_000, { udpPerS: 10_000 })],
    ['calm', 'udp-flood'],
  )
})

test('before anything is usual, much UDP or many packets of connections are a flood only where a rule would spare clients', () => {
  const made = (['ttl', 'length'] as const).map((field) => ({ field, value: 64, share: 1 }))
  const udp = [...made, { field: 'head', value: '00000000', share: 1 } as const]
  const other = [...made, { field: 'window', value: 512, share: 1 } as const]
  const kind = (rates: NonNullable<Case['rates']>, modes: Partial<Sampled['modes']>) =>
    judged({
      ...{ rates, usual: false },
      sampled: {
        ...{ ...recorded(1_000), flows: 1_000, followed: 0 },
        ...{ sources: { opening: 0, other: 900, udp: 900 }, modes: { ...SAMPLED.modes, ...modes } },
      },
    }).kind
  assert.deepEqual([kind({ udpPerS: 50_000 }, {}), kind({ udpPerS: 50_000 }, { udp })], ['calm', 'udp-flood'])
  assert.deepEqual(
    [kind({ othersPerS: 50_000 }, {}), kind({ othersPerS: 50_000 }, { other })],
    ['calm', 'packet-flood'],
  )
})

test('where no server is up clients ask again and again: a flood is eight times as much', () => {
  const kind = (openingsPerS: number, up: number, usual = 1_000, sampled: Case['sampled'] = {}) =>
    judged({ rates: { openingsPerS }, servers: { up }, usual: { openingsPerS: usual }, sampled }).kind
  assert.deepEqual([kind(31_999, 0), kind(32_000, 0), kind(4_000, 1)], ['calm', 'syn-flood', 'syn-flood'])
  assert.deepEqual([kind(7_999, 0, 0), kind(8_000, 0, 0)], ['calm', 'syn-flood'])
  const night = { modes: { ...SAMPLED.modes, opening: [{ field: 'window', value: 0, share: 1 } as const] } }
  assert.equal(kind(4_000, 0, 1_000, night), 'syn-flood', 'what no client sends is one as always')
  const kept = judged({
    ...{ rates: { openingsPerS: 4_000 }, servers: { up: 0, kept: 2 } },
    usual: { openingsPerS: 1_000 },
  })
  assert.equal(kept.kind, 'syn-flood', 'nor is one told late where the guard sends traffic all the same')
})

test('what defence stopped never completes, and counts as the share that it is of all', () => {
  const { kind, completed } = judged({
    rates: { openingsPerS: 10_000 },
    sampled: { stopped: 5_000, stoppedShare: 0.9, followed: 1_000, wentOn: 1_000 },
  })
  assert.deepEqual([kind, completed!.toFixed(3)], ['syn-flood', '0.100'])
})
