// What is defended by once operators have had their say of a file.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatPrefix } from '../base/prefix.ts'
import { RULES_LIMIT } from '../config/defence-rules.ts'
import { load } from '../config/load.ts'
import { textReader } from '../config/reader.ts'
import { textOf } from '../config/refusals.fixture.ts'
import { bansOf, idleOf, NO_END, withSaid } from './effective.ts'
import { aboutOf, type FloodWord, type Order, say } from './said.ts'

const NOW = 1_000
const services = `services:
  www: { listen: ["192.168.8.100:80"], servers: web01, check: none }
  img: { listen: ["192.168.8.100:81"], servers: web01, check: none }`
const stateOf = (defence: string) =>
  load('t', textReader({ t: textOf({ services, extra: `defence: ${defence}` }) }))
const RULES = '{ rules: { slow: { window: 0, action: { limit: 9/s } }, night: { window: 1 } } }'

/** wordsOf orders, given one after the other. */
const wordsOf = (...orders: readonly (Order | { readonly order: Order; readonly until: number })[]) =>
  orders.reduce<readonly FloodWord[]>((words, each) => {
    const { order, until } = 'order' in each ? each : { order: each, until: undefined }
    return say(words, { about: aboutOf(order), order, ...(until !== undefined && { until }) }, 'lb1', NOW)
  }, [])
const rulesOf = (defence: string, words: readonly FloodWord[], now = NOW): string[] =>
  withSaid(stateOf(defence), words, now)
    .defence!.rules.filter(({ name }) => name !== 'bare-syn')
    .map(({ name, action, perSecond }) => [name, action, perSecond ?? ''].join(' ').trimEnd())
const rule = (name: string, more: Partial<Extract<Order, { kind: 'rule' }>> = {}): Order => ({
  ...{ kind: 'rule', name, rule: { window: 2, action: { limit: '5/s' } }, isObserved: false, ...more },
})

test('where nothing is said, or nothing is defended, the state is the one that it was', () => {
  const state = stateOf(RULES)
  assert.equal(withSaid(state, [], NOW), state)
  const over = wordsOf({ order: { kind: 'proof', mode: 'on' }, until: NOW })
  assert.equal(withSaid(state, over, NOW), state)
  const off = stateOf('off')
  assert.equal(withSaid(off, wordsOf({ kind: 'proof', mode: 'on' }), NOW), off)
})

test('a rule of the file gets another action, or none, and keeps no rate that it no longer has', () => {
  const acted = (action: 'drop' | 'count' | 'off', name: string): Order => ({ kind: 'action', name, action })
  assert.deepEqual(rulesOf(RULES, []), ['slow limit 9', 'night count'])
  assert.deepEqual(rulesOf(RULES, wordsOf(acted('drop', 'slow'))), ['slow drop', 'night count'])
  assert.deepEqual(rulesOf(RULES, wordsOf(acted('off', 'slow'), acted('drop', 'night'))), ['night drop'])
  assert.deepEqual(rulesOf(RULES, wordsOf(acted('drop', 'other'))), ['slow limit 9', 'night count'])
})

test('a rule that was added comes last, counts while it is observed, and ends', () => {
  assert.deepEqual(rulesOf(RULES, wordsOf(rule('odd'))), ['slow limit 9', 'night count', 'odd limit 5'])
  const observed = wordsOf(rule('odd', { isObserved: true }))
  assert.deepEqual(rulesOf(RULES, observed), ['slow limit 9', 'night count', 'odd count'])
  const ends = wordsOf({ order: rule('odd'), until: NOW + 1 })
  assert.equal(rulesOf(RULES, ends).length, 3)
  assert.equal(rulesOf(RULES, ends, NOW + 1).length, 2)
})

test('a rule that was added makes way for one of the file, and is left out where the file does not allow it', () => {
  assert.deepEqual(rulesOf(RULES, wordsOf(rule('night'))), ['slow limit 9', 'night count'])
  const gone = rule('odd', { rule: { window: 2, services: 'gone' } })
  assert.deepEqual(rulesOf(RULES, wordsOf(gone)), ['slow limit 9', 'night count'])
  const many = wordsOf(...Array.from({ length: RULES_LIMIT + 5 }, (_, i) => rule(`r${i}`)))
  assert.equal(withSaid(stateOf(RULES), many, NOW).defence!.rules.length, RULES_LIMIT)
})

