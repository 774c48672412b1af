// What slots are through failures, returns, weights, edits of the file and time, checked against flows that send.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ASK_BEFORE, currentOf, SLOT_LEARN, SLOT_RECORDS, settledOf, slotWord } from '../dataplane/shape.ts'
import { scaleHash } from '../schedule/hash.ts'
import { buildTable, type Table } from '../schedule/ranks.ts'
import { inherit } from './inherit.ts'
import { type Lives, type Past, PoolSlots } from './pool-slots.ts'

const LIVES: Lives = { young: 900_000, learn: 300_000 }
const tableOf = (ids: readonly number[], slots: number): Table =>
  buildTable(
    ids.map((id) => ({ name: `web${String(id).padStart(3, '0')}`, weight: 1 })),
    slots,
  )

/** A pool of servers whose ids are the numbers in their names, without a generation around it. */
class Pool {
  readonly ids: readonly number[]
  readonly words: Uint32Array
  readonly before: Uint32Array | undefined
  readonly slots: PoolSlots
  readonly parts: Float64Array

  constructor(
    ids: readonly number[],
    size: number,
    parts: ReadonlyMap<number, number>,
    from?: { pool: Pool; now: number },
  ) {
    this.ids = [...ids].sort((a, b) => a - b)
    const table = tableOf(this.ids, size)
    this.parts = Float64Array.from(this.ids, (id) => parts.get(id) ?? 1)
    this.slots = new PoolSlots({ table, ids: this.ids, lives: LIVES, parts: this.parts })
    this.words = this.slots.words
    if (!from) {
      this.slots.fill()
      return
    }
    const idOf = (id: number) => (id === ASK_BEFORE || this.ids.includes(id) ? id : 0)
    const { pool, now } = from
    const asks = pool.words.some((word) => settledOf(word) === ASK_BEFORE)
    const current = Uint16Array.from({ length: size }, (_, slot) => this.slots.idAt(slot))
    const { words, before, changed, learned } = inherit(
      { words: pool.words, before: asks ? pool.before : undefined, idOf },
      current,
      true,
    )
    this.words.set(words)
    this.before = before
    this.slots.resume(
      now,
      size === pool.words.length ? this.#past(pool, now, idOf, changed, learned) : undefined,
    )
  }

  #past(
    pool: Pool,
    now: number,
    idOf: (id: number) => number,
    changed: { slots: Uint32Array; from: Uint16Array },
    learned: Uint32Array,
  ): Past {
    const { young, learning } = pool.slots.past(LIVES, idOf)
    young.add(now, changed.slots, changed.from)
    return { young, learning: [...learning, { until: now + LIVES.learn, slots: learned }] }
  }

  change(id: number, part: number, now: number, isFailure: boolean): number {
    return this.slots.change(this.ids.indexOf(id), part, now, isFailure)
  }

  slotOf(hash: number): number {
    return scaleHash(hash, this.words.length)
  }

  settledOf(hash: number): number {
    const word = this.words[this.slotOf(hash)]!
    const settled = settledOf(word)
    if (settled !== ASK_BEFORE) return settled
    return settledOf(this.before![scaleHash(hash, this.before!.length)]!)
  }

  get currents(): number[] {
    return [...this.words].map(currentOf)
  }
}
const all = new Map<number, number>()
const hashes = Array.from({ length: 40 }, (_, i) => Math.floor((i * 0x100000000) / 40) + 12_345)

test('a failure moves the slots of that server, keeps it as settled, and learns nothing', () => {
  const pool = new Pool([1, 2, 3], 1_021, all)
  const before = pool.words.slice()
  const written = pool.change(2, 0, 1_000, true)
  let changed = 0
  for (const [slot, word] of pool.words.entries()) {
    if (currentOf(before[slot]!) !== 2) assert.equal(word, before[slot])
    else {
      changed++
      assert.deepEqual([settledOf(word), word & SLOT_LEARN, word >>> 31], [2, 0, 1])
      assert.notEqual(currentOf(word), 2)
    }
  }
  assert.ok(changed > 300 && written === changed && pool.slots.young === changed)
  assert.equal(pool.change(2, 0, 1_000, true), 0, 'the same again writes nothing')
  assert.equal(pool.change(2, 1, 2_000, false), changed)
  assert.ok(
    pool.words.every((word) => (word & SLOT_LEARN) === 0),
    'every UDP flow that sends has a record already',
  )
  pool.slots.expire(2_000 + LIVES.young)
  assert.equal(
    pool.slots.forget(3_000_000, () => false),
    changed,
  )
  assert.deepEqual(pool.words, before, 'its return has restored the bytes')
})

