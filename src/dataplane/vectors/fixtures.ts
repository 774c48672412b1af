// What the vectors run against: a few shapes with tables whose answers can be told without computing a hash, since
// a pool's slots all hold one server, or since the multipliers are such that the hash is a plain field. Servers:
// 1 and 2 are usable, 3 has lost its MAC.

import { type Mac, parseIp4, parseMac } from '../../base/addresses.ts'
import { HASH_KEYS, type ListenerShape, type ServerEntry, type Shape, type Tables } from '../shape.ts'

/** Fixture: a shape and the contents of its maps. */
export interface Fixture {
  readonly shape: Shape
  readonly tables: Tables
}

/** own: the interface's MAC; all six octets differ, so that none stands in for another. */
export const own = parseMac('02:1b:3c:5d:7e:9f')
/** The router that clients' frames come from. */
export const router = parseMac('00:00:5e:00:01:fe')
export const web1 = parseMac('02:a1:b2:c3:d4:e5')
export const web2 = parseMac('06:10:20:30:40:50')
const lost = parseMac('0a:99:88:77:66:55')
export const client = '198.51.100.7'
/** vip: the address of most listeners. */
export const vip = '192.0.2.10'
const SLOTS = 1_021

const nowhere = { mac: '00:00:00:00:00:00' as Mac, usable: false }
const servers: readonly ServerEntry[] = [
  nowhere,
  { mac: web1, usable: true },
  { mac: web2, usable: true },
  { mac: lost, usable: false },
]
/** Any multipliers do where all slots hold the same server. */
const someKeys = [
  0x9e3779b97f4a7c15n,
  0xbf58476d1ce4e5b9n,
  0x94d049bb133111ebn,
  0xd6e8feb86659fd93n,
  0xa5a5a5a5a5a5a5a5n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x27d4eb2f165667c5n,
]

const listener = (address: string, port: number, service = 0, pool = 0): ListenerShape => ({
  address: parseIp4(address),
  port,
  service,
  pool,
})

interface Parts {
  readonly listeners?: readonly ListenerShape[]
  /** For each pool the word in all its slots, or all its words. */
  readonly pools?: readonly (number | Uint32Array)[]
  readonly keys?: readonly bigint[]
  readonly jumbo?: boolean
}

function fixture({
  listeners = [listener(vip, 80)],
  pools = [1],
  keys = someKeys,
  jumbo = false,
}: Parts): Fixture {
  const slots = pools.map((words) => (typeof words === 'number' ? new Uint32Array(SLOTS).fill(words) : words))
  return {
    shape: {
      mac: own,
      jumbo,
      listeners,
      services: Math.max(...listeners.map(({ service }) => service)) + 1,
      servers: servers.length - 1,
      pools: slots.map(({ length }) => length),
      cpus: 2,
    },
    tables: {
      keys: BigUint64Array.from({ length: HASH_KEYS }, (_, i) => keys[i] ?? 0n),
      slots,
      servers,
    },
  }
}

/** Server 2 in one slot, server 1 in all others. */
const allBut = (slot: number, slots = SLOTS): Uint32Array => {
  const words = new Uint32Array(slots).fill(1)
  words[slot] = 2
  return words
}

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
  /** The sum is the address word less one: all ones for 0.0.0.0. The last slot holds server 2. */
  wrap: fixture({ keys: [0xffffffffffffffffn, 1n], pools: [allBut(SLOTS - 1)] }),
  /** The sum is less the address word: all ones for 1.0.0.0. The last slot holds server 2. */
  negative: fixture({ keys: [0n, 0xffffffffffffffffn], pools: [allBut(SLOTS - 1)] }),
} satisfies Record<string, Fixture>

export type FixtureName = keyof typeof fixtures
