// Filters: which packets they let through, and how what does not parse is told.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TenbinError } from '../base/errors.ts'
import type { RecordedPacket } from '../engine/recorded.ts'
import { ether, ipv4, ipv6, packet, tcp, udp } from '../wire/packet.ts'
import { tcpFlag } from '../wire/tcp.ts'
import { matches } from './filter.ts'
import { parseFilter } from './filter-parse.ts'

const recorded = (bytes: Uint8Array, change: Partial<RecordedPacket> = {}): RecordedPacket => ({
  at: 0,
  kind: 'new',
  outcome: 'forwarded',
  direction: 'in',
  service: 'www',
  server: 'web03',
  interface: 'eth0',
  length: bytes.length,
  bytes,
  ...change,
})
const syn = recorded(
  packet(
    ether(),
    ipv4({ source: '198.51.100.7', destination: '192.0.2.10' }),
    tcp({ source: 40_000, destination: 80, flags: tcpFlag.SYN }),
  ),
)
const query = recorded(
  packet(
    ether(),
    ipv6({ source: '2001:db8:1::7', destination: '2001:db8::10' }),
    udp({ source: 5_353, destination: 53 }),
  ),
  { kind: 'dropped', outcome: 'no-server', service: 'dns', interface: 'eth1' },
)
const { server: _, ...lost } = query
const answer = recorded(
  packet(
    ether(),
    ipv4({ source: '192.0.2.10', destination: '198.51.100.9' }),
    tcp({ source: 80, destination: 40_001, flags: tcpFlag.SYN | tcpFlag.ACK }),
  ),
  { kind: 'established', outcome: 'answered', direction: 'out' },
)
const fragment = recorded(
  packet(
    ether(),
    ipv4({ source: '198.51.100.7', destination: '192.0.2.10', fragmentOffset: 100, protocol: 6 }),
  ),
)
const all = { syn, lost, answer, fragment }

const cases: readonly (readonly [filter: string, names: readonly (keyof typeof all)[]])[] = [
  ['', ['syn', 'lost', 'answer', 'fragment']],
  ['service www', ['syn', 'answer', 'fragment']],
  ['server web03', ['syn', 'answer', 'fragment']],
  ['not server web03', ['lost']],
  ['interface eth1', ['lost']],
  ['client 198.51.100.7', ['syn', 'fragment']],
  ['client 198.51.100.0/24', ['syn', 'answer', 'fragment']],
  ['client 192.0.2.10', []],
  ['client 2001:db8:1::/48', ['lost']],
  ['port 80', ['syn', 'answer']],
  ['port 5353', ['lost']],
  ['verdict drop', ['lost']],
  ['verdict tx', ['syn', 'answer', 'fragment']],
  ['verdict no-server', ['lost']],
  ['flags syn', ['syn', 'answer']],
  ['flags SYN,!ack', ['syn']],
  ['flags !rst', ['syn', 'answer']],
  ['kind new', ['syn', 'fragment']],
  ['service www flags syn', ['syn', 'answer']],
  ['service www and flags syn and not flags ack', ['syn']],
  ['service dns or flags ack', ['lost', 'answer']],
  ['service www and (flags ack or client 198.51.100.7 port 80)', ['syn', 'answer']],
  ['service www flags ack or service dns', ['lost', 'answer']],
  ['not (service www or service dns)', []],
  ['not not service dns', ['lost']],
]
for (const [text, names] of cases)
  test(`${text || 'no filter'}: ${names.join(', ') || 'none'}`, () => {
    const filter = parseFilter(text)
    const found = Object.entries(all).flatMap(([name, each]) => (matches(filter, each) ? [name] : []))
    assert.deepEqual(found, names)
  })

const refused: readonly (readonly [filter: string, detail: RegExp])[] = [
  ['veredict drop', /character 1: "veredict"; expected one of .*: did you mean verdict\?$/],
  ['service', /character 8: it ends; expected a value for service/],
  ['service www and', /character 16: it ends; expected one of/],
  ['service www)', /character 12: "\)"; expected nothing more/],
  ['(service www', /character 13: it ends; expected a \) for/],
  ['service www or or', /character 16: "or"; expected one of/],
  ['client 300.1.1.1', /character 8: "300.1.1.1"; expected an address or network/],
  ['client 10.0.0.0/33', /character 8/],
  ['port 65536', /character 6: "65536"; expected a port/],
  ['verdict droped', /did you mean drop\?/],
  ['flags sny', /flags as syn,!ack, of fin, syn.*did you mean syn\?/],
  ['flags syn,!syn', /one is both asked for and excluded/],
  ['kind old', /one of new, dropped, rule, established/],
  ['constructor x', /character 1: "constructor"/],
  ['('.repeat(30), /at most 20 parentheses/],
  [`service ${'x'.repeat(1_000)}`, /at most 1000 characters/],
]
for (const [text, detail] of refused)
  test(`${text.slice(0, 40)} is refused with its place`, () => {
    assert.throws(
      () => parseFilter(text),
      (error: TenbinError) => error.code === 'FILTER_INVALID' && detail.test(error.detail ?? ''),
    )
  })

test('of any text a filter, or an error that says what is wrong', () => {
  const parts = [
    'service',
    'www',
    '(',
    ')',
    'and',
    'or',
    'not',
    'flags',
    'syn',
    '!',
    '10.0.0.0/8',
    'client',
    '\t',
    '__proto__',
  ]
  let seed = 7
  const next = () => (seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31)
  for (let i = 0; i < 2_000; i++) {
    const text = Array.from({ length: next() % 9 }, () => parts[next() % parts.length]).join(' ')
    try {
      matches(parseFilter(text), syn)
    } catch (error) {
      assert.ok(error instanceof TenbinError && error.code === 'FILTER_INVALID', text)
    }
  }
})
