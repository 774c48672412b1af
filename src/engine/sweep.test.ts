import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FLOW, type FlowRecord, TIME_MASK, WORDS } from '../dataplane/flow-record.ts'
import { slotWord } from '../dataplane/shape.ts'
import { scaleHash } from '../schedule/hash.ts'
import { Records } from './records.ts'
import { Sweep, type SweepPools, type Swept } from './sweep.ts'

/**
 * Services 0 and 1 of pools 0 and 1 (11 and 23 slots); 2 is gone; 3 is of pool 0, and slots do not pick its servers.
 * Servers 1 to 3; 1 and 2 in pool 0, 2 and 3 in 1.
 */
const idle = Uint32Array.from([0, 10, 20, 100, 0, 5, 7, 50, 0, 0, 0, 0, 0, 9, 9, 90])
const poolOf = [0, 1, -1, 0]
const slots = [11, 23]
const currents = Array.from({ length: 34 }, (_, slot) => (slot < 11 ? 1 + (slot % 2) : 2 + (slot % 2)))
const pools: SweepPools = {
  poolOf: Int32Array.from(poolOf),
  bases: [0, 11],
  slots,
  isServer: Uint8Array.of(0, 1, 1, 1),
  words: [currents.slice(0, 11), currents.slice(11)].map((ids) =>
    Uint32Array.from(ids, (id) => slotWord(id, 7)),
  ),
  placeOf: [Uint32Array.of(0, 1), Uint32Array.of(2, 3)],
  leastId: Int32Array.of(1, 2),
  places: 4,
  bySlot: Uint8Array.of(1, 1, 1, 0),
  idle,
  keeps: Uint8Array.of(0, 1, 0, 0),
  networks: Uint32Array.of(60, 0, 0, 0),
  isShut: (pool, server) => pool === 0 && server === 2,
}
const TICK = 40 // a little after ticks came round
const record = fc.record({
  hash: fc.integer({ min: 0, max: 0xffffffff }),
  other: fc.integer({ min: 0, max: 0xffffffff }),
  server: fc.integer({ min: 1, max: 5 }),
  service: fc.integer({ min: 0, max: 3 }),
  age: fc.nat(130),
  state: fc.constantFrom(FLOW.closed, FLOW.syn, FLOW.established),
})

function walk(sweep: Sweep, slice: number): Swept {
  for (let at = 1_000; ; at++) {
    const swept = sweep.step(at, TICK, slice)
    if (swept) return swept
  }
}

test('a walk ends what is silent or nobody’s, counts the rest, and marks slots with records elsewhere', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 80 }), fc.constantFrom(7, 64, 10_000), (some, slice) => {
      const flows = new Records(new Uint32Array(WORDS.count * 800), 800)
      const put = new Map<string, FlowRecord & { readonly age: number }>()
      for (const { age, ...each } of some) {
        const time = (TICK - age) & TIME_MASK
        flows.put({ ...each, time }, TICK)
        put.set(`${each.hash} ${each.other}`, { ...each, time, age })
      }
      const sweep = new Sweep(flows, pools)
      const swept = walk(sweep, slice)
      assert.equal(sweep.isBetween, true)
      const known = [...put.values()].filter(({ server, service }) => server <= 3 && service !== 2)
      const live = known.filter(({ service, state, age }) => age <= idle[4 * service + state]!)
      // Of service 1 established ones stay, but are not counted.
      const kept = known.filter(({ service, state }) => service === 1 && state === FLOW.established)
      assert.equal(swept.live, live.length)
      for (const each of put.values())
        assert.equal(flows.find(each.hash, each.other) >= 0, live.includes(each) || kept.includes(each))
      const count = (is: (each: FlowRecord) => boolean) => live.filter(is).length
      assert.deepEqual(
        swept.states.slice(1),
        [1, 2, 3].map((state) => count((each) => each.state === state)),
      )
      assert.deepEqual(
        [...swept.services],
        [0, 1, 2, 3].map((service) => count((each) => each.service === service)),
      )
      for (const [place, [pool, server]] of [
        [0, 1],
        [0, 2],
        [1, 2],
        [1, 3],
      ].entries()) {
        // biome-ignore format: pairs
        const theirs = live.filter((each) => poolOf[each.service] === pool && each.server === server)
        assert.equal(swept.flows[place], theirs.length)
        assert.equal(swept.closed[place], theirs.filter(({ state }) => state === FLOW.closed).length)
        assert.equal(swept.silent[place], Math.min(0xffffffff, ...theirs.map(({ age }) => age)))
      }
      const foreign = new Set(
        known
          .filter(({ service }) => service !== 3)
          .map(({ hash, service, server }) => ({
            server,
            slot: [0, 11][service]! + scaleHash(hash, slots[service]!),
          }))
          .flatMap(({ server, slot }) => (server === currents[slot] ? [] : [slot])),
      )
      for (let slot = 0; slot < 34; slot++)
        assert.equal((swept.foreign[slot >> 3]! >> (slot & 7)) & 1, foreign.has(slot) ? 1 : 0)
      // what went in this walk is seen no more in the next
      assert.equal(walk(sweep, slice).live, live.length)
    }),
    { numRuns: 200 },
  )
})

