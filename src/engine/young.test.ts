import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Young } from './young.ts'

const LIFE = 6_400 // a grain of 100

test('a slot is settled with who had it before its oldest young change, and with the current one after the last', () => {
  const young = new Young(LIFE)
  young.add(0, Uint32Array.of(3, 7), Uint16Array.of(1, 1))
  young.add(1_000, Uint32Array.of(7), Uint16Array.of(2))
  const settled: (readonly [number, number | 'current'])[] = []
  const note = (slot: number, id: number | 'current') => settled.push([slot, id])
  young.expire(LIFE - 1, note)
  assert.deepEqual(settled, [])
  young.expire(LIFE, note)
  assert.deepEqual(settled.splice(0), [
    [3, 'current'],
    [7, 2],
  ])
  assert.deepEqual([...young.marks(8)], [0, 0, 0, 0, 0, 0, 0, 1])
  young.expire(LIFE + 1_000, note)
  assert.deepEqual(settled, [[7, 'current']])
  assert.equal(young.isEmpty, true)
})

test('changes within a grain are one, that settles with the first of them and ages with the last', () => {
  const young = new Young(LIFE)
  for (let at = 0; at < 100; at += 10) young.add(at, Uint32Array.of(1, 2 + at), Uint16Array.of(at + 5, 9))
  const settled = new Map<number, unknown>()
  young.expire(LIFE + 89, (slot, id) => settled.set(slot, id))
  assert.equal(settled.size, 0)
  young.expire(LIFE + 90, (slot, id) => settled.set(slot, id))
  assert.deepEqual([...settled.keys()], [1, 2, 12, 22, 32, 42, 52, 62, 72, 82, 92])
})

test('however a slot comes and goes, what it is settled with had it, within a grain of a life ago', () => {
  const event = fc.record({
    wait: fc.nat(900),
    slots: fc.uniqueArray(fc.nat(9), { maxLength: 6 }),
    to: fc.nat(30),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const young = new Young(LIFE)
      const current = new Uint16Array(10).fill(100)
      const settled = new Uint16Array(10).fill(100)
      /** Who had the slot from when on. */
      const past = Array.from({ length: 10 }, () => [[Number.NEGATIVE_INFINITY, 100]] as [number, number][])
      let now = 0
      const look = () => {
        young.expire(now, (slot, id) => {
          settled[slot] = id === 'current' ? current[slot]! : id
        })
        for (let slot = 0; slot < 10; slot++) {
          // those who had it at some moment between a life and a grain ago, and a life ago
          const during = past[slot]!.filter(([from], i) => {
            const until = past[slot]![i + 1]?.[0] ?? Number.POSITIVE_INFINITY
            return from <= now - LIFE && until > now - LIFE - LIFE / 64
          })
          assert.ok(
            during.some(([, id]) => id === settled[slot]),
            `slot ${slot} at ${now}: ${settled[slot]} is none of ${during}`,
          )
        }
      }
      for (const { wait, slots, to } of events) {
        now += wait
        look()
        const changed = slots.filter((slot) => current[slot] !== to).sort((a, b) => a - b)
        young.add(
          now,
          Uint32Array.from(changed),
          Uint16Array.from(changed, (slot) => current[slot]!),
        )
        for (const slot of changed) {
          current[slot] = to
          past[slot]!.push([now, to])
        }
        look()
      }
      now += LIFE
      look()
      assert.deepEqual(settled, current)
      assert.ok(young.isEmpty)
    }),
    { numRuns: 300 },
  )
})

test('a server that comes and goes for hours leaves no more than a grain of changes for each part of a life', () => {
  const young = new Young(LIFE)
  let settled = 0
  for (let at = 0; at < 20 * LIFE; at += 7) {
    young.add(at, Uint32Array.of(1, 2, 3), Uint16Array.of(at % 2, 1, 1))
    young.expire(at, () => settled++)
  }
  let left = 0
  young.expire(Number.POSITIVE_INFINITY, () => left++)
  assert.ok(left <= 3 * 66 && settled >= 3 * 64 * 18, `${left} left, ${settled} settled`)
})

test('a new generation tells the servers of before by the ids that are left', () => {
  const young = new Young(LIFE)
  young.add(0, Uint32Array.of(4, 5), Uint16Array.of(1, 2))
  young.add(1_000, Uint32Array.of(4, 5), Uint16Array.of(2, 1))
  const renewed = young.renewed(LIFE, (id) => (id === 2 ? 0 : id))
  const settled: unknown[] = []
  renewed.expire(LIFE, (slot, id) => settled.push([slot, id]))
  assert.deepEqual(settled, [
    [4, 0],
    [5, 1],
  ])
  assert.equal(renewed.changedAt, 1_000)
})
