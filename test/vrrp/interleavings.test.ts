// The machine in every interleaving that fast-check finds: two and three nodes, clocks that drift by a hundredth, adverts
// lost, late, doubled and out of order, nodes that crash, leave, sleep, are suspended and cut off. What must hold is in
// invariants.ts. More of them: TENBIN_INTERLEAVINGS=N.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Ip4 } from '../../src/base/addresses.ts'
import type { VirtualRouter } from '../../src/vrrp/router.ts'
import { assertCalm, Cause, NoGap, NotTwo, nothingSeen, type Seen, StepsBack } from './invariants.ts'
import { US } from './machine-stories.ts'
import { type Fault, Holding, type Scenario, Simulation } from './simulator.ts'

const RUNS = Number(process.env.TENBIN_INTERLEAVINGS ?? 300)
const CALM_AT = 20_000
const END_AT = 40_000

const share = (most: number) =>
  fc.oneof(
    fc.constant(0),
    fc.integer({ min: 1, max: 100 }).map((n) => (n * most) / 100),
  )
const fault = (nodes: number): fc.Arbitrary<Fault> =>
  fc.record({
    at: fc.integer({ min: 0, max: CALM_AT }),
    node: fc.nat(nodes - 1),
    kind: fc.constantFrom<Fault['kind']>(
      ...(['crash', 'start', 'start', 'shutdown', 'sleep', 'suspend', 'cut', 'yield', 'priority'] as const),
    ),
    forMs: fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 5000 })),
    priority: fc.integer({ min: 1, max: 254 }),
  })
const priority = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 254 }), weight: 9 }, fc.constant(255))
const router: fc.Arbitrary<Partial<VirtualRouter>> = fc.record({
  priority,
  preempt: fc.oneof({ arbitrary: fc.constant(true), weight: 3 }, fc.constant(false)),
  preemptDelayMs: fc.constantFrom(0, 0, 700),
  adverMs: fc.constantFrom(100, 100, 100, 250),
})
const scenario: fc.Arbitrary<Scenario> = fc.integer({ min: 2, max: 3 }).chain((nodes) =>
  fc.record({
    seed: fc.nat(0xffffffff),
    routers: fc
      .array(router, { minLength: nodes, maxLength: nodes })
      .map((all) =>
        all.map(
          (each, index) =>
            ({ ...US, ...each, primary: (US.primary as number) + index }) as VirtualRouter & { primary: Ip4 },
        ),
      ),
    rates: fc.array(
      fc.integer({ min: -100, max: 100 }).map((n) => 1 + n / 10_000),
      { minLength: nodes, maxLength: nodes },
    ),
    link: fc.record({
      delayMs: fc.constantFrom(1, 10, 40),
      loss: share(0.6),
      doubled: share(0.3),
      late: share(0.1),
      lateMs: fc.constantFrom(300, 2000),
    }),
    timerMs: fc.constantFrom(0, 5),
    faults: fc.array(fault(nodes), { maxLength: 12 }),
    calmAt: fc.constant(CALM_AT),
    endAt: fc.constant(END_AT),
  }),
)

/** play runs a scenario under all rules. */
function play(each: Scenario, seen: Seen): void {
  const simulation = new Simulation(each, (of) => [
    new Holding(),
    new NoGap(of, seen),
    new Cause(of, seen),
    new NotTwo(of, seen),
    new StepsBack(of),
  ])
  simulation.run()
  assertCalm(simulation)
}

test('whatever happens: no gap beyond the bound, nobody takes over without cause, two do not stay two', () => {
  const seen = nothingSeen()
  fc.assert(
    fc.property(scenario, (each) => play(each, seen)),
    { numRuns: RUNS },
  )
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 0, `${what} was never met`)
  if (RUNS > 300) console.log(JSON.stringify({ runs: RUNS, ...seen }))
})
