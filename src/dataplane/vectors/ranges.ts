// Ranges of ports: whose a port is at both ends of each range and beside it, where one range lies within another, by
// protocol and by address, and on every way that a packet is parsed. The same is asked where listeners are compared by
// instructions and where they are in tables.

import { ipv6Next } from '../../wire/ipv6.ts'
import { extension, fragment } from '../../wire/packet.ts'
import { vip, vip6 } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { alone, alone6, ends } from './fixtures-ranges.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

type Protocol = 'tcp' | 'udp'
/** Owner: the index of the listener that has the port; nobody. */
type Owner = number | 'nobody'
type Row = readonly [address: string, protocol: Protocol, port: number, owner: Owner]

const to = (address: string, protocol: Protocol, destination: number, more: Parts = {}): Parts => ({
  [protocol]: { destination },
  ...(address.includes(':') ? { ip6: { destination: address } } : { ip: { destination: address } }),
  ...more,
})

const asked = (fixture: FixtureName, what: string, parts: Parts, owner: Owner): Vector =>
  owner === 'nobody'
    ? keeps('no-listener', what, parts, fixture)
    : forwards(what, parts, { fixture, service: owner, server: (owner % 2) + 1 })

const rows = (fixture: FixtureName, all: readonly Row[], more: Parts = {}, how = ''): Vector[] =>
  all.map(([address, protocol, port, owner]) =>
    asked(
      fixture,
      `${fixture}: ${address} ${protocol} ${port}${how}`,
      to(address, protocol, port, more),
      owner,
    ),
  )

/** The vip's listeners: 0 8000..8099, 1 8050, 2 80, 3 4386..8721, 4 all. Ports also with their octets swapped. */
const nested: readonly (readonly [port: number, owner: number])[] = [
  [1, 4],
  [79, 4],
  [80, 2],
  [81, 4],
  [0x5000, 4],
  [4_385, 4],
  [4_386, 3],
  [7_999, 3],
  [8_000, 0],
  [8_049, 0],
  [8_050, 1],
  [8_051, 0],
  [8_099, 0],
  [8_100, 3],
  [8_721, 3],
  [8_722, 4],
  [0x401f, 4],
  [65_535, 4],
]
const few: readonly Row[] = [
  [vip, 'tcp', 0, 'nobody'],
  ...nested.map(([port, owner]): Row => [vip, 'tcp', port, owner]),
  ...[1, 80, 8_050, 0x7fff, 0x8000, 65_535].map((port): Row => [alone, 'tcp', port, 5]),
  [alone, 'tcp', 0, 'nobody'],
  [ends, 'tcp', 0, 'nobody'],
  [ends, 'tcp', 1, 6],
  [ends, 'tcp', 9, 6],
  [ends, 'tcp', 10, 9],
  [ends, 'tcp', 11, 7],
  [ends, 'tcp', 255, 7],
  [ends, 'tcp', 256, 7],
  [ends, 'tcp', 10_000, 7],
  [ends, 'tcp', 10_001, 'nobody'],
  [ends, 'tcp', 65_533, 'nobody'],
  [ends, 'tcp', 65_534, 8],
  [ends, 'tcp', 65_535, 8],
  ['192.0.2.76', 'tcp', 80, 'nobody'],
  ['192.0.2.79', 'tcp', 80, 'nobody'],
]

/** As above, but for all ports; the same of UDP at the vip6, from listener 6 on. */
const mixed: readonly Row[] = [
  ...nested.map(([port, owner]): Row => [vip, 'tcp', port, owner === 4 ? 'nobody' : owner]),
  ...nested.map(([port, owner]): Row => [vip6, 'udp', port, owner + 6]),
  [vip6, 'udp', 0, 'nobody'],
  [vip, 'udp', 8_049, 'nobody'],
  [vip, 'udp', 8_050, 4],
  [vip, 'udp', 9_000, 4],
  [vip, 'udp', 9_001, 'nobody'],
  [vip, 'udp', 80, 'nobody'],
  [alone, 'udp', 1, 5],
  [alone, 'udp', 65_535, 5],
  [alone, 'udp', 0, 'nobody'],
  [alone, 'tcp', 80, 'nobody'],
  [vip6, 'tcp', 443, 12],
  [vip6, 'tcp', 8_050, 'nobody'],
  [alone6, 'tcp', 6_999, 'nobody'],
  [alone6, 'tcp', 7_000, 11],
  [alone6, 'tcp', 7_999, 11],
  [alone6, 'tcp', 8_000, 'nobody'],
  [alone6, 'udp', 7_000, 'nobody'],
]

