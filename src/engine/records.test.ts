import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FLOW, type FlowRecord, type FlowState, TIME_MASK, WORDS } from '../dataplane/flow-record.ts'
import { FlowCopy } from './flow-copy.ts'
import { Records } from './records.ts'

const NOW = 5 // ticks: a little after they came round
const table = (entries: number) => new Records(new Uint32Array(WORDS.count * entries), entries)
const record = fc.record({
  hash: fc.integer({ min: 0, max: 0xffffffff }),
  other: fc.integer({ min: 0, max: 0xffffffff }),
  server: fc.integer({ min: 1, max: 0x7ffe }),
  service: fc.integer({ min: 0, max: 0xffff }),
  time: fc.integer({ min: -1_000, max: NOW }).map((time) => time & TIME_MASK),
  state: fc.constantFrom(FLOW.closed, FLOW.syn, FLOW.established),
})
const records = (maxLength: number) =>
  fc.uniqueArray(record, { maxLength, selector: ({ hash, other }) => `${hash} ${other}` })
const all = (records: Records): FlowRecord[] =>
  Array.from({ length: records.entries }, (_, entry) => records.recordAt(entry) ?? []).flat()

test('what is put is found by its hashes, with all that it says', () => {
  fc.assert(
    fc.property(records(40), (some) => {
      const flows = table(400)
      for (const each of some) assert.equal(flows.put(each, NOW), true)
      for (const each of some)
        assert.deepEqual(flows.recordAt(flows.find(each.hash, each.other)), { ...each })
      assert.equal(all(flows).length, some.length)
      assert.equal(flows.find(1, 2), -1)
    }),
    { numRuns: 100 },
  )
})

test('put again, a flow has one record: the newer one', () => {
  const flows = table(8)
  const each: FlowRecord = { hash: 1, other: 0x80000000, server: 5, service: 2, time: 3, state: FLOW.syn }
  flows.put(each, NOW)
  flows.put({ ...each, server: 6, state: FLOW.established }, NOW)
  assert.deepEqual(all(flows), [{ ...each, server: 6, state: FLOW.established }])
})

test('in a full bucket the record that matters least makes room: closed, SYN only, oldest; and none that matters more', () => {
  const flows = table(4)
  const of = (other: number, state: FlowState, time: number): FlowRecord => ({
    hash: 7, other, server: 1, service: 0, time: time & TIME_MASK, state,
  }) // biome-ignore format: a record
  const established = [1, 2, 3].map((other) => of(other, FLOW.established, -100 * other))
  for (const each of [...established, of(4, FLOW.closed, NOW)]) flows.put(each, NOW)
  assert.equal(flows.put(of(5, FLOW.syn, NOW), NOW), true)
  assert.deepEqual(new Set(all(flows).map(({ other }) => other)), new Set([1, 2, 3, 5]))
  assert.equal(flows.put(of(6, FLOW.established, -250), NOW), true, 'in place of the SYN')
  assert.deepEqual(new Set(all(flows).map(({ other }) => other)), new Set([1, 2, 3, 6]))
  assert.equal(flows.put(of(7, FLOW.established, -50), NOW), true, 'in place of the oldest')
  assert.deepEqual(new Set(all(flows).map(({ other }) => other)), new Set([1, 2, 6, 7]))
  assert.equal(flows.put(of(8, FLOW.syn, NOW), NOW), false)
  assert.equal(flows.put(of(9, FLOW.established, -900), NOW), false)
})

test('a record is cleared only while it is what was read', () => {
  const flows = table(4)
  flows.put({ hash: 1, other: 2, server: 3, service: 4, time: 1, state: FLOW.established }, NOW)
  const entry = flows.find(1, 2)
  const [stable, changing] = [WORDS.stable, WORDS.changing].map(
    (word) => flows.words[WORDS.count * entry + word]!,
  )
  flows.words[WORDS.count * entry + WORDS.changing]!++
  assert.equal(flows.clear(entry, stable!, changing!), false)
  assert.equal(flows.clear(entry, stable!, changing! + 1), true)
  assert.deepEqual(all(flows), [])
})

test('records of servers and services that are gone go, and no others', () => {
  fc.assert(
    fc.property(records(60), (some) => {
      const flows = table(600)
      for (const each of some) flows.put(each, NOW)
      const isGone = (server: number, service: number) => server % 3 === 0 || service % 5 === 0
      const gone = some.filter(({ server, service }) => isGone(server, service))
      assert.equal(flows.clearWhere(isGone), gone.length)
      assert.equal(all(flows).length, some.length - gone.length)
      assert.ok(all(flows).every(({ server, service }) => !isGone(server, service)))
    }),
    { numRuns: 50 },
  )
})

test('copied into a table of another size, every record is found there, also those that came in meanwhile', () => {
  fc.assert(
    fc.property(records(60), fc.constantFrom(300, 400, 900), fc.nat(59), ([...some], size, later) => {
      const from = table(400)
      const to = table(size)
      const [first, second] = [some.slice(later), some.slice(0, later)]
      for (const each of first) from.put(each, NOW)
      const copy = new FlowCopy(from, to)
      assert.deepEqual(copy.pass(NOW), { placed: first.length, unplaced: 0 })
      assert.equal(copy.missing(), 0)
      for (const each of second) from.put(each, NOW)
      const moved = first.slice(0, 5).map((each) => ({ ...each, server: 9, time: NOW }))
      for (const each of moved) from.put(each, NOW)
      assert.deepEqual(copy.pass(NOW), { placed: second.length + moved.length, unplaced: 0 })
      assert.deepEqual(copy.pass(NOW), { placed: 0, unplaced: 0 })
      const byFlow = (a: FlowRecord, b: FlowRecord) => a.hash - b.hash || a.other - b.other
      assert.deepEqual(all(to).sort(byFlow), all(from).sort(byFlow))
    }),
    { numRuns: 100 },
  )
})

test('a table that is too small keeps what matters most and says how many had no room', () => {
  const from = table(400)
  const to = table(40)
  for (let i = 0; i < 100; i++)
    from.put({ hash: i * 0x1234567, other: Math.imul(i, 0x9e3779b1) >>> 0, server: 1, service: 0, time: i & TIME_MASK, state: i < 30 ? FLOW.established : FLOW.syn }, 200) // biome-ignore format: a record
  const copy = new FlowCopy(from, to)
  const { placed, unplaced } = copy.pass(200)
  assert.equal(placed + unplaced, all(from).length)
  assert.ok(copy.missing() >= all(from).length - 40)
  const kept = all(to).filter(({ state }) => state === FLOW.established).length
  assert.ok(kept >= 25, `${kept} of 30 established ones kept`)
})
