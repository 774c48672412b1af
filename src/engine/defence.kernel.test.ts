// Defence through applies and restarts, in the kernel: what is dropped stays dropped, what was counted is not lost.

import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { formatIp, type Ip4, parseIp4 } from '../base/addresses.ts'
import { formatPrefix, tryPrefix } from '../base/prefix.ts'
import { sourceKeys } from '../dataplane/defence-keys.ts'
import { DefenceSettings } from '../dataplane/defence-memory.ts'
import { clockOf, ticksOf } from '../dataplane/flow-clock.ts'
import { tickOf } from '../dataplane/flow-record.ts'
import { TCP_FLAGS } from '../dataplane/rule.ts'
import { sourceOf } from '../dataplane/source-table.ts'
import { BpfMap } from '../kernel/map.ts'
import { jiffiesPerSecond } from '../sys/clock.ts'
import type { DefenceSpec, RuleSpec } from './defence-spec.ts'
import { EXACT } from './jiffies.ts'
import { CLIENT, macOf, nameOf, Rehearsal } from './rehearsal.ts'

const OTHER = parseIp4('10.0.0.51')
const BARE: DefenceSpec = { rules: [], allow: [], deny: [], only: false }
const PROOF = { above: 10, below: 5, holdS: 30, rememberS: 600 }
const prefix = (text: string) => tryPrefix(text)!
const cast = (defence: Partial<DefenceSpec> = {}, rest: Partial<Parameters<Rehearsal['apply']>[0]> = {}) => ({
  servers: [1, 2, 3],
  defence: { ...BARE, ...defence },
  ...rest,
})
const ban = (text: string, forS = 60) => ({ prefix: prefix(text), until: Date.now() + 1_000 * forS })
const counts = (name: string, ttl: number): RuleSpec => ({
  name,
  match: { ttl: { first: ttl, last: ttl } },
  action: 'count',
  record: false,
})
let r: Rehearsal

beforeEach(() => {
  r = new Rehearsal(`defence-test-${process.pid}`)
})
afterEach(() => {
  r[Symbol.dispose]()
})

const isDropped = (client: Ip4, port = 20_000) => r.send('syn', port, client) === 'drop'
const generation = () => r.engine.status().generation

test('an engine that defends nothing has no defence to ask', () => {
  r.apply({ servers: [1] })
  assert.equal(r.engine.defence, undefined)
  r.apply(cast())
  assert.ok(r.engine.defence)
  r.apply({ servers: [1] })
  assert.equal(r.engine.defence, undefined)
})

test('a defence comes to flows and counters that there are, with a word, and goes again', () => {
  const was = r.apply({ servers: [1, 2, 3] })
  assert.deepEqual(was.notes, [])
  const flows = r.sendAll('syn', [20_000, 20_001, 20_002, 20_003])
  const next = r.apply(cast({ proof: PROOF, recorder: { disk: 0, aroundS: 30 } }))
  assert.equal(next.change, 'replaced')
  assert.deepEqual(next.notes, ['services are defended from now on, as the file does not say `defence: off`'])
  assert.deepEqual(r.sendAll('ack', flows.keys()), flows)
  assert.equal(r.engine.totals().outcomes.get('forwarded'), 8n)
  assert.ok(r.engine.recorder!.kept.records > 0)
  assert.deepEqual(r.apply({ servers: [1, 2, 3] }).notes, [])
  assert.deepEqual(r.sendAll('ack', flows.keys()), flows)
})

test('services of UDP alone have a defence, with maps of what it can do there, and may get others of TCP', () => {
  const rules = [{ ...counts('bare', 64), match: { protocol: 'tcp' as const } }]
  const whole = r.spec(cast({ proof: PROOF, rules, recorder: { disk: 0, aroundS: 30 } }))
  const datagrams = { ...whole, services: whole.services.filter(({ name }) => name === 'dns') }
  const neighbours = new Map([1, 2, 3].map((server) => [nameOf(server), { mac: macOf(server), on: 'eth0' }]))
  const sizes = () => r.engine.status().maps.map(({ name }) => name)
  r.engine.apply(datagrams, neighbours)
  assert.deepEqual(
    r.engine.defence!.reading().services.map(({ name, isUnderProof }) => [name, isUnderProof]),
    [['dns', false]],
  )
  assert.notEqual(r.send('udp', 20_000), 'drop')
  r.engine.defence!.set({ services: new Map(), bans: [ban('10.0.0.50')] })
  assert.equal(r.send('udp', 20_000), 'drop')
  for (const name of ['proven', 'openings', 'rules']) assert.ok(!sizes().includes(name), name)
  r.restart()
  assert.equal(r.engine.apply(datagrams, neighbours).change, 'taken-over')
  r.engine.defence!.set({ services: new Map(), bans: [] })
  r.engine.apply(whole, neighbours)
  for (const name of ['proven', 'openings', 'rules']) assert.ok(sizes().includes(name), name)
  assert.notEqual(r.send('syn', 20_000), 'drop')
  r.engine.apply(datagrams, neighbours)
  assert.notEqual(r.send('udp', 20_000), 'drop')
})

