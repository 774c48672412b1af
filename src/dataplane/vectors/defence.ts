// Whom lists let in, and what signature rules drop.

import { extension, icmp } from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { vip } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { forwards, frameOf, type Kept, keeps, type Parts, type Vector } from './vector.ts'

const { ACK, FIN, PSH, SYN, URG, RST } = tcpFlag
const from = (source: string, parts: Parts = {}): Parts =>
  source.includes(':')
    ? { ...parts, ip6: { source, ...parts.ip6 } }
    : { ...parts, ip: { source, ...parts.ip } }
const serviceOf = ({ ip6, udp }: Parts): number => (udp ? 2 : 0) + (ip6 ? 1 : 0)

/** lets: it is forwarded; refuses: it is not. */
const lets = (fixture: FixtureName, what: string, parts: Parts): Vector =>
  forwards(`${fixture}: ${what}`, parts, {
    fixture,
    service:
      fixture.endsWith('-four') ||
      fixture.endsWith('-six') ||
      fixture.endsWith('-udp') ||
      fixture.endsWith('-night')
        ? 0
        : serviceOf(parts),
  })
const refuses = (fixture: FixtureName, outcome: Kept, what: string, parts: Parts): Vector =>
  keeps(outcome, `${fixture}: ${what}`, parts, fixture)

/** Sources, and what lists make of them. */
const sources: readonly (readonly [string, 'let in' | 'denied' | 'banned', string])[] = [
  ['198.51.100.77', 'let in', 'on no list'],
  ['203.0.113.1', 'let in', 'allowed'],
  ['203.0.113.64', 'denied', 'the first address of a denied network within an allowed one'],
  ['203.0.113.127', 'denied', 'its last address'],
  ['203.0.113.128', 'let in', 'the address behind it'],
  ['203.0.113.9', 'banned', 'banned within an allowed network'],
  ['203.0.113.65', 'banned', 'banned within a denied network'],
  ['198.17.255.255', 'let in', 'the address before a denied network'],
  ['198.18.0.0', 'denied', 'a network’s own first address'],
  ['198.19.255.255', 'denied', 'a network’s last address'],
  ['198.20.0.0', 'let in', 'the address behind a denied network'],
  ['198.18.0.7', 'let in', 'one allowed address in a denied network'],
  ['192.0.2.128', 'denied', 'denied by seven bits of the last octet'],
  ['198.51.100.47', 'banned', 'banned with its network'],
  ['198.51.100.48', 'let in', 'beside a banned network'],
  ['198.51.100.35', 'banned', 'whose own ban has ended, in a banned network'],
  ['2001:db8:f::1', 'let in', 'on no list'],
  ['2001:db8:a::2', 'let in', 'allowed'],
  ['2001:db8:a::1', 'banned', 'banned within an allowed network'],
  ['2001:db8:a:7fff:ffff:ffff:ffff:ffff', 'let in', 'the address before a denied half'],
  ['2001:db8:a:8000::', 'denied', 'the first address of a denied half of an allowed network'],
  ['2001:db8:b:ffff::1', 'denied', 'denied'],
  ['2001:db8:c::5', 'denied', 'one denied address'],
  ['2001:db8:c::4', 'let in', 'beside one denied address'],
  ['2001:db8:d::ffff', 'banned', 'banned with its network'],
  ['2001:db8:d:1::', 'let in', 'beside a banned network'],
]

const kinds: readonly (readonly [string, Parts])[] = [
  ['SYN', {}],
  ['ACK of an established flow', { tcp: { flags: ACK } }],
  ['RST', { tcp: { flags: RST } }],
  ['datagram', { udp: {} }],
  ['SYN behind a tag', { ether: { tags: [{ id: 7 }] } }],
]
const outcomes = { denied: 'denied', banned: 'banned' } as const

const listVectors = sources.flatMap(([source, says, what]) =>
  kinds.map(([kind, parts]) => {
    const sent = from(source, parts)
    const name = `a ${kind} from ${source}, ${what}`
    return says === 'let in'
      ? lets('defence-lists', name, sent)
      : refuses('defence-lists', outcomes[says], name, sent)
  }),
)

/** An error of a router about the answer to a client, quoted to the vip. */
const quoted = (client: string, router: string): Parts => ({
  ip: { source: router },
  behind: icmp({ type: 3, code: 4 }),
  payload: frameOf({
    ip: { source: vip, destination: client },
    tcp: { source: 80, destination: 40_000, flags: ACK },
  }).subarray(14),
})

