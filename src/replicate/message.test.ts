// Messages between nodes: round trips, every length cut short, random damage.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TenbinError } from '../base/errors.ts'
import { ASK_BEFORE } from '../dataplane/shape.ts'
import type { FlowBatch, SharedFlow } from '../engine/flow-exchange.ts'
import type { PoolShare } from '../engine/pool-share.ts'
import { ByteReader, ByteWriter } from './bytes.ts'
import {
  type Answer,
  decodeAnswer,
  decodeMessage,
  encodeAnswer,
  encodeMessage,
  fingerprintOf,
  type Message,
} from './message.ts'
import { EXPANDED_MAX, sizeOf } from './share-codec.ts'

const KEYS = fingerprintOf(BigUint64Array.from([1n, 2n, 3n]))
const SLOTS = 1_024
const u32 = fc.nat(0xffff_ffff)

const slots = fc
  .uniqueArray(fc.nat(SLOTS - 1), { maxLength: 50 })
  .map((some) => Uint32Array.from(some).sort())
const numbersFor = (of: Uint32Array) =>
  fc
    .array(fc.nat(3), { minLength: of.length, maxLength: of.length })
    .map((numbers) => Uint16Array.from(numbers))
const change = slots.chain((of) =>
  fc.record({ agoMs: fc.nat(1e9), more: fc.nat(1e6), slots: fc.constant(of), from: numbersFor(of) }),
)
const share = fc
  .record({
    marked: slots,
    young: fc.array(change, { maxLength: 4 }),
    isSorry: fc.boolean(),
    asks: fc.boolean(),
  })
  .chain(({ marked, young, isSorry, asks }) =>
    fc.record({
      pool: fc.constantFrom('web', 'ünï'),
      slots: fc.constant(SLOTS),
      servers: fc.constant([
        { name: 'a', address: '10.0.0.1' },
        { name: 'b', address: '2001:db8::1' },
        { name: 's', address: '10.0.0.9' },
      ]),
      members: fc.constant(2),
      sorry: fc.constant(1),
      weights: fc.constant(Uint16Array.from([10, 65_535, 1])),
      parts: fc
        .tuple(fc.constantFrom(0, 0.25, 1), fc.constant(1), fc.constant(1))
        .map((all) => Float64Array.from(all)),
      isSorry: fc.constant(isSorry),
      digest: u32,
      marked: fc.constant(marked),
      settled: numbersFor(marked).map((all) => (asks ? all.map((n) => (n === 3 ? ASK_BEFORE : n)) : all)),
      learns: numbersFor(marked).map((all) => Uint8Array.from(all, (n) => n & 1)),
      young: fc.constant(young.map(({ more, ...each }) => ({ ...each, openedAgoMs: each.agoMs + more }))),
      learning: fc.array(fc.record({ leftMs: fc.nat(1e6), slots }), { maxLength: 3 }),
      ...(asks && {
        before: fc.array(fc.nat(3), { minLength: 9, maxLength: 9 }).map((all) => Uint16Array.from(all)),
      }),
    }),
  ) as fc.Arbitrary<PoolShare>

/** ofSlots: another table's, of whose slots nothing is said. */
const ofSlots = (of: PoolShare, slots: number): PoolShare => {
  const { before: _, ...rest } = of
  const none = { marked: new Uint32Array(), settled: new Uint16Array(), learns: new Uint8Array() }
  return { ...rest, ...none, slots, young: [], learning: [] }
}

const flow = (table: FlowBatch['table']) =>
  fc.record({
    ...{ hash: u32, other: u32, server: fc.nat(1), service: fc.nat(1), ageMs: fc.nat(1e9) },
    state: fc.constantFrom(1, 2, 3),
    isNetwork: fc.boolean(),
    ...(table === 'answers' && {
      answer: fc.record({
        via: fc.constant(0),
        words: fc.array(u32, { minLength: 8, maxLength: 8 }).map((all) => Uint32Array.from(all)),
      }),
    }),
  }) as fc.Arbitrary<SharedFlow>
const batch = fc.constantFrom('flows' as const, 'answers' as const).chain((table) =>
  fc.record({
    table: fc.constant(table),
    services: fc.constant(['www', 'dns']),
    servers: fc.constant([
      { name: 'a', address: '10.0.0.1' },
      { name: 'b', address: '10.0.0.2' },
    ]),
    interfaces: fc.constant(['lan']),
    records: fc.array(flow(table), { maxLength: 20 }),
  }),
)
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ kind: fc.constantFrom('hello' as const, 'told' as const) }),
  fc.record({ kind: fc.constant('flows' as const), batch }),
  fc.record({ kind: fc.constant('share' as const), share }),
)

const refused = (error: unknown) => error instanceof TenbinError && error.code === 'REPLICA_MALFORMED'

