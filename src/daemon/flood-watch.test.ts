import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleMatch } from '../dataplane/rule.ts'
import type { RuleSpec } from '../engine/defence-spec.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import type { Facts } from '../flood/facts.ts'
import { clients, datagrams, flood, slowOnes } from '../flood/traffic.fixture.ts'
import { ALL, NOBODY } from '../flood/verdict-words.ts'
import { NIGHT, Night, recorded } from './flood-night.fixture.ts'
import { RuleDoubts } from './rule-doubts.ts'
import { RuleRates } from './rule-rates.ts'

test('a flood is told once, with its sentence, and its end when it has been over for half a minute', () => {
  using night = new Night()
  night.pass(1)
  night.rates.set('www', { packets: 70, bits: 0 })
  night.pass(
    70,
    clients(night.now, 70, 10).map((each) => recorded(each)),
  )
  assert.deepEqual(night.told(), [])
  night.reading = { services: [{ name: 'www', openingsPerS: 98_400, isUnderProof: false }], rules: [] }
  night.pass(
    12,
    flood(night.now, 12, 500, { shape: NIGHT, sources: 40_000 }).map((each) => recorded(each)),
  )
  assert.equal(night.told().length, 1)
  assert.match(
    night.told()[0]!,
    /^flood\.began www: SYN flood, 98,400\/s, usual are 10\/s, .* % never completed, .* have window 0, no options and length 40, .* sources of [\d,]+ recorded SYNs; suggested rule: .* SYNs of clients it would have dropped none: tenbin flood add www-flood --tcp syn --window 0 --options none --length 40 --service www --action drop --for 1h$/,
  )
  const [shown] = night.watch.shown
  assert.equal(shown!.verdict.service, 'www')
  assert.equal(shown!.incident!.kind, 'syn-flood')
  // it pauses, and goes on: the same flood
  night.reading = { services: [], rules: [] }
  night.pass(20)
  night.reading = { services: [{ name: 'www', openingsPerS: 120_000, isUnderProof: false }], rules: [] }
  night.pass(
    8,
    flood(night.now, 8, 500, { shape: NIGHT }).map((each) => recorded(each)),
  )
  assert.equal(night.told().length, 1)
  night.reading = { services: [], rules: [] }
  night.pass(45)
  assert.equal(night.told().length, 2)
  assert.match(night.told()[1]!, /^flood\.ended www: syn-flood is over after \d\d s, at most 120,000\/s$/)
})

test('a flood over many services of which none is above its own measure is told of all of them', () => {
  using night = new Night()
  night.pass(1)
  const names = Array.from({ length: 40 }, (_, i) => `s${i}`)
  night.reading = {
    services: names.map((name) => ({ name, openingsPerS: 500, isUnderProof: false })),
    rules: [],
  }
  for (const name of names) night.rates.set(name, { packets: 500, bits: 0 })
  night.pass(
    8,
    flood(night.now, 8, 800).map((each, i) => recorded(each, names[i % 40])),
  )
  assert.equal(night.told().length, 1)
  assert.match(night.told()[0]!, new RegExp(`^flood\\.began ${ALL}: SYN flood, 20,000/s`))
})

test('clients that nobody answers, since no server is up, are no flood, of all services neither', () => {
  using night = new Night()
  night.pass(1)
  night.up = 0
  night.reading = { services: [{ name: 'www', openingsPerS: 4_000, isUnderProof: false }], rules: [] }
  const again = clients(night.now, 15, 400, { later: 0 }).map((each) => recorded(each))
  night.pass(15, again)
  assert.deepEqual(night.told(), [])
})

test('what arrives faster than it is looked at is sampled, and never piles up', () => {
  using night = new Night()
  night.pass(1)
  night.pass(
    3,
    flood(night.now, 1, 12_000).map((each) => recorded(each)),
  )
  assert.equal(night.queue.length, 0)
})

