import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  aboutOf,
  digestOf,
  type FloodWord,
  heard,
  inForce,
  later,
  nextEnd,
  ORDERS_LIMIT,
  type Order,
  say,
} from './said.ts'

const ban = (prefix: string): Order => ({ kind: 'ban', prefix })
const saying = (order: Order, until?: number) => ({
  about: aboutOf(order),
  order,
  ...(until !== undefined && { until }),
})
const ordersOf = (words: readonly FloodWord[], now: number) => inForce(words, now).map(({ about }) => about)

test('the last word about something counts, until it is taken back or over', () => {
  let words = say([], saying(ban('192.0.2.1'), 2000), 'lb1', 1000)
  words = say(words, saying({ kind: 'proof', mode: 'on' }), 'lb1', 1100)
  assert.deepEqual(ordersOf(words, 1999), ['ban 192.0.2.1', 'proof'])
  assert.equal(nextEnd(words, 1200), 2000)
  assert.deepEqual(ordersOf(words, 2000), ['proof'])
  assert.equal(nextEnd(words, 2000), undefined)
  words = say(words, { about: 'proof' }, 'lb1', 1300)
  assert.deepEqual(ordersOf(words, 1300), ['ban 192.0.2.1'])
})

test('an action by hand and a rule by hand of one name are about the same', () => {
  const rule: Order = { kind: 'rule', name: 'night', rule: { tcp: 'syn' }, isObserved: true }
  const words = say(
    say([], saying(rule), '', 1),
    saying({ kind: 'action', name: 'night', action: 'drop' }),
    '',
    2,
  )
  assert.deepEqual(
    inForce(words, 3).map(({ order }) => order.kind),
    ['action'],
  )
})

test('whatever two nodes say, and in whatever order they hear of each other, both end up with the same', () => {
  const about = fc.constantFrom('192.0.2.1', '192.0.2.2', '192.0.2.3')
  const step = fc.record({ node: fc.constantFrom(0, 1), about, isTaken: fc.boolean(), tells: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const nodes: (readonly FloodWord[])[] = [[], []]
      for (const [now, { node, about: prefix, isTaken, tells }] of steps.entries()) {
        const order = ban(prefix)
        const word = isTaken ? { about: aboutOf(order) } : saying(order)
        nodes[node] = say(nodes[node]!, word, `lb${node}`, now)
        if (tells) nodes[1 - node] = heard(nodes[1 - node]!, nodes[node]!, now).words
      }
      const mine = later(nodes[0]!, nodes[1]!)
      nodes[0] = heard(nodes[0]!, nodes[1]!, 99).words
      nodes[1] = heard(nodes[1]!, mine, 99).words
      assert.equal(digestOf(nodes[0]), digestOf(nodes[1]))
      assert.deepEqual(ordersOf(nodes[0], 99).sort(), ordersOf(nodes[1], 99).sort())
    }),
  )
})

test('what was taken back does not come again with the words of a node that has not heard of it', () => {
  const lb2 = say([], saying(ban('192.0.2.1')), 'lb1', 1)
  const lb1 = say(lb2, { about: 'ban 192.0.2.1' }, 'lb1', 2)
  assert.deepEqual(ordersOf(heard(lb1, lb2, 3).words, 3), [])
  assert.deepEqual(ordersOf(heard(lb2, later(lb1, lb2), 3).words, 3), [])
})

test('no other node makes us keep more than has room, and what is over is forgotten first', () => {
  const many = Array.from({ length: ORDERS_LIMIT + 1 }, (_, i): FloodWord => {
    const order = ban(`10.0.${i >> 8}.${i & 255}`)
    return { about: aboutOf(order), order, version: { count: i + 1, by: 'lb2' }, since: 0, until: 1000 }
  })
  const room = heard([], many, 0)
  assert.deepEqual([room.words.length, room.news.length, room.left], [ORDERS_LIMIT, ORDERS_LIMIT, 1])
  assert.ok(!room.words.some(({ version }) => version.count === 1), 'the latest have room')
  assert.deepEqual(heard(room.words, many, 0), { words: room.words, news: [], left: 1 })
  const back = { about: many[5]!.about, version: { count: 9_999, by: 'lb3' }, since: 0 }
  const next = heard(room.words, [many[0]!, back], 0)
  assert.deepEqual([next.news.length, next.left], [2, 0], 'what is taken back makes room')
  const over = heard([], many, 1000).words
  assert.equal(over.length, ORDERS_LIMIT)
  assert.ok(!over.some(({ version }) => version.count === 1))
})
