// Shapes with IPv6 listeners, alone and beside IPv4 ones.

import { formatIp, type Ip6, parseIp } from '../../base/addresses.ts'
import type { ListenerShape } from '../shape.ts'
import { allBut, type Fixture, fixture, keysOf, listener, SLOTS, someKeys, vip, vip6 } from './fixture.ts'

/** wordOff: `address` with bits of one of its four words (0 is the first on the wire) changed. */
export const wordOff = (word: number, bits: number, address: string = vip6): string =>
  formatIp(((parseIp(address) as Ip6) ^ (BigInt(bits) << BigInt(96 - 32 * word))) as Ip6)

/** The vip6 and eight addresses that differ from it in the lowest or the highest bit of one word. */
const words = [vip6, ...[0, 1, 2, 3].flatMap((word) => [wordOff(word, 1), wordOff(word, 0x80000000)])]
/** These and 61 more that differ from the vip6 in one word; pools in turn. */
const seventy = [
  ...words,
  ...Array.from({ length: 61 }, (_, i) => wordOff(i % 4, (i + 2) * (i % 2 ? 1 : 0x01000000))),
]
/** IPv4 and IPv6, TCP and UDP in turn, 35 of each; a service each, pools in turn by protocol. */
const dualSeventies: readonly ListenerShape[] = Array.from({ length: 140 }, (_, i) => {
  const address = i & 1 ? `2001:db8::${(1 + (i >> 3)).toString(16)}` : `203.0.113.${1 + (i >> 3)}`
  return listener(address, i & 4 ? 443 : 80, i, (i >> 1) & 1, i & 2 ? 'udp' : 'tcp')
})
const fixture6 = (parts: Parameters<typeof fixture>[0]): Fixture =>
  fixture({ listeners: [listener(vip6, 80)], ...parts })

/** By which word the hash is, and what multiplies it. */
const byWord = (key: number): Fixture =>
  fixture6({ keys: keysOf({ [key]: 1n << 32n }), pools: [allBut(797)] })

/** fixtures6 by name. Where there are two pools, pool p holds server p + 1. */
export const fixtures6 = {
  /** One TCP listener, no IPv4. */
  six: fixture6({}),
  'six-jumbo': fixture6({ jumbo: true }),
  /** One UDP listener, no IPv4, no TCP. */
  'six-udp': fixture6({ listeners: [listener(vip6, 53, 0, 0, 'udp')] }),
  'six-nobody': fixture6({ pools: [0] }),
  'six-unusable': fixture6({ pools: [3] }),
  /** The slot's other bits are set: server 1 now, server 3 settled, records. */
  'six-tracked': fixture6({ pools: [((1 << 31) | (3 << 15) | 1) >>> 0] }),
  /** Both families, both protocols; a service each. */
  dual: fixture({
    listeners: [
      listener(vip, 80),
      listener(vip6, 80, 1, 1),
      listener(vip, 53, 2, 1, 'udp'),
      listener(vip6, 53, 3, 0, 'udp'),
    ],
    pools: [1, 2],
  }),
  /** TCP at an IPv4 address, UDP at an IPv6 one. */
  crossed: fixture({
    listeners: [listener(vip, 80), listener(vip6, 53, 1, 1, 'udp')],
    pools: [1, 2],
  }),
  /** Nine addresses that differ in one word, a service each. */
  'six-words': fixture({
    listeners: words.map((address, i) => listener(address, 80, i, i % 2)),
    pools: [1, 2],
  }),
  'six-seventy': fixture({
    listeners: seventy.map((address, i) => listener(address, 80, i, i % 2)),
    pools: [1, 2],
  }),
  'dual-seventies': fixture({ listeners: dualSeventies, pools: [1, 2] }),
  /** An IPv4 address, and IPv6 addresses that contain it. */
  embedded: fixture({
    listeners: [
      listener(vip, 80),
      listener('::ffff:192.0.2.10', 80, 1, 1),
      listener('::192.0.2.10', 80, 2),
      listener('c000:20a::', 80, 3, 1),
      listener('64:ff9b::192.0.2.10', 80, 4),
    ],
    pools: [1, 2],
  }),
  /** Addresses and ports at the ends of their ranges, and such that look like others when bytes are swapped. */
  'six-edges': fixture({
    listeners: [
      listener('::', 1),
      listener('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 65_535, 1),
      listener('::1', 0x0100, 2),
      listener('100::', 0x8000, 3),
      listener('8000::', 0x7fff, 4),
    ],
  }),
  /** The hash is one word of the source address, little-endian; slot 797 holds server 2. */
  'six-s0': byWord(1),
  'six-s1': byWord(6),
  'six-s2': byWord(7),
  'six-s3': byWord(8),
  /** The hash is the sum of the four words; slot 797 holds server 2. */
  'six-sum': fixture6({
    keys: keysOf({ 1: 1n << 32n, 6: 1n << 32n, 7: 1n << 32n, 8: 1n << 32n }),
    pools: [allBut(797)],
  }),
  /** The hash is the source port, its low octet first; slot 797 holds server 2. */
  'six-by-port': fixture({
    listeners: [listener(vip6, 80), listener(vip6, 53, 1, 0, 'udp'), listener(vip, 80, 2)],
    keys: keysOf({ 2: 1n << 48n }),
    pools: [allBut(797)],
  }),
  /** The hash is keys[0]'s upper half, whatever comes: slot 797 holds server 2. */
  'six-constant': fixture6({ keys: keysOf({ 0: 0xc800000affffffffn }), pools: [allBut(797)] }),
  /** The sum is less the last word: all ones for 1. The last slot holds server 2. */
  'six-negative': fixture6({ keys: keysOf({ 8: 0xffffffffffffffffn }), pools: [allBut(SLOTS - 1)] }),
  /** The sum is the third word less one: all ones for 0. The last slot holds server 2. */
  'six-wrap': fixture6({
    keys: keysOf({ 0: 0xffffffffffffffffn, 7: 1n }),
    pools: [allBut(SLOTS - 1)],
  }),
  /** The hash is half the second word. Slot 398 holds server 2. */
  'six-by-half': fixture6({ keys: keysOf({ 6: 1n << 31n }), pools: [allBut(398)] }),
  /** IPv4's hash where there are keys for IPv6's: slot 797 holds server 2. */
  'dual-by-address': fixture({
    listeners: [listener(vip, 80), listener(vip6, 80, 1)],
    keys: keysOf({ 1: 1n << 32n }, [0, 1, 2]),
    pools: [allBut(797)],
  }),
  /** All keys, and servers 1 and 2 in turn. */
  'six-keyed': fixture({
    listeners: [listener(vip6, 80), listener(vip6, 53, 1, 0, 'udp'), listener(vip, 80, 2)],
    keys: someKeys,
    pools: [Uint32Array.from({ length: SLOTS }, (_, slot) => 1 + (slot % 2))],
  }),
} satisfies Record<string, Fixture>