test('a ban by hand holds at once, without a new program, until it is over or taken back', () => {
  r.apply(cast({ allow: [prefix('10.0.0.0/24')] }))
  const before = generation()
  r.engine.defence!.set({ services: new Map(), bans: [ban('10.0.0.50')] })
  assert.deepEqual([isDropped(CLIENT), isDropped(OTHER)], [true, false])
  assert.equal(r.send('ack', 20_000), 'drop')
  r.pass(59)
  assert.equal(isDropped(CLIENT), true)
  r.pass(3)
  assert.equal(isDropped(CLIENT), false)
  r.engine.defence!.set({ services: new Map(), bans: [ban('10.0.0.51')] })
  assert.deepEqual([isDropped(CLIENT), isDropped(OTHER)], [false, true])
  r.engine.defence!.set({ services: new Map(), bans: [] })
  assert.equal(isDropped(OTHER), false)
  assert.equal(generation(), before)
})

test('bans that the kernel has no memory for are not there afterwards, nor after the next apply', (t) => {
  r.apply(cast())
  const set = (...bans: string[]) =>
    r.engine.defence!.set({ services: new Map(), bans: bans.map((each) => ban(each)) })
  set('10.0.0.51')
  const full = t.mock.method(BpfMap.prototype, 'update', () => assert.fail('ENOMEM'), { times: 1 })
  const { length } = full.mock.calls
  assert.throws(() => set('10.0.0.51', formatIp(CLIENT)), /ENOMEM/)
  assert.equal(full.mock.calls.length, length + 1)
  assert.deepEqual([isDropped(CLIENT), isDropped(OTHER)], [false, true])
  r.apply(cast({}, { servers: [1, 2] }))
  assert.deepEqual([isDropped(CLIENT), isDropped(OTHER)], [false, true])
})

test('lists and bans hold through applies and daemons, and lists that stay keep their memory', () => {
  r.apply(cast({ deny: [prefix('10.0.0.51/32'), prefix('2001:db8::/32')] }))
  r.engine.defence!.set({ services: new Map(), bans: [ban('10.0.0.50')] })
  const trie = r.mapId('lists4')
  r.apply(cast({ deny: [prefix('10.0.0.51/32'), prefix('2001:db8::/32')] }, { servers: [1, 2] }))
  assert.equal(r.mapId('lists4'), trie)
  assert.deepEqual([isDropped(CLIENT), isDropped(OTHER)], [true, true])
  r.apply(cast({ deny: [prefix('10.0.0.52/32')] }, { servers: [1, 2] }))
  assert.notEqual(r.mapId('lists4'), trie)
  assert.deepEqual([isDropped(CLIENT), isDropped(OTHER)], [true, false])

  // the next daemon knows of no ban until it is told, and finds this one in the kernel
  const last = cast({ deny: [prefix('10.0.0.52/32')] }, { servers: [1, 2] })
  r.restart()
  assert.deepEqual([isDropped(CLIENT), isDropped(parseIp4('10.0.0.52'))], [true, true])
  assert.equal(r.apply(last).change, 'taken-over')
  r.engine.defence!.set({ services: new Map(), bans: [] })
  assert.deepEqual([isDropped(CLIENT), isDropped(parseIp4('10.0.0.52'))], [false, true])
  // only says what allow lists it by; nothing is left of it
  r.apply(cast({ only: true, allow: [prefix('10.0.0.51/32')] }, { servers: [1, 2] }))
  assert.deepEqual(
    [isDropped(CLIENT), isDropped(OTHER), isDropped(parseIp4('10.0.0.52'))],
    [true, false, true],
  )
})

