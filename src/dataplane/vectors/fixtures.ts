// What the vectors run against, by name: here the shapes of IPv4 and TCP, in fixtures-udp.ts, fixtures6.ts,
// fixtures-tables.ts and fixtures-ranges.ts the others. Each name says what is special.

import { HASH_KEYS, KEY_MIX } from '../shape.ts'
import { allBut, type Fixture, fixture, listener, SLOTS, vip } from './fixture.ts'
import { fixturesAccept } from './fixtures-accept.ts'
import { fixturesDefence } from './fixtures-defence.ts'
import { fixturesEgress } from './fixtures-egress.ts'
import { fixturesProof } from './fixtures-proof.ts'
import { fixturesRanges } from './fixtures-ranges.ts'
import { fixturesTables } from './fixtures-tables.ts'
import { fixturesTurn } from './fixtures-turn.ts'
import { fixturesUdp } from './fixtures-udp.ts'
import { fixturesVirtual } from './fixtures-virtual.ts'
import { fixtures6 } from './fixtures6.ts'

/** mixedBy32: these keys and no others, and a mixer that takes a sum's lower half for its upper one. */
const mixedBy32 = (keys: Readonly<Record<number, bigint>>): readonly bigint[] =>
  Array.from({ length: HASH_KEYS }, (_, i) => keys[i] ?? (i === KEY_MIX ? 1n << 32n : 0n))

/** The 70 listeners: 40 ports of the vip, then port 80 of 30 addresses; a service each, pools in turn. */
const seventy = Array.from({ length: 70 }, (_, i) =>
  i < 40 ? listener(vip, 8001 + i, i, i % 2) : listener(`203.0.113.${i - 39}`, 80, i, i % 2),
)

/** fixtures by name. */
export const fixtures = {
  /** One listener, one server. */
  one: fixture({}),
  /** The same on an interface whose frames may span several buffers. */
  jumbo: fixture({ jumbo: true }),
  /** Three listeners, two services; service 0 has two pools, pool 0 has two services. Pool p holds server p + 1. */
  shared: fixture({
    listeners: [listener(vip, 80), listener(vip, 443, 0, 1), listener('192.0.2.11', 80, 1, 0)],
    pools: [1, 2],
  }),
  /** Two pools, pool p holds server p + 1. */
  seventy: fixture({ listeners: seventy, pools: [1, 2] }),
  /** Addresses and ports at the ends of their ranges, and such that look like others when bytes are swapped. */
  edges: fixture({
    listeners: [
      listener('1.0.0.0', 1),
      listener('223.255.255.255', 65_535, 1),
      listener('128.0.0.0', 0x0100, 2),
      listener('10.0.0.127', 0x8000, 3),
      listener('127.0.0.10', 0x7fff, 4),
    ],
  }),
  /** Nobody is in the slots. */
  nobody: fixture({ pools: [0] }),
  /** The server in the slots has lost its MAC. */
  unusable: fixture({ pools: [3] }),
  /** As many servers as a power of two, beside nobody; the last is in the slots. */
  four: fixture({ servers: 4, pools: [4] }),
  /** The slot's other bits are set: server 1 now, server 3 settled, records. */
  tracked: fixture({ pools: [((1 << 31) | (3 << 15) | 1) >>> 0] }),
  /** The same with bit 30, and with nobody now. */
  left: fixture({ pools: [((1 << 31) | (1 << 30) | (2 << 15)) >>> 0] }),
  /** The hash is the source address as a little-endian word; slot 797 holds server 2. */
  'by-address': fixture({ keys: [0n, 1n << 32n], pools: [allBut(797)] }),
  /** The same over two pools of different sizes; slot 797 of 1,021 and slot 1,592 of 2,039 hold server 2. */
  sizes: fixture({
    listeners: [listener(vip, 80), listener(vip, 443, 1, 1)],
    keys: [0n, 1n << 32n],
    pools: [allBut(797), allBut(1_592, 2_039)],
  }),
  /** The hash is the source port, its low octet first, then zeros; slot 797 holds server 2. */
  'by-port': fixture({
    keys: [0n, 0n, 1n << 48n],
    pools: [allBut(797)],
  }),
  /** The hash is both ports, the destination's low octet first; slot 797 holds server 2. */
  'by-ports': fixture({
    listeners: [listener(vip, 0x00c8), listener(vip, 0xc800)],
    keys: [0n, 0n, 1n << 32n],
    pools: [allBut(797)],
  }),
  /** The hash is keys[0]'s upper half, whatever comes: slot 797 holds server 2. */
  constant: fixture({ keys: [0xc800000affffffffn], pools: [allBut(797)] }),
  /** The hash is half the source address: what a 32-bit multiplication would lose. Slot 398 holds server 2. */
  'by-half': fixture({ keys: [0n, 1n << 31n], pools: [allBut(398)] }),
  /** The sum is both ports, below 2^32, and the mixer moves them up: the hash. Slot 319 holds server 2. */
  'by-lower-half': fixture({ keys: mixedBy32({ 2: 1n }), pools: [allBut(319)] }),
  /** The sum is the address word above 2^32, which is folded down before the mixer moves it up again. */
  folded: fixture({ keys: mixedBy32({ 1: 1n << 32n }), pools: [allBut(797)] }),
  /** The sum is the address word less one: all ones for 0.0.0.0. The last slot holds server 2. */
  wrap: fixture({ keys: [0xffffffffffffffffn, 1n], pools: [allBut(SLOTS - 1)] }),
  /** The sum is less the address word: all ones for 1.0.0.0. The last slot holds server 2. */
  negative: fixture({ keys: [0n, 0xffffffffffffffffn], pools: [allBut(SLOTS - 1)] }),
  ...fixturesUdp,
  ...fixturesEgress,
  ...fixturesTurn,
  ...fixturesVirtual,
  ...fixturesAccept,
  ...fixturesDefence,
  ...fixturesProof,
  ...fixtures6,
  ...fixturesTables,
  ...fixturesRanges,
} satisfies Record<string, Fixture>

export type FixtureName = keyof typeof fixtures