test('a planned change learns UDP flows for their time-out, and settles when its flows are silent', () => {
  const pool = new Pool([1, 2, 3], 1_021, all)
  const written = pool.change(2, 0.5, 0, false)
  const moved = [...pool.words.keys()].filter((slot) => pool.words[slot]! >>> 31 === 1)
  assert.equal(moved.length, written)
  const flags = () => new Set(moved.map((slot) => pool.words[slot]! >>> 30))
  const settled = () => new Set(moved.map((slot) => settledOf(pool.words[slot]!)))
  assert.deepEqual([flags(), settled()], [new Set([3]), new Set([2])])
  assert.equal(pool.slots.expire(LIVES.learn - 1), 0)
  assert.equal(pool.slots.expire(LIVES.learn), written)
  assert.deepEqual([flags(), settled()], [new Set([2]), new Set([2])])
  assert.equal(pool.slots.expire(LIVES.young), written)
  assert.deepEqual(settled(), new Set([1, 3]))
  assert.equal(
    pool.slots.forget(LIVES.young, (slot) => slot === moved[0]),
    written - 1,
  )
  assert.equal(pool.slots.records, 1, 'a slot with a record elsewhere is looked up still')
})

test('RECORDS stays where something changed since a sweep began', () => {
  const pool = new Pool([1, 2], 1_021, all)
  pool.change(1, 0, 0, true)
  pool.slots.expire(LIVES.young)
  pool.change(1, 1, LIVES.young + 10, false)
  assert.equal(
    pool.slots.forget(LIVES.young + 5, () => false),
    0,
  )
  assert.equal(
    pool.slots.forget(LIVES.young + 11, () => false),
    0,
    'what is young is not forgotten either',
  )
})

test('a slot that nobody had takes a server without a past', () => {
  const pool = new Pool([1, 2], 1_021, new Map([[1, 0], [2, 0]])) // biome-ignore format: a map
  assert.deepEqual(new Set(pool.words), new Set([0]))
  pool.change(2, 1, 5, false)
  assert.deepEqual(new Set(pool.words), new Set([slotWord(2, 2)]))
})

const part = fc.constantFrom(0, 0.25, 0.5, 1)
const step = fc.oneof(
  fc.record({
    kind: fc.constant('change' as const),
    id: fc.integer({ min: 1, max: 6 }),
    part,
    isFailure: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('wait' as const),
    ms: fc.constantFrom(1_000, 60_000, 290_000, 600_000, 899_000),
  }),
  fc.record({
    kind: fc.constant('edit' as const),
    ids: fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 7 }),
    size: fc.constantFrom(23, 23, 47, 101),
  }),
  fc.record({ kind: fc.constant('restart' as const) }),
)

test('current servers depend on where things stand, not on how they got there, edits and restarts included', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const parts = new Map<number, number>()
      let pool = new Pool([1, 2, 3, 4], 23, parts)
      let now = 0
      for (const each of steps) {
        if (each.kind === 'change') {
          parts.set(each.id, each.part)
          if (pool.ids.includes(each.id)) pool.change(each.id, each.part, now, each.isFailure)
        } else if (each.kind === 'edit') pool = new Pool(each.ids, each.size, parts, { pool, now })
        else if (each.kind === 'wait') {
          now += each.ms
          pool.slots.expire(now)
        }
        assert.deepEqual(pool.currents, new Pool(pool.ids, pool.words.length, parts).currents)
      }
    }),
    { numRuns: 200 },
  )
})

/** What the packet path does with a packet of a TCP flow, docs/packet-path.md, with servers that all keep their flows. */
function packetOf(pool: Pool, records: Map<number, number>, hash: number, isSyn: boolean): number {
  const word = pool.words[pool.slotOf(hash)]!
  if ((word & SLOT_RECORDS) === 0) return currentOf(word)
  const settled = pool.settledOf(hash)
  const server = isSyn ? currentOf(word) : (records.get(hash) ?? (settled === 0 ? currentOf(word) : settled))
  records.set(hash, server)
  return server
}

