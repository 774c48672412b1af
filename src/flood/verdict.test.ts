import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ip4 } from '../base/addresses.ts'
import { TCP_FLAGS } from '../dataplane/rule.ts'
import type { Facts, Seen } from './facts.ts'
import { SlowTally } from './slow.ts'
import { Tally } from './tally.ts'
import { clients, datagrams, flood, randomOf, slowOnes } from './traffic.fixture.ts'
import { type Known, type Normal, UNKNOWN, Usual } from './usual.ts'
import { judge, type Reading, type Servers } from './verdict.ts'

const AT = 1_000_000_000_000
const WELL: Servers = { up: 10, of: 10, latencyMs: 4 }
const NIGHT = { window: 0, options: 'none', length: 40 } as const

interface Calm {
  readonly usual: Known
  readonly normal: Normal
}
let known: Calm | undefined
/** calm: what is usual after five minutes with 100 connections a second. */
const calm = (): Calm => {
  known ??= fiveMinutes()
  return known
}

function fiveMinutes(): Calm {
  const [usual, tally] = [new Usual(randomOf(3)), new Tally(7)]
  for (let i = 0; i < 300; i++)
    usual.learn({ rates: { openingsPerS: 100, othersPerS: 600, udpPerS: 0 }, slow: 2, latencyMs: 4 })
  const openings = new Map<number, Facts>()
  for (const seen of clients(AT - 60_000, 20, 100)) {
    const key = Number(seen.facts.source) * 65_536 + seen.facts.sourcePort
    if (seen.isOpening) openings.set(key, seen.facts)
    if (tally.add(seen)) usual.draw('opening', openings.get(key)!)
  }
  for (const { isOpening, facts } of clients(AT - 30_000, 20, 100)) if (!isOpening) usual.draw('other', facts)
  for (const { facts } of datagrams(AT - 30_000, 20, 100)) usual.draw('udp', facts)
  assert.deepEqual(
    Object.values(usual.normal).map(({ length }) => length),
    [256, 256, 256],
  )
  return { usual: usual.known!, normal: usual.normal }
}

function reading(
  seen: readonly Seen[],
  rates: Partial<Reading['rates']>,
  more: Partial<Reading> = {},
): Reading {
  const [tally, slow] = [new Tally(7), new SlowTally(7)]
  for (const each of [...seen].sort((a, b) => a.at - b.at)) {
    tally.add(each)
    slow.add(each)
  }
  return {
    service: 'www',
    rates: { openingsPerS: 0, othersPerS: 0, udpPerS: 0, ...rates },
    sampled: tally.sampled(AT + 9_999),
    slow: slow.slow(AT + 9_999),
    normal: UNKNOWN,
    servers: WELL,
    isUnderProof: false,
    ...more,
  }
}

test('the flood of that night is told in one sentence, with a rule that would have taken no client', () => {
  const seen = [...flood(AT, 10, 8_000, { shape: NIGHT, sources: 41_000 }), ...clients(AT, 10, 100)]
  const verdict = judge(reading(seen, { openingsPerS: 98_400, othersPerS: 600 }, calm()))
  assert.equal(verdict.kind, 'syn-flood')
  assert.match(
    verdict.text,
    /^www: SYN flood, 98,400\/s, usual are 100\/s, 9[89](\.\d)? % never completed, 99 % have window 0, no options and length 40, 3\d,\d{3} sources of 81,000 recorded SYNs; suggested rule: takes 9\d(\.\d)? % of it, of 256 SYNs of clients it would have dropped none: tenbin flood add www-flood --tcp syn --window 0 --options none --length 40 --service www --action drop --for 1h$/,
  )
  assert.equal(verdict.advice!.harm, 0)
})

test('a flood that proof stops is told as what it is, though half of the SYNs that are recorded are clients’', () => {
  const tally = new Tally(7)
  const seen = [
    ...flood(AT, 10, 60, { shape: NIGHT, sources: 41_000 }).map((each) => [each, true] as const),
    ...clients(AT, 10, 50).map((each) => [each, false] as const),
  ]
  for (const [each, isStopped] of seen.sort(([a], [b]) => a.at - b.at)) tally.add(each, isStopped)
  const { text, completed, advice } = judge({
    ...reading([], { openingsPerS: 100_000, othersPerS: 300 }, { ...calm(), isUnderProof: true }),
    sampled: tally.sampled(AT + 9_999, 0.9995),
  })
  assert.match(
    text,
    /^www: SYN flood, 100,000\/s, .*99\.9 % never completed, 99\.9 % have window 0, no options and length 40, .* suggested rule: takes 99\.8 % of it/,
  )
  assert.ok(completed! > 0.0003 && completed! <= 0.0005, `${completed}`)
  assert.ok(advice?.command !== undefined)
})