test('records past their time-out stay until a quarter of the table is taken, or half a clock has passed', () => {
  const flows = new Records(new Uint32Array(WORDS.count * 800), 800)
  const spread = (n: number) => Math.imul(n, 0x9e37_79b1) >>> 0
  const put = (n: number, service: number, age: number, state: FlowRecord['state'] = FLOW.established) => {
    const time = (TICK - age) & TIME_MASK
    flows.put({ hash: spread(n), other: spread(n + 1_000), service, server: 2, time, state }, TICK)
  }
  const there = () =>
    Array.from({ length: 220 }, (_, n) => n).filter((n) => flows.find(spread(n), spread(n + 1_000)) >= 0)
  const old = 51
  for (let n = 1; n <= 200; n++) put(n, 1, old)
  const sweep = new Sweep(flows, pools)
  assert.equal(walk(sweep, 100).live, 0)
  assert.equal(there().length, 200)
  // Closed ones, and those of a service that keeps none, go.
  put(201, 1, old, FLOW.closed)
  put(202, 0, 101)
  put(203, 1, 2 ** 29)
  walk(sweep, 100)
  assert.equal(there().length, 200)
  // One more: this walk sees it, the next one makes room.
  put(204, 1, 0)
  assert.equal(walk(sweep, 100).live, 1)
  assert.equal(there().length, 201)
  assert.equal(walk(sweep, 100).live, 1)
  assert.deepEqual(there(), [204])
  // And there is room again.
  put(205, 1, old)
  walk(sweep, 100)
  assert.deepEqual(there(), [204, 205])
})

test('networks go by their own time-out, with their server, and with a service that has none; they are no flows', () => {
  const flows = new Records(new Uint32Array(WORDS.count * 800), 800)
  const network = (other: number, service: number, server: number, age: number) =>
    flows.put(
      { hash: 1, other, service, server, time: TICK - age, state: FLOW.established, template: true },
      TICK,
    )
  network(1, 0, 1, 60 - TICK)
  network(2, 0, 1, 20)
  network(3, 0, 2, 20)
  network(4, 1, 2, 0)
  network(5, 0, 5, 0)
  flows.put({ hash: 1, other: 6, service: 0, server: 1, time: TICK - 30, state: FLOW.established }, TICK)
  const sweep = new Sweep(flows, pools)
  const swept = walk(sweep, 100)
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((other) => flows.find(1, other) >= 0),
    [true, true, false, false, false, true],
  )
  assert.deepEqual([swept.live, [...swept.networks], [...swept.services]], [3, [2, 0, 0, 0], [1, 0, 0, 0]])
  assert.deepEqual([swept.flows[0], swept.silent[0]], [1, 30])
  const after = new Sweep(flows, pools)
  for (let at = 0; ; at++) if (after.step(at, TICK + 41, 100)) break
  assert.deepEqual(
    [1, 2, 6].map((other) => flows.find(1, other) >= 0),
    [false, false, true],
  )
})

test('a walk takes as many steps as its slices, and says when it began', () => {
  const sweep = new Sweep(new Records(new Uint32Array(WORDS.count * 100), 100), pools)
  assert.deepEqual(
    [5, 6, 7, 8].map((now) => sweep.step(now, TICK, 30)?.since),
    [undefined, undefined, undefined, 5],
  )
  assert.equal(sweep.step(9, TICK, 1_000)?.since, 9)
})