test('what is written is read back', () => {
  fc.assert(
    fc.property(message, (sent) =>
      assert.deepEqual(decodeMessage(encodeMessage(sent, KEYS), KEYS), structuredClone(sent)),
    ),
    { numRuns: 300 },
  )
  for (const verdict of ['taken', 'idle', 'keys', 'leads', 'other', 'later'] as const) {
    const answer: Answer = { era: '00112233445566ff', verdict }
    assert.deepEqual(decodeAnswer(encodeAnswer(answer)), answer)
  }
})

test('a message cut short anywhere, or longer, is refused', () => {
  fc.assert(
    fc.property(message, (sent) => {
      const bytes = encodeMessage(sent, KEYS)
      for (let length = 0; length < bytes.length; length++)
        assert.throws(() => decodeMessage(bytes.subarray(0, length), KEYS), refused, `${length}`)
      assert.throws(() => decodeMessage(Buffer.concat([bytes, Buffer.alloc(1)]), KEYS), refused)
    }),
    { numRuns: 30 },
  )
  const answer = encodeAnswer({ era: '0011223344556677', verdict: 'taken' })
  for (let length = 0; length < answer.length; length++)
    assert.throws(() => decodeAnswer(answer.subarray(0, length)), refused)
  assert.throws(() => decodeAnswer(Uint8Array.from([9, ...answer.subarray(1)])), refused)
  assert.throws(() => decodeAnswer(Uint8Array.from([...answer.subarray(0, 9), 99])), refused)
})

test('whatever is damaged is refused by its code, or read as something that has a meaning', () => {
  fc.assert(
    fc.property(message, fc.nat(), fc.nat(255), (sent, at, byte) => {
      const bytes = encodeMessage(sent, KEYS)
      bytes[at % bytes.length] = byte
      try {
        const read = decodeMessage(bytes, KEYS)
        if (read?.kind === 'share') assert.ok(sizeOf(read.share) <= EXPANDED_MAX)
      } catch (error) {
        assert.ok(refused(error), `${error}`)
      }
    }),
    { numRuns: 1_000 },
  )
})

test('of other hash keys nothing is read, and other versions and strangers are refused', () => {
  const bytes = encodeMessage({ kind: 'hello' }, KEYS)
  assert.equal(decodeMessage(bytes, fingerprintOf(BigUint64Array.from([1n, 2n, 4n]))), undefined)
  assert.throws(() => decodeMessage(Buffer.from('GET / HTTP/1.1'), KEYS), refused)
  bytes[3] = 2
  assert.throws(() => decodeMessage(bytes, KEYS), { message: /version 2/ })
})

test('a table of a size that another version makes is read: it is for who follows to say that he cannot', () => {
  const [sent] = fc.sample(share, 1)
  for (const slots of [1_021, 655_373]) {
    const read = decodeMessage(encodeMessage({ kind: 'share', share: ofSlots(sent!, slots) }, KEYS), KEYS)
    assert.equal(read?.kind === 'share' && read.share.slots, slots)
  }
  for (const slots of [0, 2 ** 20 + 1])
    assert.throws(
      () => decodeMessage(encodeMessage({ kind: 'share', share: ofSlots(sent!, slots) }, KEYS), KEYS),
      refused,
    )
})

test('few bytes cannot become much memory', () => {
  const to = new ByteWriter()
  to.raw(encodeMessage({ kind: 'hello' }, KEYS))
  const head = to.done()
  head[4] = 3
  const bomb = new ByteWriter().raw(head).text('web').whole(655_360)
  bomb.whole(0).whole(0).whole(0).whole(0).u8(0).u32(0)
  bomb.whole(1).whole(0).whole(655_360)
  bomb.whole(0).whole(655_360).whole(0).whole(655_360)
  bomb.whole(20)
  for (let i = 0; i < 20; i++) bomb.whole(1).whole(1).whole(1).whole(0).whole(655_360).whole(0).whole(655_360)
  const bytes = bomb.done()
  assert.ok(bytes.length < 400)
  assert.throws(() => decodeMessage(bytes, KEYS), { message: /more than 8388608 slots/ })
})

test('what is written may be longer than the room that there was at first', () => {
  const to = new ByteWriter()
  for (let i = 0; i < 5_000; i++)
    to.u8(i & 0xff)
      .u32(i)
      .f64(i / 3)
  const from = new ByteReader(to.done())
  for (let i = 0; i < 5_000; i++) assert.deepEqual([from.u8(), from.u32(), from.f64()], [i & 0xff, i, i / 3])
  from.end()
})

test('a number without an end is refused', () => {
  const zeros = new ByteReader(Buffer.alloc(100, 0x80))
  assert.throws(() => zeros.whole(2 ** 53 - 1, 'age'), refused)
  assert.equal(
    new ByteReader(new ByteWriter().whole(2 ** 53 - 1).done()).whole(2 ** 53 - 1, 'age'),
    2 ** 53 - 1,
  )
})
