// Shapes whose listeners are in tables, with multipliers such that many entries share a bucket, so that what an entry
// is compared by decides. 36 listeners of each family, a service each, pools in turn.

import { type Fixture, fixture, listener, someKeys, vip, vip6 } from './fixture.ts'

const each = Array.from({ length: 36 }, (_, i) => i)
/** zeroed: some keys, but for those that multiply nothing away. */
const zeroed = (...indexes: readonly number[]): readonly bigint[] =>
  someKeys.map((key, i) => (indexes.includes(i) ? 0n : key))

/** At 36 addresses of each family, one port. */
const addresses = each.flatMap((i) => [
  listener(`203.0.113.${i + 1}`, 80, 2 * i, i % 2),
  listener(`2001:db8::${(i + 1).toString(16)}`, 80, 2 * i + 1, i % 2),
])

/** fixturesTables by name. There are two pools, pool p holds server p + 1. */
export const fixturesTables = {
  /** A bucket is a port's: its hash leaves the addresses of both families out. */
  'buckets-by-port': fixture({
    listeners: each.flatMap((i) => [
      listener(vip, 8_001 + i, 2 * i, i % 2),
      listener(vip6, 8_001 + i, 2 * i + 1, i % 2),
    ]),
    keys: zeroed(4, 10, 11, 12, 13),
    pools: [1, 2],
  }),
  /** A bucket is an address's: its hash leaves the port out. */
  'buckets-by-address': fixture({ listeners: addresses, keys: zeroed(5), pools: [1, 2] }),
  'tables-jumbo': fixture({ listeners: addresses, jumbo: true, pools: [1, 2] }),
  /** UDP alone. */
  'udp-seventy': fixture({
    listeners: Array.from({ length: 70 }, (_, i) => listener(vip, 8_001 + i, i, i % 2, 'udp')),
    pools: [1, 2],
  }),
} satisfies Record<string, Fixture>