/** A row of ranges of which each but the last has a gap behind it; `first` is the first one's listener. */
const row = (address: string, first: number, count: number, step: number, width: number): Row[] =>
  Array.from({ length: count }, (_, i): Row[] => {
    const port = step * (i + 1)
    return [
      [address, 'tcp', port, first + i],
      [address, 'tcp', port + width - 1, first + i],
      ...(width < step ? [[address, 'tcp', port + width, 'nobody'] as const] : []),
    ]
  }).flat()
const beside: readonly Row[] = [
  ['203.0.113.2', 'tcp', 0, 'nobody'],
  ['203.0.113.2', 'tcp', 99, 'nobody'],
  ['203.0.113.2', 'tcp', 3_799, 'nobody'],
  ['203.0.113.2', 'tcp', 8_000, 'nobody'],
  ['203.0.113.2', 'tcp', 65_535, 'nobody'],
  ['203.0.113.1', 'tcp', 9_999, 'nobody'],
  ['203.0.113.1', 'tcp', 8_000, 'nobody'],
  ['203.0.113.3', 'tcp', 100, 'nobody'],
]
const beside6: readonly Row[] = [
  ['2001:db8::2', 'tcp', 999, 'nobody'],
  ['2001:db8::2', 'tcp', 6_000, 'nobody'],
  ['2001:db8::1', 'tcp', 1_000, 'nobody'],
  ['2001:db8::3', 'tcp', 1_000, 'nobody'],
]

const options = { ip: { options: new Uint8Array(8) } }
/** Of some rows the packets that go the slow way. */
const slowly = (fixture: FixtureName, all: readonly Row[]): Vector[] =>
  all
    .filter((_, i) => i % 4 === 1)
    .flatMap(([address, protocol, port, owner]) => {
      const isSix = address.includes(':')
      const parts = isSix
        ? to(address, protocol, port, { extensions: [extension(ipv6Next.DSTOPTS)] })
        : to(address, protocol, port, { ip: { destination: address, ...options.ip } })
      return asked(fixture, `${fixture}: ${address} ${protocol} ${port}, the slow way`, parts, owner)
    })

const unread = (fixture: FixtureName): Vector[] => [
  keeps(
    'fragment-held',
    `${fixture}: a fragment to an address of ranges alone`,
    { ip: { destination: alone, fragmentOffset: 9 }, tcp: { destination: 1 } },
    fixture,
  ),
  keeps(
    'no-listener',
    `${fixture}: a fragment beside it`,
    { ip: { destination: '192.0.2.76', fragmentOffset: 9 } },
    fixture,
  ),
]

/** rangeVectors. */
export const rangeVectors: readonly Vector[] = [
  ...rows('ranges', few),
  ...slowly('ranges', few),
  ...unread('ranges'),
  keeps('truncated', 'ranges: a cut SYN to all ports', cut(frameOf(to(alone, 'tcp', 80)), 50), 'ranges'),
  ...rows('ranges-mixed', mixed),
  ...slowly('ranges-mixed', mixed),
  ...unread('ranges-mixed'),
  ...rows('ranges-tables', few),
  ...slowly('ranges-tables', few),
  ...rows('ranges-tables', [...row('203.0.113.2', 70, 37, 100, 50), ...beside]),
  ...unread('ranges-tables'),
  ...rows('ranges-tables-mixed', mixed),
  ...rows('ranges-tables-mixed', mixed.slice(10, 40), { payload: new Uint8Array(8_000) }, ', jumbo'),
  ...slowly('ranges-tables-mixed', mixed),
  ...rows('ranges-tables-mixed', [...row('203.0.113.2', 73, 37, 100, 50), ...beside]),
  ...rows('ranges-tables-mixed', [...row('2001:db8::2', 110, 5, 1_000, 1_000), ...beside6]),
  ...unread('ranges-tables-mixed'),
  keeps(
    'fragment-held',
    'ranges-tables-mixed: an IPv6 fragment to an address of a range alone',
    to(alone6, 'tcp', 80, { extensions: [fragment({ offset: 9 })] }),
    'ranges-tables-mixed',
  ),
  ...rows('ranges-six', [...row('2001:db8::2', 60, 5, 1_000, 1_000), ...beside6, [vip, 'tcp', 80, 65]]),
  ...rows('ranges-six', [[vip, 'tcp', 1_000, 'nobody']]),
]