test('what a source has sent, and proof that is asked for, are not forgotten by an apply, with more services either', () => {
  const limited = { sources: { newPerS: 20, prefix: 32, prefix6: 64 }, proof: PROOF }
  r.apply(cast(limited, { ofWww: { proof: 'off' } }))
  r.pass(1)
  const most = Array.from({ length: 40 }, (_, i) => i).findIndex((i) => isDropped(CLIENT, 20_000 + i))
  assert.ok(most >= 20 && most <= 21, `${most}`)
  r.apply(cast(limited, { ofWww: { proof: 'off' }, servers: [1] }))
  assert.deepEqual([isDropped(CLIENT), isDropped(OTHER)], [true, false])

  // now of the service that asks by itself
  r.pass(2)
  r.apply(cast({ proof: PROOF }))
  const underProof = () =>
    r.engine.defence!.reading().services.find(({ name }) => name === 'www')!.isUnderProof
  assert.equal(underProof(), false)
  for (let port = 0; port < 14; port++) r.send('syn', 30_000 + port)
  assert.equal(underProof(), true)
  assert.equal(r.send('syn', 31_000), 'reset', 'it is challenged')
  r.apply(cast({ proof: PROOF }, { more: 9 }))
  assert.equal(underProof(), true)
  assert.equal(r.send('syn', 31_000), 'reset')
  r.restart()
  assert.equal(r.send('syn', 31_000), 'reset', 'no daemon is needed')
  assert.equal(r.apply(cast({ proof: PROOF }, { more: 9 })).change, 'taken-over')
  assert.equal(underProof(), true)
  r.pass(PROOF.holdS + 1)
  assert.equal(underProof(), false)
  assert.notEqual(r.send('syn', 31_000), 'reset')
})

test('proof of a service is switched by hand, over applies, and falls back to what the file says', () => {
  r.apply(cast({ proof: PROOF }))
  r.engine.defence!.set({ services: new Map([['www', { proof: 'on' }]]), bans: [] })
  assert.equal(r.send('syn', 20_000), 'reset')
  r.apply(cast({ proof: PROOF }, { servers: [1] }))
  assert.equal(r.send('syn', 20_000), 'reset')
  r.engine.defence!.set({ services: new Map(), bans: [] })
  assert.notEqual(r.send('syn', 20_000), 'reset')
})

test('a rule counts SYNs apart, whether its flags say what matches is one or not', () => {
  const flagged = (name: string, set: number, clear: number): RuleSpec => ({
    name,
    match: { flags: { set, clear } },
    action: 'count',
    record: false,
  })
  const [syn, ack] = [TCP_FLAGS.syn, TCP_FLAGS.ack]
  const rules = [flagged('syn', syn, ack), flagged('ack', ack, 0), flagged('none', 0, syn)]
  r.apply(cast({ rules: [...rules, flagged('any', 0, TCP_FLAGS.urg)] }))
  for (let port = 0; port < 5; port++) r.send('syn', 20_000 + port)
  for (let port = 0; port < 3; port++) r.send('ack', 20_000 + port)
  assert.deepEqual(
    r.engine.defence!.reading().rules.map(({ name, opening, others }) => [name, opening, others]),
    [
      ['syn', 5n, 0n],
      ['ack', 0n, 3n],
      ['none', 0n, 3n],
      ['any', 5n, 3n],
    ],
  )
})

test('hits of rules go on under their names, wherever they stand', () => {
  const hits = () =>
    r.engine.defence!.reading().rules.map(({ name, opening, others }) => [name, opening, others])
  r.apply(cast({ rules: [counts('one', 64), counts('two', 65)] }))
  for (let port = 0; port < 5; port++) r.send('syn', 20_000 + port)
  for (let port = 0; port < 3; port++) r.send('ack', 20_000 + port)
  assert.deepEqual(hits(), [
    ['one', 5n, 3n],
    ['two', 0n, 0n],
  ])
  r.apply(cast({ rules: [counts('new', 64), counts('two', 65), counts('one', 64)] }))
  assert.deepEqual(hits(), [
    ['new', 0n, 0n],
    ['two', 0n, 0n],
    ['one', 5n, 3n],
  ])
  r.send('udp', 20_000)
  r.restart()
  r.apply(cast({ rules: [counts('new', 64), counts('two', 65), counts('one', 64)] }))
  assert.deepEqual(hits(), [
    ['new', 0n, 1n],
    ['two', 0n, 0n],
    ['one', 5n, 4n],
  ])
  assert.ok(r.engine.status().maps.some(({ name }) => name === 'rules'))
})