test('of a rule that was added the services that the file has are left; what has no effect is told with why', () => {
  const state = stateOf('{ rules: { bare-syn: off } }')
  const idle = (...orders: readonly Order[]) =>
    idleOf(state, wordsOf(...orders), NOW).map(({ what, why }) => `${what}: ${why}`)
  const both = rule('odd', { rule: { window: 2, services: ['gone', 'img'] } })
  assert.deepEqual(
    withSaid(state, wordsOf(both), NOW).defence!.rules.map(({ name, services }) => [name, services]),
    [['odd', ['img']]],
  )
  assert.deepEqual(idle(both), [])
  assert.deepEqual(idle(rule('odd', { rule: { window: 2, services: 'gone' } })), [
    'rule odd: there is no service gone any more',
  ])
  assert.deepEqual(idle(rule('odd', { rule: { udp: 'any', source_ports: 123 } })), [
    'rule odd: no service listens on UDP: it matches nothing',
  ])
  assert.deepEqual(idle({ kind: 'action', name: 'night', action: 'drop' }), [
    'rule night: the file has no such rule any more',
  ])
  const every = stateOf('{ rules: { every: { tcp: syn } } }')
  const broad = wordsOf({ kind: 'action', name: 'every', action: 'drop' })
  assert.equal(withSaid(every, broad, NOW).defence!.rules[0]!.action, 'count')
  assert.match(idleOf(every, broad, NOW)[0]!.why, /^it drops what every connection consists of/)
  const hidden = idleOf(stateOf(RULES), wordsOf(rule('night')), NOW)
  assert.deepEqual(hidden, [{ what: 'rule night', why: 'the file has a rule of that name' }])
  const many = wordsOf(...Array.from({ length: RULES_LIMIT + 1 }, (_, i) => rule(`r${i}`)))
  assert.deepEqual(idleOf(state, many, NOW), [{ what: 'rule r64', why: 'there are 64 rules before it' }])
  assert.deepEqual(idleOf(stateOf('off'), many, NOW), [])
})

test('a rule that ships acts by hand also where the file has it off', () => {
  const state = stateOf('{ rules: { bare-syn: off } }')
  const acts = wordsOf({ kind: 'action', name: 'bare-syn', action: 'drop' }, rule('odd'))
  const { rules } = withSaid(state, acts, NOW).defence!
  assert.deepEqual(
    rules.map(({ name, action, match }) => [name, action, match.options]),
    [
      ['bare-syn', 'drop', 'none'],
      ['odd', 'limit', undefined],
    ],
  )
})

test('who is allowed by hand is so beside the file, whose denial of the same network gives way', () => {
  const state = stateOf('{ allow: 198.51.100.0/24, deny: [203.0.113.0/24, 192.0.2.0/24] }')
  const listsOf = (...orders: readonly Order[]) => {
    const { allow, deny, only } = withSaid(state, wordsOf(...orders), NOW).defence!
    return [allow.map(formatPrefix), deny.map(formatPrefix), only]
  }
  const allow = (prefix: string): Order => ({ kind: 'allow', prefix })
  assert.deepEqual(listsOf(allow('203.0.113.0/24'), allow('2001:db8::/32')), [
    ['198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32'],
    ['192.0.2.0/24'],
    false,
  ])
  // no list is made anew for other words: it may be long
  assert.equal(
    withSaid(state, wordsOf({ kind: 'proof', mode: 'on' }), NOW).defence!.allow,
    state.defence!.allow,
  )
})

test('only by hand holds while somebody is allowed; where nobody is left it drops nobody, and is told', () => {
  const isOn = (defence: string, words: readonly FloodWord[], now = NOW) =>
    withSaid(stateOf(defence), words, now).defence!.only
  const on: Order = { kind: 'only', isOn: true }
  const allowed = { order: { kind: 'allow', prefix: '203.0.113.0/24' }, until: NOW + 9 } as const
  const words = wordsOf(on, allowed)
  assert.deepEqual([isOn('on', words), isOn('on', words, NOW + 9)], [true, false])
  assert.deepEqual(idleOf(stateOf('on'), words, NOW), [])
  assert.deepEqual(idleOf(stateOf('on'), words, NOW + 9), [
    { what: 'only', why: 'nobody is allowed, so everybody would be dropped' },
  ])
  const six = wordsOf(on, { kind: 'allow', prefix: '2001:db8::/32' })
  assert.equal(isOn('on', six), false)
  const file = '{ only: true, allow: 198.51.100.0/24 }'
  assert.deepEqual([isOn(file, []), isOn(file, wordsOf({ kind: 'only', isOn: false }))], [true, false])
})

test('proof by hand is of one service before it is of all, and of a file that asks for none', () => {
  const proofs = (defence: string, ...orders: readonly Order[]) => {
    const state = withSaid(stateOf(defence), wordsOf(...orders), NOW)
    return [state.defence!.proof !== undefined, ...state.services.map((each) => each.defence?.proof)]
  }
  const on: Order = { kind: 'proof', mode: 'on', service: 'img' }
  assert.deepEqual(proofs('{ proof: off }', on), [true, 'off', 'on'])
  assert.deepEqual(proofs('on', { kind: 'proof', mode: 'off' }, on), [true, 'off', 'on'])
  const none = proofs('{ proof: off }', { kind: 'proof', mode: 'off' })
  assert.deepEqual(none, [false, 'off', 'off'])
})

test('bans are those that hold, without an end until the end of time', () => {
  const words = wordsOf(
    { kind: 'ban', prefix: '203.0.113.0/24' },
    { order: { kind: 'ban', prefix: '2001:db8::1' }, until: NOW + 5 },
    { kind: 'proof', mode: 'on' },
  )
  const banned = (now: number) => bansOf(words, now).map(({ prefix, until }) => [formatPrefix(prefix), until])
  assert.deepEqual(banned(NOW), [
    ['203.0.113.0/24', NO_END],
    ['2001:db8::1', NOW + 5],
  ])
  assert.deepEqual(banned(NOW + 5), [['203.0.113.0/24', NO_END]])
})