test('a TCP flow that sends within its time-out keeps its server while the pool has it, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
      const parts = new Map<number, number>()
      let pool = new Pool([1, 2, 3, 4], 23, parts)
      let now = 0
      const records = new Map<number, number>()
      const flows = new Map<number, number>()
      const begin = (hash: number) => flows.set(hash, packetOf(pool, records, hash, true))
      for (const hash of hashes.slice(0, 30)) begin(hash)
      for (const [at, each] of steps.entries()) {
        if (each.kind === 'change') {
          parts.set(each.id, each.part)
          if (pool.ids.includes(each.id)) pool.change(each.id, each.part, now, each.isFailure)
        } else if (each.kind === 'edit') {
          pool = new Pool(each.ids, each.size, parts, { pool, now })
          for (const [hash, server] of records) if (!pool.ids.includes(server)) records.delete(hash)
        } else if (each.kind === 'wait') {
          now += each.ms
          pool.slots.expire(now)
        } else pool.slots.resume(now)
        // one flow more begins now, one begins anew, and all send
        begin(hashes[30 + (at % 10)]!)
        begin(hashes[at % 30]!)
        for (const [hash, server] of flows) {
          if (server === 0 || !pool.ids.includes(server)) begin(hash)
          else assert.equal(packetOf(pool, records, hash, false), server, `${hash} at ${now}`)
        }
        const foreign = new Set<number>()
        for (const [hash, server] of records)
          if (server !== currentOf(pool.words[pool.slotOf(hash)]!)) foreign.add(pool.slotOf(hash))
        pool.slots.forget(now + 1, (slot) => foreign.has(slot))
      }
    }),
    { numRuns: 400 },
  )
})

test('once nothing is young and no record differs, words are as if nothing had happened', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const parts = new Map<number, number>()
      let pool = new Pool([1, 2, 3, 4], 23, parts)
      let now = 0
      for (const each of steps) {
        if (each.kind === 'change') {
          parts.set(each.id, each.part)
          if (pool.ids.includes(each.id)) pool.change(each.id, each.part, now, each.isFailure)
        } else if (each.kind === 'edit') pool = new Pool(each.ids, each.size, parts, { pool, now })
        else if (each.kind === 'wait') {
          now += each.ms
          pool.slots.expire(now)
        } else pool.slots.resume(now)
      }
      now += LIVES.young
      pool.slots.expire(now)
      pool.slots.forget(now + 1, () => false)
      assert.deepEqual(pool.words, new Pool(pool.ids, pool.words.length, parts).words)
      assert.deepEqual([pool.slots.young, pool.slots.records], [0, 0])
    }),
    { numRuns: 200 },
  )
})

test('a failure after a failure moves the slots of the second server only', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 5 }), (first, step) => {
      const second = ((first - 1 + step) % 6) + 1
      const pool = new Pool([1, 2, 3, 4, 5, 6], 1_021, all)
      pool.change(first, 0, 0, true)
      const before = pool.words.slice()
      pool.change(second, 0, 100, true)
      for (const [slot, word] of pool.words.entries())
        if (currentOf(before[slot]!) !== second) assert.equal(word, before[slot])
        else assert.ok(![first, second].includes(currentOf(word)))
    }),
    { numRuns: 30 },
  )
})

test('slots without a past go on in a generation in which nothing of the pool is other', () => {
  const table = tableOf([1, 2, 3], 1_021)
  const optionsOf = (...parts: number[]) => ({
    ...{ table, ids: [1, 2, 3], lives: LIVES },
    parts: Float64Array.from(parts),
  })
  const old = new PoolSlots(optionsOf(1, 1, 1))
  old.fill()
  assert.ok(old.isSettledAs(optionsOf(1, 1, 1)))
  assert.ok(old.change(0, 0, 1, true) > 300)
  // its flows have a past
  assert.ok(!old.isSettledAs(optionsOf(0, 1, 1)))
  old.expire(1 + LIVES.young)
  old.forget(2 + LIVES.young, () => false)
  assert.ok(old.isSettledAs(optionsOf(0, 1, 1)))
  const fresh = new PoolSlots(optionsOf(0, 1, 1))
  fresh.fill()
  assert.deepEqual([old.words, old.held, old.left().current], [fresh.words, fresh.held, fresh.left().current])
  for (const other of [
    optionsOf(1, 1, 1),
    { ...optionsOf(0, 1, 1), ids: [1, 2, 4] },
    { ...optionsOf(0, 1, 1), table: tableOf([1, 2, 3], 1_021) },
    { ...optionsOf(0, 1, 1), sorry: tableOf([4], 1_021) },
    { ...optionsOf(0, 1, 1), isLost: true },
    { ...optionsOf(0, 1, 1), lives: undefined },
    { ...optionsOf(0, 1, 1), lives: { ...LIVES, young: 1 } },
  ])
    assert.equal(old.isSettledAs(other), false)
})