test('once the last ban of the packet path has ended, or bans are off, established flows are not asked about it any more', () => {
  const sources = { newPerS: 20, prefix: 32, prefix6: 64 }
  const bans = cast({ proof: PROOF, sources: { ...sources, banS: 60 } })
  const flag = DefenceSettings.offsets.banned
  const isAsked = () => {
    let word: number | undefined
    r.spoil('defence', (bytes) => {
      word = bytes[flag]
    })
    return word !== 0
  }
  /** banUntil: somebody, as the packet path does it: his word first, then the flag. */
  const banFor = (seconds: number) => {
    const clock = clockOf(jiffiesPerSecond(), 'word')
    let until = ticksOf(clock, seconds)
    r.spoil('clock', ({ buffer }) => {
      until += tickOf(new BigUint64Array(buffer, 0, 1)[0]!, clock.shift, EXACT)
    })
    r.spoil('banned', ({ buffer }) => new Uint32Array(buffer).set([until, 7], 16))
    r.spoil('defence', (bytes) => bytes.fill(1, flag, flag + 1))
  }
  r.apply(bans)
  banFor(60)
  r.pass(30)
  assert.equal(isAsked(), true)
  r.pass(60)
  assert.equal(isAsked(), false)
  banFor(600)
  r.apply(cast({ proof: PROOF, sources }))
  assert.equal(isAsked(), true)
  r.pass(60)
  assert.equal(isAsked(), false)
})

test('a ban that the packet path has made is found by its address with its end, and taken back', () => {
  r.apply(cast({ proof: PROOF, sources: { newPerS: 20, prefix: 32, prefix6: 64, banS: 60 } }))
  const clock = clockOf(jiffiesPerSecond(), 'word')
  const { print } = sourceOf(sourceKeys(r.engine.keys), CLIENT, 32)
  let until = ticksOf(clock, 50)
  r.spoil('clock', ({ buffer }) => {
    until += tickOf(new BigUint64Array(buffer, 0, 1)[0]!, clock.shift, EXACT)
  })
  // a word of the client in every line: the packet path finds the one of its own
  r.spoil('banned', ({ buffer }) => {
    const words = new Uint32Array(buffer)
    for (let at = 0; at < words.length; at += 16) words.set([until, print], at)
  })
  r.spoil('defence', (bytes) =>
    bytes.fill(1, DefenceSettings.offsets.banned, DefenceSettings.offsets.banned + 1),
  )
  const earned = r.engine.defence!.earned!
  const many = earned.count
  assert.ok(many > 1_000)
  assert.equal(isDropped(CLIENT), true)
  const ban = earned.of(CLIENT)!
  assert.equal(formatPrefix(ban.source), '10.0.0.50')
  assert.ok(Math.abs(ban.until - Date.now() - 50_000) < 5_000)
  assert.equal(ban.until - ban.since, 60_000)
  assert.equal(earned.of(OTHER), undefined)
  assert.deepEqual(
    [earned.release(prefix('10.0.0.0/24')), earned.release(prefix('10.0.0.51'))],
    [false, false],
  )
  assert.equal(earned.release(prefix('10.0.0.50')), true)
  assert.deepEqual([isDropped(CLIENT), earned.count], [false, many - 1])
  assert.equal(earned.release(prefix('10.0.0.50')), false)
})

test('openings are told as a rate of the last second', () => {
  r.apply(cast())
  const rate = () => r.engine.defence!.reading().services.find(({ name }) => name === 'www')!.openingsPerS
  assert.equal(rate(), undefined)
  for (let port = 0; port < 30; port++) r.send('syn', 20_000 + port)
  for (let port = 0; port < 30; port++) r.send('ack', 20_000 + port)
  r.pass(2)
  assert.equal(rate(), 15)
  r.pass(1)
  assert.equal(rate(), 0)
})

test('limits of one in a second, and proof of everybody, let a program pass its own test', () => {
  const strict = cast(
    {
      proof: PROOF,
      ceiling: 1,
      sources: { newPerS: 1, udpPerS: 1, prefix: 32, prefix6: 64, banS: 60 },
      deny: [prefix('192.0.2.0/24')],
    },
    { ofWww: { proof: 'on', ceiling: 1 }, more: 20 },
  )
  assert.equal(r.apply(strict).change, 'created')
  assert.equal(r.apply({ ...strict, servers: [1] }).change, 'replaced')
  assert.equal(r.send('syn', 20_000), 'reset')
})
