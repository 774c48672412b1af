// Floods that defence stops, and clients that it asks for proof: what is told of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordedPacket } from '../engine/recorded.ts'
import { clients, flood } from '../flood/traffic.fixture.ts'
import { usersOf } from '../flood/verdict.ts'
import { NIGHT, Night, recorded } from './flood-night.fixture.ts'

test('a flood of SYNs goes on while a rule drops it, or a list or a ban does, and users are those that pass', () => {
  for (const outcome of ['rule', 'denied', 'banned'] as const) {
    using night = new Night()
    night.pass(1)
    const www = (openingsPerS: number) => ({
      services: [{ name: 'www', openingsPerS, isUnderProof: false }],
      rules: [],
    })
    const normal = (seconds: number) => clients(night.now, seconds, 10).map((each) => recorded(each))
    night.rates.set('www', { packets: 70, bits: 0 })
    night.reading = www(10)
    night.pass(75, normal(75))
    const flooded = (seconds: number) => flood(night.now, seconds, 100, { shape: NIGHT, seed: seconds })
    night.rates.set('www', { packets: 98_460, bits: 0 })
    night.reading = www(98_400)
    night.pass(12, [...normal(12), ...flooded(12).map((each) => recorded(each))])
    assert.equal(night.told().length, 1, outcome)
    night.rates.set('www', { packets: 70, bits: 0 })
    night.reading = www(10)
    night.outcomes.set(outcome, 98_390)
    const dropped = flooded(60).map((each, i): RecordedPacket => {
      const kind = i % 2 === 0 ? 'new' : 'dropped'
      return { ...recorded(each), kind, outcome }
    })
    night.pass(60, [...normal(60), ...dropped])
    assert.equal(night.told().length, 1, outcome)
    const { incident, reading } = night.watch.shown[0]!
    assert.equal(incident?.kind, 'syn-flood')
    assert.ok(Math.abs(reading!.rates.openingsPerS - 98_400) < 500, `${reading!.rates.openingsPerS}`)
    const users = usersOf(reading!)
    assert.ok(Math.abs(users.perS - 10) < 1 && users.completed! > 0.95, JSON.stringify(users))
    night.outcomes.set(outcome, 0)
    night.pass(45, normal(45))
    assert.match(
      night.told()[1]!,
      /^flood\.ended www: syn-flood is over after \d+ s, at most 98,[34]\d\d\/s$/,
    )
  }
})

/** proving: clients of whom each is challenged and proves itself first. */
const proving = (from: number, seconds: number, perS: number, seed = 8): RecordedPacket[] =>
  clients(from, seconds, perS, { seed }).flatMap((each) => {
    if (!each.isOpening) return [recorded(each)]
    const reset = { at: each.at + 1, isOpening: false, facts: { ...each.facts, flags: 4 } }
    return [
      { ...recorded(each), outcome: 'challenged' as const },
      { ...recorded(reset), kind: 'dropped' as const, outcome: 'proven' as const },
      recorded({ ...each, at: each.at + 2 }),
    ]
  })

test('a crowd of clients that all prove themselves is no flood, from its first second on, and each of them counts once', () => {
  using night = new Night()
  night.pass(1)
  const under = (openingsPerS: number, isUnderProof: boolean) => ({
    services: [{ name: 'www', openingsPerS, isUnderProof }],
    rules: [],
  })
  night.rates.set('www', { packets: 7_000, bits: 0 })
  night.reading = under(1_000, false)
  night.pass(
    75,
    clients(night.now, 75, 10).map((each) => recorded(each)),
  )
  // rates of counters are those of four seconds, and new every two
  for (let second = 0; second < 20; second++) {
    night.reading = under(24_000, true)
    night.pass(1, proving(night.now, 1, 20, second))
    if (second % 2 === 0) continue
    const part = Math.min(1, (second + 1) / 4)
    night.rates.set('www', { packets: 7_000 + 77_000 * part, bits: 0 })
    for (const outcome of ['challenged', 'proven']) night.outcomes.set(outcome, 12_000 * part)
  }
  night.up = 1
  night.pass(8, proving(night.now, 8, 20))
  const told = night.told().filter((text) => !text.startsWith('flood.proof'))
  assert.equal(told.length, 1)
  assert.match(told[0]!, /^flood\.began www: overload, not an attack: new connections, 12,000\/s, /)
  const users = usersOf(night.watch.shown[0]!.reading!)
  assert.ok(Math.abs(users.perS - 12_000) < 1 && users.completed! > 0.95, JSON.stringify(users))
})

test('a flood among which a few clients prove themselves is a flood, and so is one that answers its own challenges only', () => {
  for (const [proven, packets] of [
    [200, 1_400],
    [50_000, 300],
  ] as const) {
    using night = new Night()
    night.rates.set('www', { packets, bits: 0 })
    night.reading = { services: [{ name: 'www', openingsPerS: 100_000, isUnderProof: true }], rules: [] }
    night.outcomes.set('challenged', 99_800)
    night.outcomes.set('proven', proven)
    night.pass(12, [
      ...proving(night.now, 12, 20),
      ...flood(night.now, 12, 60, { shape: NIGHT, sources: 40_000 }).map(
        (each): RecordedPacket => ({ ...recorded(each), outcome: 'challenged' }),
      ),
    ])
    const began = night.told().filter((text) => text.startsWith('flood.began'))
    assert.equal(began.length, 1)
    assert.match(
      began[0]!,
      /^flood\.began www: SYN flood, (99,[678]\d\d|100,000)\/s, 9\d(\.\d)? % never completed/,
    )
  }
})

test('of a flood under proof nothing passes as users do, also before outcomes have a rate, and by their rate', () => {
  for (const challengedPerS of [0, 99_950]) {
    using night = new Night()
    night.rates.set('www', { packets: 300, bits: 0 })
    night.reading = { services: [{ name: 'www', openingsPerS: 100_000, isUnderProof: true }], rules: [] }
    if (challengedPerS > 0) night.outcomes.set('challenged', challengedPerS)
    night.pass(12, [
      ...clients(night.now, 12, 50).map((each) => recorded(each)),
      ...flood(night.now, 12, 60, { shape: NIGHT, sources: 40_000 }).map(
        (each): RecordedPacket => ({ ...recorded(each), outcome: 'challenged' }),
      ),
    ])
    const users = usersOf(night.watch.shown[0]!.reading!)
    assert.ok(users.perS < 1_000 && users.completed! > 0.95, JSON.stringify(users))
    const began = night.told().filter((text) => text.startsWith('flood.began'))
    assert.equal(began.length, 1)
    assert.match(
      began[0]!,
      /www: SYN flood, 100,000\/s, (99\.[5-9]|100(\.0)?) % never completed, .* have window 0, no options .*; suggested rule: /,
    )
  }
})