const onlyVectors: readonly Vector[] = [
  refuses('defence-only', 'denied', 'from a source on no list', {}),
  lets('defence-only', 'from an allowed source', from('203.0.113.1')),
  lets('defence-only', 'from an allowed IPv6 source', from('2001:db8:a::2')),
  refuses('defence-only', 'denied', 'from a denied source', from('198.18.0.1')),
  refuses('defence-only', 'denied', 'an ACK from a source on no list', { tcp: { flags: ACK } }),
  refuses('defence-only', 'denied', 'a datagram from a source on no list', { udp: {} }),
  refuses('defence-only', 'denied', 'IPv6 from a source on no list', { ip6: {} }),
  refuses('defence-only', 'banned', 'from a banned source', from('203.0.113.9')),
  refuses(
    'defence-only',
    'denied',
    'from a source whose ban within a banned network has ended',
    from('198.51.100.99'),
  ),
  refuses('defence-only-empty', 'denied', 'where nobody is allowed nobody is let in', {}),
  refuses('defence-only-empty', 'denied', 'of IPv6 neither', { ip6: {} }),
  refuses(
    'defence-lists',
    'denied',
    'an error about a flow of a denied client, whoever tells it',
    quoted('198.18.0.1', '198.51.100.77'),
  ),
  {
    ...forwards(
      'defence-only: an error about a flow of an allowed client, whoever tells it',
      quoted('203.0.113.1', '198.51.100.77'),
      { fixture: 'defence-only' },
    ),
  },
  lets('defence-lists-four', 'IPv4 alone: on no list', {}),
  refuses('defence-lists-four', 'denied', 'IPv4 alone: denied', from('198.18.0.1')),
  lets('defence-lists-six', 'IPv6 alone: on no list', { ip6: {} }),
  refuses('defence-lists-six', 'denied', 'IPv6 alone: denied', from('2001:db8:b::1')),
  refuses('defence-lists-nat', 'denied', 'of a service with nat', from('198.18.0.1')),
  refuses('defence-lists-nat', 'banned', 'of a service with nat, IPv6', from('2001:db8:d::1')),
  keeps(
    'no-listener',
    'defence-lists: what is for no listener is not asked about',
    { ip: { source: '198.18.0.1' }, tcp: { destination: 81 } },
    'defence-lists',
  ),
  keeps(
    'other-protocol',
    'defence-lists: VRRP of a denied source is the node’s',
    { ip: { source: '198.18.0.1', protocol: 112 }, behind: new Uint8Array(20) },
    'defence-lists',
  ),
  lets('defence-bare', 'nothing is listed', {}),
  lets('defence-bare', 'nothing is listed, an ACK', { tcp: { flags: ACK } }),
  lets('defence-bare', 'nothing is listed, IPv6', { ip6: {} }),
  lets('defence-bare', 'nothing is listed, a datagram', { udp: {} }),
]

const options = Uint8Array.of(2, 4, 5, 0xb4)
const nightVectors: readonly Vector[] = [
  refuses('defence-night', 'rule', 'the signature', { tcp: { window: 0 } }),
  refuses('defence-night', 'rule', 'the signature with ECN’s flags', {
    tcp: { window: 0, flags: SYN | 0xc0 },
  }),
  refuses('defence-night', 'rule', 'the signature behind a tag', {
    tcp: { window: 0 },
    ether: { tags: [{ id: 7 }] },
  }),
  refuses('defence-night', 'rule', 'the signature padded to the least frame', {
    tcp: { window: 0 },
    trailer: new Uint8Array(6),
  }),
  lets('defence-night', 'a window of 1', { tcp: { window: 1 } }),
  lets('defence-night', 'a window of 256', { tcp: { window: 256 } }),
  lets('defence-night', 'options', { tcp: { window: 0, options } }),
  lets('defence-night', 'a byte of payload', { tcp: { window: 0 }, payload: 'x' }),
  lets('defence-night', 'a SYN-ACK', { tcp: { window: 0, flags: SYN | ACK } }),
  lets('defence-night', 'an ACK with window 0', { tcp: { window: 0, flags: ACK } }),
  lets('defence-night', 'a RST with window 0', { tcp: { window: 0, flags: RST } }),
  lets('defence-night', 'a data offset of 4', { tcp: { window: 0, dataOffset: 4 } }),
  lets('defence-night', 'IP options', { tcp: { window: 0 }, ip: { options: Uint8Array.of(1, 1, 1, 1) } }),
]

const rule = (what: string, parts: Parts): Vector[] =>
  (['defence-rules', 'defence-rules-jumbo'] as const).map((fixture) => refuses(fixture, 'rule', what, parts))
const none = (what: string, parts: Parts): Vector[] =>
  (['defence-rules', 'defence-rules-jumbo'] as const).map((fixture) => lets(fixture, what, parts))
const bytes = (length: number) => new Uint8Array(length)
const seven = Uint8Array.of(9, 9, 1, 2, 3, 4, 5, 6, 7)

