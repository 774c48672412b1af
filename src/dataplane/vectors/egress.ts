// Where frames leave: by the interface that they came in by, by another, or not at all.

import type { Mac } from '../../base/addresses.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { back } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { fourth, third } from './fixtures-egress.ts'
import { forwards, keeps, type Parts, type Vector } from './vector.ts'

const far = (name: string, parts: Parts, fixture: FixtureName = 'far', by: Mac = back, service = 0): Vector =>
  forwards(`another interface: ${name}`, parts, { fixture, server: 2, by, service })
const extension = { kind: 'extension', number: 60, fields: {} } as const

/** egressVectors. */
export const egressVectors: readonly Vector[] = [
  forwards('two interfaces: a server behind our own', {}, { fixture: 'near' }),
  far('a SYN', {}),
  far('a segment with payload', { tcp: { flags: tcpFlag.ACK }, payload: 'a request' }),
  far('a trailer behind the packet', { trailer: new Uint8Array(9) }),
  far('a tagged frame', { ether: { tags: [{ id: 7 }] } }),
  far('IPv6 in a frame with two tags', { ip6: {}, ether: { tags: [{ id: 7 }, { id: 8 }] } }, 'six-far'),
  far('IP options', { ip: { options: new Uint8Array(8).fill(1) } }),
  far('TTL 2', { ip: { ttl: 2 } }),
  far('a jumbo frame', { payload: new Uint8Array(1_400) }, 'far-jumbo'),
  far('IPv6', { ip6: {} }, 'six-far'),
  far('IPv6 with an extension header', { ip6: {}, extensions: [extension] }, 'six-far'),
  far('IPv6 beside IPv4', { ip6: {} }, 'dual-far', back, 1),
  far('UDP', { udp: {} }, 'dual-far', back, 2),
  far('of 70 listeners, IPv4', { tcp: { destination: 8_070 } }, 'seventy-far', back, 69),
  far('of 70 listeners, IPv6', { ip6: { destination: '2001:db8::45' } }, 'seventy-far', back, 68),
  forwards('two interfaces: IPv4 of both families, to a server behind our own', {}, { fixture: 'dual-far' }),
  forwards(
    'two interfaces: UDP over IPv6, to a server behind our own',
    { ip6: {}, udp: {} },
    { fixture: 'dual-far', service: 3 },
  ),
  forwards('the second interface: a server behind it', {}, { fixture: 'back-near', server: 2 }),
  forwards('the second interface: a server behind the first', {}, { fixture: 'back-far', by: back }),
  forwards('four interfaces: a server behind the third', {}, { fixture: 'far-second', by: third }),
  forwards('four interfaces: a server behind the last', {}, { fixture: 'far-last', by: fourth }),
  forwards('one interface whose number is not 0', {}, { fixture: 'alone' }),
  keeps('no-server', 'several interfaces: a server behind none of them', {}, 'nowhere'),
  keeps('no-server', 'several interfaces: a server without a MAC', {}, 'far-lost'),
  keeps('no-server', 'the second interface: a server without a MAC', {}, 'back-lost'),
  keeps('no-server', 'several interfaces: nobody', {}, 'far-nobody'),
  keeps(
    'ttl',
    'another interface: TTL 1 and options',
    { ip: { ttl: 1, options: new Uint8Array(4).fill(1) } },
    'far',
  ),
  keeps('bad-length', 'another interface: a length that lies', { ip: { totalLength: 39 } }, 'far'),
  keeps(
    'other-host',
    'two interfaces: a frame to the other one’s MAC',
    { ether: { destination: back } },
    'far',
  ),
  keeps(
    'other-host',
    'two interfaces: the same, and it has the server',
    { ether: { destination: back } },
    'near',
  ),
]
