// Which rule is suggested for what SYNs of a flood have in common, beside the SYNs of clients that are known.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Ip4 } from '../base/addresses.ts'
import { TCP_FLAGS } from '../dataplane/rule.ts'
import type { Facts } from './facts.ts'
import { LEAST_NORMAL, matchesFacts, type Suggestion, suggest as suggestFor } from './suggest.ts'
import type { Mode } from './tally.ts'

const CLIENT: Facts = {
  ...{ protocol: 'tcp', source: 0x0a000001 as Ip4, sourcePort: 40_000, flags: TCP_FLAGS.syn },
  ...{ window: 64_240, options: 'some', length: 60, ttl: 60 },
}
/** normal: so many SYNs of clients, of which the first few are different. */
const normal = (count: number, different = 0, change: Partial<Facts> = {}): Facts[] =>
  Array.from({ length: count }, (_, i) => (i < different ? { ...CLIENT, ...change } : CLIENT))
const mode = (field: Mode['field'], value: Mode['value'], share = 1): Mode => ({ field, value, share })
/** suggest for SYNs of many sources. */
const suggest = (modes: readonly Mode[], known: readonly Facts[]): Suggestion | undefined =>
  suggestFor({ group: 'opening', modes, sources: 1_000 }, known)
const fieldsOf = (modes: readonly Mode[], known: readonly Facts[]): string[] | undefined =>
  suggest(modes, known) &&
  Object.keys(suggest(modes, known)!.match)
    .filter((key) => key !== 'protocol' && key !== 'flags')
    .sort()

test('what nearly all have is taken, what fewer have is not needed, and what few have never is', () => {
  const modes = [mode('window', 0, 0.95), mode('length', 40, 0.949), mode('ttl', 243, 0.3)]
  assert.deepEqual(fieldsOf(modes, normal(256)), ['window'])
  const { match, wanted, harm } = suggest(modes, normal(256))!
  assert.deepEqual([match.window, harm], [{ first: 0, last: 0 }, 0])
  assert.ok(Math.abs(wanted - 0.95) < 1e-9)
  assert.deepEqual(match.flags, { set: TCP_FLAGS.syn, clear: TCP_FLAGS.ack | TCP_FLAGS.rst | TCP_FLAGS.fin })
})

test('more is taken until clients are spared, the one that spares most first', () => {
  const known = normal(1_000, 500, { ttl: 243 })
  const modes = [mode('options', 'some'), mode('ttl', 243, 0.8), mode('window', 512, 0.9)]
  assert.deepEqual(fieldsOf(modes, known), ['options', 'window'])
  // both are needed: 500 of 1,000 clients have the TTL, and 500 others the length
  const split = known.map((facts) => ({ ...facts, length: facts.ttl === 243 ? 48 : 44 }))
  assert.deepEqual(fieldsOf([mode('ttl', 243, 0.9), mode('length', 44, 0.9)], split), ['length', 'ttl'])
})

test('no rule is suggested that takes clients, or less than half of the flood', () => {
  // one in a hundred clients is the most that it may take
  assert.ok(suggest([mode('window', 512)], normal(1_000, 10, { window: 512 })))
  assert.equal(suggest([mode('window', 512)], normal(1_000, 11, { window: 512 })), undefined)
  assert.equal(suggest([mode('window', 0, 0.49)], normal(256)), undefined)
  // each takes enough, and each takes half of the clients; both together take none, and perhaps two fifths of the flood
  const halves = normal(256, 128, { ttl: 243, length: 48 })
  const [ttl, length] = [mode('ttl', 243, 0.7), mode('length', 60, 0.7)]
  assert.equal(suggest([ttl, length], halves), undefined)
  assert.equal(suggest([], normal(256)), undefined)
})