const ruleVectors: readonly Vector[] = [
  none('an ordinary SYN', {}),
  none('an ordinary ACK', { tcp: { flags: ACK } }),
  none('an ordinary datagram', { udp: {} }),
  none('an ordinary SYN of IPv6', { ip6: {} }),
  ...[99, 111].map((ttl) => none(`a TTL of ${ttl}`, { ip: { ttl } })),
  ...[100, 110].map((ttl) => rule(`a TTL of ${ttl}`, { ip: { ttl } })),
  ...[99, 111].map((hopLimit) => none(`a hop limit of ${hopLimit}`, { ip6: { hopLimit } })),
  ...[100, 110].map((hopLimit) => rule(`a hop limit of ${hopLimit}`, { ip6: { hopLimit } })),
  rule('a TTL of 105, established', { ip: { ttl: 105 }, tcp: { flags: ACK } }),
  rule('a TTL of 105, UDP', { ip: { ttl: 105 }, udp: {} }),
  rule('a TTL of 105 behind a tag', { ip: { ttl: 105 }, ether: { tags: [{ id: 7 }] } }),
  none('999 bytes', { payload: bytes(959) }),
  rule('1,000 bytes', { payload: bytes(960) }),
  rule('1,001 bytes', { payload: bytes(961) }),
  none('1,002 bytes', { payload: bytes(962) }),
  rule('1,000 bytes of IPv6', { ip6: {}, payload: bytes(940) }),
  none('1,000 bytes behind the header of IPv6', { ip6: {}, payload: bytes(980) }),
  ...[7, 1_900, 1_902].map((source) => rule(`source port ${source}`, { tcp: { source } })),
  ...[6, 8, 1_899, 1_903, 0x0700].map((source) => none(`source port ${source}`, { tcp: { source } })),
  rule('source port 7 of UDP', { udp: { source: 7 } }),
  rule('source port 7 behind an extension header', {
    ip6: {},
    extensions: [extension(60)],
    tcp: { source: 7 },
  }),
  ...['192.0.2.64', '192.0.2.127', '2001:db8:5:4000::', '2001:db8:5:7fff::9'].map((source) =>
    rule(`source ${source}`, from(source)),
  ),
  ...['192.0.2.63', '192.0.2.129', '2001:db8:5:3fff::', '2001:db8:5:8000::'].map((source) =>
    none(`source ${source}`, from(source)),
  ),
  rule('a source and a destination', from('198.51.100.8')),
  none('another source to that destination', from('198.51.100.9')),
  rule('payload of UDP', { udp: {}, payload: seven }),
  none('payload of UDP, its last byte another', {
    udp: {},
    payload: seven.map((byte, i) => (i === 8 ? 8 : byte)),
  }),
  none('payload of UDP, its fifth byte another', {
    udp: {},
    payload: seven.map((byte, i) => (i === 6 ? 8 : byte)),
  }),
  none('payload of UDP that ends before', { udp: {}, payload: seven.subarray(0, 8) }),
  none('that payload of TCP', { payload: seven }),
  rule('FIN, PSH and URG', { tcp: { flags: FIN | PSH | URG } }),
  rule('FIN, PSH, URG and ACK', { tcp: { flags: FIN | PSH | URG | ACK } }),
  none('FIN and PSH', { tcp: { flags: FIN | PSH } }),
  none('FIN, PSH and URG of another service', { ip6: {}, tcp: { flags: FIN | PSH | URG } }),
  rule('a payload behind options', { tcp: { options }, payload: 'GET /' }),
  none('that payload without options', { payload: 'GET /' }),
  none('another payload behind options', { tcp: { options }, payload: 'PUT /' }),
  none('options that the frame has not', { tcp: { dataOffset: 15 } }),
  rule('two ports', { udp: { source: 65_000 } }),
  none('one port of two', { tcp: { source: 65_000 } }),
].flat()

const pieces: readonly Vector[] = [
  refuses('defence-rules', 'rule', 'the first fragment has its ports', {
    ip: { moreFragments: true },
    udp: { source: 7 },
    payload: bytes(16),
  }),
  refuses('defence-rules-udp', 'rule', 'of UDP alone: source port 7', { udp: { source: 7 } }),
  refuses('defence-rules-udp', 'rule', 'of UDP alone: payload', { udp: {}, payload: seven }),
  lets('defence-rules-udp', 'of UDP alone: an ordinary datagram', { udp: {} }),
  refuses('defence-rules', 'rule', 'an error about a flow is what its own header says', {
    ...quoted('198.51.100.77', '192.0.2.65'),
  }),
  forwards(
    'defence-rules: an error that quotes a source is not from it',
    quoted('192.0.2.65', '198.51.100.77'),
    { fixture: 'defence-rules' },
  ),
  forwards(
    'defence-rules: an error that quotes source port 7 has no port',
    {
      ip: { source: '198.51.100.77' },
      behind: icmp({ type: 3, code: 4 }),
      payload: frameOf({
        ip: { source: vip, identification: 7 },
        tcp: { source: 80, destination: 7, flags: ACK },
      }).subarray(14),
    },
    { fixture: 'defence-rules' },
  ),
]

/** defenceVectors. */
export const defenceVectors: readonly Vector[] = [
  ...listVectors,
  ...onlyVectors,
  ...nightVectors,
  ...ruleVectors,
  ...pieces,
]