test('a flood of UDP goes on while a rule drops it, and its rule was checked with what came before', () => {
  using night = new Night()
  night.pass(1)
  night.rates.set('www', { packets: 100, bits: 0 })
  night.pass(
    75,
    datagrams(night.now, 75, 20).map((each) => recorded(each)),
  )
  const shape = { protocol: 'udp', head: '00000000', next: '00000000', ttl: 64 } as const
  const flooded = (seconds: number, outcome: RecordedPacket['outcome']) =>
    night.pass(
      seconds,
      flood(night.now, seconds, 400, { shape, seed: seconds }).map((each) => ({
        ...recorded({ ...each, isOpening: false }),
        outcome,
      })),
    )
  night.rates.set('www', { packets: 30_000, bits: 0 })
  flooded(12, 'forwarded')
  assert.equal(night.watch.most.group, 'udp')
  night.rates.set('www', { packets: 20, bits: 0 })
  night.outcomes.set('rule', 30_000)
  flooded(60, 'rule')
  assert.equal(night.told().length, 1)
  assert.match(
    night.told()[0]!,
    /^flood\.began www: UDP flood, 30,000\/s, usual are 100\/s, .* of 256 UDP packets of calm times it would have dropped none: tenbin flood add www-udp --udp any --length 36 --payload 0:00000000 --service www --action drop --for 1h$/,
  )
  night.outcomes.set('rule', 0)
  night.pass(45)
  assert.match(night.told()[1]!, /^flood\.ended www: udp-flood is over after \d+ s, at most 3\d,\d{3}\/s$/)
})

test('slow connections are told once, and when they are over; where most packets are not recorded nobody is called slow', () => {
  using night = new Night()
  night.pass(1)
  night.rates.set('www', { packets: 300, bits: 0 })
  night.pass(
    20,
    slowOnes(night.now, 20, 600, 3).map((each) => recorded(each)),
  )
  assert.equal(night.told().length, 1)
  assert.match(
    night.told()[0]!,
    /^flood\.began www: slow connections, at least 600 open .*: tenbin flood ban 198\.19\.0\.0\/24 --for 1h$/,
  )
  assert.equal(night.watch.shown[0]!.incident!.kind, 'slow')
  night.pass(60)
  assert.match(night.told()[1]!, /^flood\.ended www: slow is over after \d\d s, at most 600 connections$/)
  night.rates.set('www', { packets: 100_000, bits: 0 })
  night.pass(
    20,
    slowOnes(night.now, 20, 600, 3).map((each) => recorded(each)),
  )
  assert.equal(night.told().length, 2)
})

test('connections that were slow from the beginning are told once, and are what is usual after a minute', () => {
  using night = new Night()
  night.rates.set('www', { packets: 300, bits: 0 })
  night.pass(
    150,
    slowOnes(night.now, 150, 600, 3).map((each) => recorded(each)),
  )
  assert.deepEqual(
    night.told().map((text) => text.split(':')[0]),
    ['flood.began www', 'flood.ended www'],
  )
})

test('packets to what nobody has are told as a carpet, by what the kernel counts, and no service is blamed', () => {
  using night = new Night()
  const stray = (seconds: number, perS: number) => {
    for (let i = 0; i < seconds; i++) {
      night.strays += perS
      night.pass(1)
    }
  }
  stray(70, 5)
  stray(5, 9_000)
  assert.equal(night.told().length, 1)
  assert.match(
    night.told()[0]!,
    /^flood\.began no service: carpet, 9,000\/s, to addresses and UDP ports that nobody has here, usual are 5\/s, .*: have the router send only the services' addresses here$/,
  )
  assert.deepEqual(
    night.watch.shown.map(({ verdict, incident }) => [verdict.service, incident?.kind]),
    [[NOBODY, 'carpet']],
  )
  stray(45, 5)
  assert.match(night.told()[1]!, /^flood\.ended no service: carpet is over after \d\d s, at most 9,000\/s$/)
})

test('proof of source is told when it is asked for, and when it no longer is', () => {
  using night = new Night()
  night.reading = { services: [{ name: 'www', isUnderProof: true }], rules: [] }
  night.pass(3)
  night.reading = { services: [{ name: 'www', isUnderProof: false }], rules: [] }
  night.pass(3)
  assert.deepEqual(night.told(), [
    'flood.proof www: sources of SYNs have to prove that they are real',
    'flood.proof www: sources of SYNs need not prove that they are real any more',
  ])
})

/** doubting: what is told of rules when each has been looked at. */
function doubting(night: Night, most = 0.01): (...rules: readonly RuleSpec[]) => readonly string[] {
  const doubts = new RuleDoubts(night.log)
  return (...rules) => {
    const before = night.log.latest().filter(({ kind }) => kind === 'flood.rule').length
    for (const _ of rules) doubts.look(rules, most, (rule) => night.watch.harmOf(rule))
    if (rules.length === 0) doubts.look(rules, most, () => undefined)
    const all = night.log.latest().filter(({ kind }) => kind === 'flood.rule')
    return all.slice(before).map(({ text }) => text)
  }
}
const ruleOf = (match: RuleMatch, more: Partial<RuleSpec> = {}): RuleSpec => ({
  ...{ name: 'night', match, action: 'count', record: false, services: ['www'] },
  ...more,
})