test('before anything is known of clients, a rule is suggested only for what no system sends', () => {
  const night = judge(reading(flood(AT, 10, 8_000, { shape: NIGHT }), { openingsPerS: 98_400 }))
  assert.match(night.text, /too little normal traffic is known to check it with: tenbin flood add/)
  const alike = judge(
    reading(flood(AT, 10, 8_000, { shape: { window: 64_240, options: 'some', length: 60 } }), {
      openingsPerS: 98_400,
    }),
  )
  assert.equal(alike.kind, 'syn-flood')
  assert.equal(alike.advice, undefined)
})

test('a flood that looks like clients gets no rule that would take them', () => {
  const shape = { window: 64_240, options: 'some', length: 60 } as const
  const { kind, advice } = judge(reading(flood(AT, 10, 8_000, { shape }), { openingsPerS: 98_400 }, calm()))
  assert.equal(kind, 'syn-flood')
  assert.equal(advice, undefined)
})

test('one thing that tells the flood from clients is found: here the TTL', () => {
  const shape = { window: 64_240, options: 'some', length: 60, ttl: 243 } as const
  const { advice } = judge(reading(flood(AT, 10, 8_000, { shape }), { openingsPerS: 98_400 }, calm()))
  assert.match(advice!.command!, / --ttl 243 /)
  assert.equal(advice!.harm, 0)
})

test('a flood whose shape is another each second is one flood, without a rule', () => {
  const seen = Array.from({ length: 10 }, (_, i) =>
    flood(AT + i * 1000, 1, 8_000, { shape: { window: i * 997, length: 40 + 4 * i, ttl: 64 + i }, seed: i }),
  ).flat()
  const { kind, advice } = judge(reading(seen, { openingsPerS: 50_000 }, calm()))
  assert.equal(kind, 'syn-flood')
  assert.equal(advice, undefined)
})

test('many clients are no flood, whether all of their packets are recorded or few: servers that keep up are busy, others overloaded', () => {
  for (const part of [1, 0.2, 0.05]) {
    const seen = clients(AT, 10, 2_000, { part })
    const busy = reading(seen, { openingsPerS: 2_000, othersPerS: 12_000 }, calm())
    assert.equal(judge(busy).kind, 'busy', `${part}`)
    const slow = judge({ ...busy, servers: { up: 9, of: 10, latencyMs: 850 } })
    assert.equal(slow.kind, 'overload')
    assert.match(
      slow.text,
      /^www: overload, not an attack: new connections, 2,000\/s, usual are 100\/s, .* complete, .* sources in 10 s, checks of its servers take 850 ms \(usual 4 ms\), 1 of 10 servers are down$/,
    )
  }
})

test('a flood is told while clients go on beside it, and as long as most of what arrives never completes', () => {
  const seen = [...flood(AT, 10, 4_000), ...clients(AT, 10, 1_000)]
  assert.equal(judge(reading(seen, { openingsPerS: 5_000, othersPerS: 6_000 }, calm())).kind, 'syn-flood')
})

test('what is usual for a busy service is no flood, nor is a handful of SYNs that nobody follows up', () => {
  const busy = new Usual()
  const rates = { openingsPerS: 20_000, othersPerS: 100_000, udpPerS: 50_000 }
  for (let i = 0; i < 100; i++) busy.learn({ rates, slow: 0 })
  const usual = busy.known!
  const seen = flood(AT, 10, 2_000)
  assert.equal(judge(reading(seen, { openingsPerS: 21_000, othersPerS: 1 }, { usual })).kind, 'calm')
  assert.equal(judge(reading(seen, { udpPerS: 60_000 }, { usual })).kind, 'calm')
  assert.equal(judge(reading(flood(AT, 10, 50), { openingsPerS: 50 }, calm())).kind, 'calm')
})

test('a flood of UDP is told with what its packets have in common, and a rule that spares what was usual', () => {
  const shape = { protocol: 'udp', length: 92, ttl: 64, head: '00000000', next: '00000000' } as const
  const seen = [
    ...flood(AT, 10, 4_000, { shape }).map((each) => ({ ...each, isOpening: false })),
    ...datagrams(AT, 10, 100),
  ]
  const { kind, text } = judge(reading(seen, { udpPerS: 40_000 }, calm()))
  assert.equal(kind, 'udp-flood')
  assert.match(
    text,
    /^www: UDP flood, 40,000\/s, usual are 0\/s, 98 % have length 92, payload 0000000000000000 and TTL 64, [\d,]+ sources of 41,000 recorded packets; suggested rule: takes 9\d % of it, of 256 UDP packets of calm times it would have dropped none: tenbin flood add www-udp --udp any --length 92 --ttl 64 --payload 0:0000000000000000 --service www --action drop --for 1h$/,
  )
})

