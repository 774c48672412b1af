import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { costOf, type LeastKind, type Load, leastLoaded } from './least.ts'

const kinds: readonly LeastKind[] = ['lc', 'wlc', 'sed', 'nq']
const load = (weight: number, active: number, inactive = 0): Load => ({ weight, active, inactive })
const loads = fc.array(
  fc.record({
    weight: fc.integer({ min: 0, max: 5 }),
    active: fc.integer({ min: 0, max: 6 }),
    inactive: fc.integer({ min: 0, max: 600 }),
  }),
  { maxLength: 8 },
)

test('an active connection costs lc and wlc as much as 256 inactive ones', () => {
  for (const kind of ['lc', 'wlc'] as const) {
    assert.equal(leastLoaded(kind, [load(1, 1), load(1, 0, 255)]), 1)
    assert.equal(leastLoaded(kind, [load(1, 1), load(1, 0, 256)]), 0)
    assert.equal(leastLoaded(kind, [load(1, 1), load(1, 0, 257)]), 0)
  }
})

test('lc does not look at weights, wlc divides by them', () => {
  const two = [load(1, 2), load(4, 3)]
  assert.equal(leastLoaded('lc', two), 0)
  assert.equal(leastLoaded('wlc', two), 1)
})

test('sed counts the connection that is to come, wlc does not', () => {
  // (1+1)/2 against (2+1)/4; 256/2 and 512/4 are equal, and the first one wins
  const two = [load(2, 1), load(4, 2)]
  assert.equal(leastLoaded('wlc', two), 0)
  assert.equal(leastLoaded('sed', two), 1)
  assert.equal(leastLoaded('sed', [load(1, 0), load(9, 3)]), 1)
})

test('nq takes the first idle server, however slow, and else does as sed', () => {
  const idle = [load(9, 3), load(1, 0), load(2, 0)]
  assert.equal(leastLoaded('nq', idle), 1)
  assert.equal(leastLoaded('sed', idle), 0)
  const busy = [load(9, 8), load(1, 1), load(2, 1)]
  assert.equal(leastLoaded('nq', busy), leastLoaded('sed', busy))
})

test('sed and nq do not look at inactive connections', () => {
  for (const kind of ['sed', 'nq'] as const)
    assert.equal(leastLoaded(kind, [load(1, 1, 100_000), load(1, 1)]), 0)
})

test('a server of weight 0 gets nothing, and nobody does when all have 0', () => {
  for (const kind of kinds) {
    assert.equal(leastLoaded(kind, [load(0, 0), load(1, 1_000)]), 1)
    assert.equal(leastLoaded(kind, [load(0, 0), load(0, 3)]), -1)
    assert.equal(leastLoaded(kind, []), -1)
  }
})

test('the first of the servers with the least cost for their weight is taken, by exact comparison', () => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), loads, (kind, some) => {
      const able = some.flatMap((one, i) => (one.weight > 0 ? [i] : []))
      const cost = (i: number) => {
        // weights up to 5 divide 60
        const { weight } = some[i]!
        return kind === 'lc' ? costOf(kind, some[i]!) : (costOf(kind, some[i]!) * 60) / weight
      }
      const idle = kind === 'nq' ? able.find((i) => some[i]!.active === 0) : undefined
      const least = Math.min(...able.map(cost))
      assert.equal(leastLoaded(kind, some), idle ?? able.find((i) => cost(i) === least) ?? -1)
    }),
    { numRuns: 2_000 },
  )
})

test('the greatest counts and weights compare exactly', () => {
  const most = 2 ** 22 - 1
  assert.equal(leastLoaded('wlc', [load(65_535, most, 1), load(65_535, most, 0)]), 1)
  assert.equal(leastLoaded('sed', [load(65_534, most), load(65_535, most)]), 1)
})
