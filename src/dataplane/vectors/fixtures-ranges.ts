// Shapes whose listeners have ranges of ports: few, compared by instructions, and many, found in tables. A service is a
// listener's index, and services take turns at the pools: pool p holds server p + 1. In one table the
// entries of all addresses share a bucket.

import type { ListenerShape } from '../shape.ts'
import { type Fixture, fixture, listener, ports, someKeys, vip, vip6 } from './fixture.ts'

/** alone: the address that has all ports and nothing else, and `ends`: the one with the first and the last range, and a range
 * whose first port is another’s. */
export const alone = '192.0.2.77'
export const ends = '192.0.2.78'
export const alone6 = '2001:db8:a:b:c:d:e:77'

/** One service each, pools in turn. */
const each = (listeners: readonly ListenerShape[]): ListenerShape[] =>
  listeners.map((one, service) => ({ ...one, service, pool: service % 2 }))

/** Of the vip: exact ports within a range, within all and beside both. */
const nested = (protocol: 'tcp' | 'udp', address: string): ListenerShape[] => [
  ports(address, 8_000, 8_099, 0, 0, protocol),
  listener(address, 8_050, 0, 0, protocol),
  listener(address, 80, 0, 0, protocol),
  ports(address, 0x1122, 0x2211, 0, 0, protocol),
  ports(address, 1, 65_535, 0, 0, protocol),
]
const apart: readonly ListenerShape[] = [
  ports(alone, 1, 65_535),
  ports(ends, 1, 9),
  ports(ends, 10, 10_000),
  ports(ends, 65_534, 65_535),
  listener(ends, 10),
]
const few = each([...nested('tcp', vip), ...apart])
/** As the vip, but without all ports; of UDP other ranges than of TCP. */
const mixed = each([
  ...nested('tcp', vip).slice(0, 4),
  ports(vip, 8_050, 9_000, 0, 0, 'udp'),
  ports(alone, 1, 65_535, 0, 0, 'udp'),
  ...nested('udp', vip6),
  ports(alone6, 7_000, 7_999),
  listener(vip6, 443),
])
/** As many others as make tables of it. */
const others = Array.from({ length: 60 }, (_, i) =>
  listener(i % 2 === 0 ? '203.0.113.1' : '2001:db8::1', 10_000 + i),
)
/** So many ranges of one address, that several steps are needed to find one: ports 100 i to 100 i + 49. */
const row = Array.from({ length: 37 }, (_, i) => ports('203.0.113.2', 100 * (i + 1), 100 * (i + 1) + 49))
const row6 = Array.from({ length: 5 }, (_, i) => ports('2001:db8::2', 1_000 * (i + 1), 1_000 * (i + 1) + 999))
/** A bucket is a port's, and one is of all addresses: hashes leave the addresses out. */
const byPort = someKeys.map((key, i) => ([4, 10, 11, 12, 13].includes(i) ? 0n : key))

/** fixturesRanges by name. */
export const fixturesRanges = {
  ranges: fixture({ listeners: few, pools: [1, 2] }),
  'ranges-mixed': fixture({ listeners: mixed, pools: [1, 2] }),
  'ranges-tables': fixture({ listeners: each([...few, ...others, ...row]), pools: [1, 2] }),
  'ranges-tables-mixed': fixture({
    listeners: each([...mixed, ...others, ...row, ...row6]),
    pools: [1, 2],
    keys: byPort,
    jumbo: true,
  }),
  /** A table whose IPv6 listeners alone have ranges. */
  'ranges-six': fixture({
    listeners: each([...others, ...row6, listener(vip, 80), listener(vip, 81)]),
    pools: [1, 2],
  }),
} satisfies Record<string, Fixture>