test('where too few clients are known, only what no system sends is a rule', () => {
  const few = normal(LEAST_NORMAL - 1)
  assert.equal(suggest([mode('window', 512)], few), undefined)
  assert.ok(suggest([mode('window', 512)], normal(LEAST_NORMAL)))
  assert.deepEqual(fieldsOf([mode('window', 0)], few), ['window'])
  assert.deepEqual(fieldsOf([mode('options', 'none'), mode('length', 40)], []), ['length', 'options'])
  assert.equal(suggest([mode('options', 'some')], few), undefined)
  // clients between have its TTL, too, so that nearly all have that
  const between = [mode('ttl', 64), mode('length', 40, 0.94), mode('window', 0, 0.94)]
  assert.deepEqual(fieldsOf(between, few), ['length', 'ttl', 'window'])
  assert.deepEqual(fieldsOf([mode('ttl', 64), mode('options', 'none', 0.94)], []), ['options', 'ttl'])
  // what spares clients is not known, so nothing is taken beyond what nearly all have
  assert.deepEqual(fieldsOf([mode('window', 0), mode('ttl', 243, 0.8)], few), ['window'])
})

test('of UDP and of packets of no connection, what many sources have in common to the TTL is made', () => {
  const udp = (modes: readonly Mode[], sources = 50) => suggestFor({ group: 'udp', modes, sources }, [])
  const made = [mode('length', 60), mode('ttl', 64), mode('head', '00000000')]
  assert.deepEqual(udp(made)?.match.payload, [{ at: 0, bytes: [0, 0, 0, 0] }])
  assert.equal(udp(made, 49), undefined, 'a few clients may')
  assert.equal(udp(made.slice(0, 2)), undefined)
  assert.equal(udp(made.slice(1)), undefined)
  assert.equal(udp([made[0]!, made[2]!]), undefined, 'those of one system are alike')
  assert.deepEqual(udp([mode('sourcePort', 123)], 1)?.match.sourcePorts, [{ first: 123, last: 123 }])
  assert.equal(udp([mode('sourcePort', 1_024)]), undefined, 'that is a client’s')
  const acks = [mode('flags', TCP_FLAGS.ack), mode('window', 0), mode('length', 40), mode('ttl', 64)]
  const other = (modes: readonly Mode[]) => suggestFor({ group: 'other', modes, sources: 50 }, [])
  assert.deepEqual(other(acks)?.match.flags, {
    set: TCP_FLAGS.ack,
    clear: TCP_FLAGS.fin | TCP_FLAGS.syn | TCP_FLAGS.rst,
  })
  assert.equal(other(acks.slice(0, 1)), undefined)
  const resets = { group: 'other', modes: [mode('flags', TCP_FLAGS.rst)], sources: 50 } as const
  assert.equal(suggestFor(resets, normal(256)), undefined, 'flags alone are what connections have')
  assert.equal(other([acks[0]!, acks[2]!, acks[3]!]), undefined)
})

test('a rule matches what it says in every one of its words', () => {
  const prefix = { address: 0x0a000000 as Ip4, length: 24 }
  for (const [match, is] of [
    [{}, true],
    [{ protocol: 'udp' }, false],
    [{ flags: { set: TCP_FLAGS.syn, clear: TCP_FLAGS.ack } }, true],
    [{ flags: { set: TCP_FLAGS.syn | TCP_FLAGS.ack, clear: 0 } }, false],
    [{ flags: { set: 0, clear: TCP_FLAGS.syn } }, false],
    [{ window: { first: 64_240, last: 64_240 } }, true],
    [{ window: { first: 64_241, last: 65_535 } }, false],
    [{ window: { first: 0, last: 64_239 } }, false],
    [{ options: 'none' }, false],
    [{ length: { first: 61, last: 100 } }, false],
    [{ ttl: { first: 1, last: 59 } }, false],
    [{ source: [prefix] }, true],
    [{ source: [{ ...prefix, address: 0x0a000100 as Ip4 }] }, false],
    [{ sourcePorts: [{ first: 1, last: 39_999 }] }, false],
    [
      {
        sourcePorts: [
          { first: 1, last: 2 },
          { first: 40_000, last: 40_000 },
        ],
      },
      true,
    ],
  ] as const)
    assert.equal(matchesFacts(match, CLIENT), is, JSON.stringify(match))
})