test('a rule that matches SYNs whose connections go on is told of while it only counts, and once; changed or added again, again', () => {
  using night = new Night()
  night.pass(1)
  const told = doubting(night)
  const old: RuleMatch = {
    protocol: 'tcp',
    flags: { set: 2, clear: 16 },
    window: { first: 8192, last: 8192 },
  }
  const mixed = (seconds: number) => [
    ...clients(night.now, seconds, 60).map((each) => recorded(each)),
    ...flood(night.now, seconds, 400, { shape: NIGHT }).map((each) => recorded(each)),
  ]
  assert.deepEqual(told(ruleOf(old)), [], 'nothing is known')
  night.pass(12, mixed(12))
  const [observed, ...others] = told(ruleOf(old))
  assert.deepEqual(others, [])
  assert.match(
    observed!,
    /^rule night matches \d+ of 256 SYNs whose connections went on, 2\d % \(www\): have it say more before it acts$/,
  )
  assert.deepEqual(told(ruleOf(old)), [])
  const acting = ruleOf(old, { action: 'drop' })
  assert.match(
    told(acting)[0]!,
    /\(www\): if clients complain, `tenbin flood add night --action count` has it count only$/,
  )
  assert.deepEqual(told(acting), [])
  assert.deepEqual(told(), [], 'it is removed')
  assert.equal(told(acting).length, 1)
  const bare: RuleMatch = { protocol: 'tcp', flags: { set: 2, clear: 16 }, window: { first: 0, last: 0 } }
  assert.deepEqual(told(ruleOf(bare, { action: 'drop' })), [], 'what nobody follows up is no connection')
  const { services: _, ...ofAll } = ruleOf(old)
  assert.match(told(ofAll)[0]!, new RegExp(`2\\d % \\(${ALL}\\)`))
  assert.deepEqual(doubting(night, 0.5)(ruleOf(old)), [], 'a larger share may be')
})

test('a rule that drops a flood of ACKs or UDP is not told of, one that takes segments of connections, or calm datagrams, is', () => {
  using night = new Night()
  night.pass(1)
  const told = doubting(night)
  night.rates.set('www', { packets: 400, bits: 0 })
  night.pass(30, [
    ...clients(night.now, 30, 20).map((each) => recorded(each)),
    ...datagrams(night.now, 30, 20).map((each) => recorded(each)),
  ])
  night.rates.set('www', { packets: 80_000, bits: 0 })
  const dropped = (shape: Partial<Facts>, seed: number) =>
    flood(night.now, 12, 200, { shape, seed }).map((each) => ({
      ...recorded({ ...each, isOpening: false }),
      outcome: 'rule' as const,
    }))
  const acks = { flags: 16, window: 1024, options: 'none', length: 40, ttl: 64 } as const
  const noise = { protocol: 'udp', head: '00000000', next: '00000000', length: 36, ttl: 64 } as const
  // connections whose SYNs were not recorded, as happens in a flood
  const unopened = clients(night.now, 12, 20, { seed: 6 })
    .filter(({ isOpening }) => !isOpening)
    .map(({ facts, ...each }, i) =>
      recorded({ ...each, facts: { ...facts, window: 777, flags: i % 6 === 3 ? 24 : 16 } }),
    )
  night.pass(12, [...dropped(acks, 3), ...dropped(noise, 4), ...unopened])
  const drop = (match: RuleMatch) => told(ruleOf(match, { action: 'drop' }))
  const ack = { protocol: 'tcp', flags: { set: 16, clear: 7 } } as const
  assert.deepEqual(drop({ ...ack, window: { first: 1024, last: 1024 } }), [])
  assert.deepEqual(drop({ protocol: 'udp', payload: [{ at: 0, bytes: [0, 0, 0, 0] }] }), [])
  assert.match(drop({ ...ack, window: { first: 777, last: 777 } })[0]!, /\d+ of 256 packets of connections, /)
  assert.match(
    drop({ protocol: 'udp', payload: [{ at: 4, bytes: [0, 1, 0, 0] }] })[0]!,
    /256 of 256 UDP packets of calm times, 100 %/,
  )
})

test('how fast a rule matches is known with the second reading', () => {
  const rates = new RuleRates()
  const read = (opening: number, others: number) => () => ({
    services: [],
    rules: [{ name: 'night', opening: BigInt(opening), others: BigInt(others) }],
  })
  rates.measure(read(0, 0), 0)
  assert.equal(rates.perS.get('night'), undefined)
  rates.measure(read(10_000, 500), 2_000)
  assert.equal(rates.perS.get('night'), 5_250)
  rates.measure(read(0, 0), 4_000)
  assert.equal(rates.perS.get('night'), undefined, 'counters began anew')
})