test('UDP that looks as it always does gets no rule; answers of servers that somebody else asked get one by their port', () => {
  const alike = judge(reading(datagrams(AT, 10, 4_000), { udpPerS: 40_000 }, calm()))
  assert.deepEqual([alike.kind, alike.advice], ['udp-flood', undefined])
  const answers = datagrams(AT, 10, 4_000).map((each) => ({
    ...each,
    facts: { ...each.facts, sourcePort: 53 },
  }))
  for (const known of [calm(), {}])
    assert.match(
      judge(reading(answers, { udpPerS: 40_000 }, known)).advice!.command!,
      /^tenbin flood add www-udp --udp any --source-ports 53 --payload 4:00010000 --service www /,
    )
})

test('a flood of ACKs is told apart from a transfer, with a rule that spares connections', () => {
  const shape = { flags: TCP_FLAGS.ack, window: 64_240, options: 'none', length: 40, ttl: 64 } as const
  const acks = flood(AT, 10, 3_000, { shape }).map((each) => ({ ...each, isOpening: false }))
  const verdict = judge(reading([...acks, ...clients(AT, 10, 20)], { othersPerS: 100_000 }, calm()))
  assert.equal(verdict.kind, 'packet-flood')
  assert.match(
    verdict.text,
    /^www: ACK flood of packets that belong to no connection, 100,000\/s, .* % of their flows have one packet, .* have window 64240, no options, length 40 and TTL 64, .*: tenbin flood add www-packets --tcp ack --window 64240 --options none --length 40 --ttl 64 --service www --action drop --for 1h$/,
  )
  assert.equal(verdict.advice!.harm, 0)
  const transfer = clients(AT, 10, 10, { later: 300 })
  assert.equal(judge(reading(transfer, { othersPerS: 100_000 }, calm())).kind, 'calm')
})

test('slow connections are told with who has them; who connects, asks and leaves has none, nor has who was always there', () => {
  const rates = { openingsPerS: 50, othersPerS: 200 }
  const seen = [...slowOnes(AT, 10, 500, 4), ...clients(AT, 10, 50)]
  const slow = judge(reading(seen, rates, calm()))
  assert.equal(slow.kind, 'slow')
  assert.match(
    slow.text,
    /^www: slow connections, at least 500 open and sending next to nothing, usual are 2, \d\d bytes\/s each, 4 sources; suggested ban: takes 100 % of them, of 256 SYNs of clients it would have dropped none: tenbin flood ban 198\.19\.0\.0\/24 --for 1h$/,
  )
  assert.equal(judge(reading(clients(AT, 10, 50), rates, calm())).kind, 'calm')
  // where nothing is known of what is usual, only more than clients have of each source
  assert.equal(judge(reading(seen, rates)).kind, 'slow')
  assert.equal(judge(reading(slowOnes(AT, 10, 500, 100), rates)).kind, 'calm')
  const usual = { ...calm().usual, slow: 400 }
  assert.equal(judge(reading(seen, rates, { ...calm(), usual })).kind, 'calm')
})

test('slow connections from everywhere, or from where clients are, get no ban', () => {
  const rates = { openingsPerS: 50, othersPerS: 200 }
  const spread = slowOnes(AT, 10, 500, 500).map((each, i) => ({
    ...each,
    facts: { ...each.facts, source: ((each.facts.source as number) + 256 * (i % 500)) as Ip4 },
  }))
  const [everywhere, shared] = [
    judge(reading(spread, rates, calm())),
    judge(
      reading(slowOnes(AT, 10, 500, 1), rates, {
        ...calm(),
        normal: { ...UNKNOWN, opening: slowOnes(AT, 1, 60, 1).map(({ facts }) => facts) },
      }),
    ),
  ]
  assert.equal(everywhere.kind, 'calm')
  assert.equal(shared.kind, 'slow')
  assert.equal(shared.advice!.command, undefined)
  assert.match(
    shared.text,
    /clients are behind 198\.19\.0\.0, too: shorten the time that servers wait for a request$/,
  )
})

test('a flood over many addresses says how many', () => {
  const seen = flood(AT, 10, 4_000).map((each, i) => ({
    ...each,
    facts: { ...each.facts, destination: (0x0a000000 + (i % 40)) as Ip4 },
  }))
  assert.match(judge(reading(seen, { openingsPerS: 4_000 })).text, /never completed, to 40 addresses, /)
})

test('a million sources of one /64 are counted to a few percent, in the memory of a few', () => {
  const { sampled } = reading(flood(AT, 10, 20_000, { is6: true, sources: 1_000_000 }), {})
  // 200,000 draws of a million: 181,269 different ones on the average
  assert.ok(Math.abs(sampled.sources.opening - 181_269) < 25_000, `${sampled.sources.opening}`)
})
