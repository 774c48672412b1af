// What makes the fixtures that vectors run against: shapes with tables whose answers can be told without computing a
// hash, since a pool's slots all hold one server, or since the multipliers are such that the hash is a plain field.
// Servers: 1 and 2 are usable, 3 has lost its MAC; where there is a fourth, it is usable.

import { type Mac, type Protocol, parseIp, parseMac } from '../../base/addresses.ts'
import { type DefenceShape, type DefenceTables, NO_DEFENCE_TABLES } from '../defence-shape.ts'
import type { ScheduleTable } from '../scheduling.ts'
import {
  type Clock,
  type FlowsShape,
  HASH_KEYS,
  KEY_MIX,
  type ListenerShape,
  type OtherInterface,
  type ServerEntry,
  type ServiceShape,
  type Shape,
  STATELESS,
  type Tables,
  type TurnShape,
} from '../shape.ts'
import type { VirtualMac } from '../virtual-mac.ts'

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
export const web4 = parseMac('0e:4a:3b:2c:1d:0f')
const lost = parseMac('0a:99:88:77:66:55')
/** back: the MAC of another interface of the node's. */
export const back = parseMac('02:2c:4d:6e:8f:a0')
export const client = '198.51.100.7'
/** vip: the address of most listeners. */
export const vip = '192.0.2.10'
export const client6 = '2001:db8:ffff::7'
/** vip6: the address of most IPv6 listeners; all its groups differ. */
export const vip6 = '2001:db8:a:b:c:d:e:f'
export const SLOTS = 1_021
/** clock: as whoever runs a fixture sets it. */
export const clock: Clock = { source: 'word', hz: 250, shift: 4 }

const nowhere = { mac: '00:00:00:00:00:00' as Mac, usable: false, via: 0 }
const three: readonly ServerEntry[] = [
  nowhere,
  { mac: web1, usable: true, via: 0, address: parseIp('192.0.2.21') },
  { mac: web2, usable: true, via: 0, address: parseIp('192.0.2.22') },
  { mac: lost, usable: false, via: 0, address: parseIp('192.0.2.23') },
]
const fourth: ServerEntry = { mac: web4, usable: true, via: 0, address: parseIp('192.0.2.24') }
/** Any multipliers do where all slots hold the same server. */
export const someKeys: readonly bigint[] = [
  0x9e3779b97f4a7c15n,
  0xbf58476d1ce4e5b9n,
  0x94d049bb133111ebn,
  0xd6e8feb86659fd93n,
  0xa5a5a5a5a5a5a5a5n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x27d4eb2f165667c5n,
  0x85ebca77c2b2ae63n,
  // KEY_MIX: what a sum is mixed by; with 1 a hash is its upper half
  1n,
  0xc4ceb9fe1a85ec53n,
  0x2545f4914f6cdd1dn,
  0xda942042e4dd58b5n,
  0x8cb92ba72f3d8dd7n,
  0xf1357aea2e62a9c5n,
  0xe7037ed1a0b428dbn,
]
/**
 * keysOf: the keys that choose a slot, 0 where none is given; all others are some, so that one in another's place
 * is noticed.
 */
export const keysOf = (
  given: Readonly<Record<number, bigint>>,
  chosen: readonly number[] = [0, 1, 2, 6, 7, 8],
): readonly bigint[] => someKeys.map((key, i) => given[i] ?? (chosen.includes(i) ? 0n : key))

/** listener: of TCP unless said. */
export const listener = (
  address: string,
  port: number,
  service = 0,
  pool = 0,
  protocol: Protocol = 'tcp',
): ListenerShape => ({ address: parseIp(address), protocol, port, service, pool })

/** ports: a listener of a range of them; of TCP unless said. */
export const ports = (
  address: string,
  port: number,
  lastPort: number,
  service = 0,
  pool = 0,
  protocol: Protocol = 'tcp',
): ListenerShape => ({ ...listener(address, port, service, pool, protocol), lastPort })

/** FixtureParts: what is absent is that of one TCP listener at the vip's port 80. */
export interface FixtureParts {
  readonly listeners?: readonly ListenerShape[]
  /** For each pool the word in all its slots, or all its words. */
  readonly pools?: readonly (number | Uint32Array)[]
  readonly keys?: readonly bigint[]
  readonly jumbo?: boolean
  readonly servers?: 3 | 4
  /** The interface's number and the others; 0, and none. */
  readonly number?: number
  readonly others?: readonly OtherInterface[]
  /** By which interface servers are reached, if not by that of number 0. */
  readonly via?: Readonly<Record<number, number>>
  /** By index; STATELESS where it is not said. */
  readonly services?: readonly ServiceShape[]
  readonly flows?: FlowsShape
  /** For each pool the words of its table before; none: an empty one. */
  readonly before?: readonly Uint32Array[]
  /** By service: what schedulers that count go by. */
  readonly schedules?: ReadonlyMap<number, ScheduleTable>
  readonly turn?: TurnShape
  /** Virtual router MACs, and those of them that the node is active for. */
  readonly virtual?: readonly VirtualMac[]
  readonly active?: readonly VirtualMac[]
  /** Addresses that accept only what a listener has. */
  readonly unaccepted?: readonly string[]
  /** How long the prefixes of servers' networks are, where they are known. */
  readonly networks?: Readonly<Record<number, number>>
  /** What services are defended by, and what that goes by. */
  readonly defence?: DefenceShape
  readonly defended?: Partial<DefenceTables>
  /** Servers' addresses, from server 1 on, if not IPv4 ones of these fixtures. */
  readonly targets?: readonly string[]
}

/** fixture puts shape and tables together. */
export function fixture({
  listeners = [listener(vip, 80)],
  pools = [1],
  keys = someKeys,
  jumbo = false,
  servers: count = 3,
  number = 0,
  others = [],
  via = {},
  services,
  flows,
  before,
  schedules,
  targets = [],
  networks = {},
  turn,
  virtual,
  active,
  unaccepted,
  defence,
  defended,
}: FixtureParts): Fixture {
  const servers = [...three, ...(count === 4 ? [fourth] : [])].map((entry, id) => {
    const target = targets[id - 1]
    return {
      ...entry,
      via: via[id] ?? 0,
      ...(target !== undefined && { address: parseIp(target) }),
      ...(networks[id] !== undefined && { network: networks[id] }),
    }
  })
  const slots = pools.map((words) => (typeof words === 'number' ? new Uint32Array(SLOTS).fill(words) : words))
  return {
    shape: {
      mac: own,
      own: number,
      others,
      jumbo,
      listeners,
      services:
        services ?? Array(Math.max(0, ...listeners.map(({ service }) => service)) + 1).fill(STATELESS),
      servers: servers.length - 1,
      pools: slots.map(({ length }) => length),
      cpus: 2,
      clock,
      ...(flows && { flows }),
      ...(turn && { turn }),
      ...(virtual && { virtual }),
      ...(unaccepted && { unaccepted: unaccepted.map(parseIp) }),
      ...(before && { before: before.map(({ length }) => length) }),
      ...(defence && { defence }),
    },
    tables: {
      keys: BigUint64Array.from({ length: HASH_KEYS }, (_, i) => keys[i] ?? (i === KEY_MIX ? 1n : 0n)),
      slots,
      servers,
      ...(before && { before }),
      ...(schedules && { schedules }),
      ...(active && { active }),
      ...(defended && { defence: { ...NO_DEFENCE_TABLES, ...defended } }),
    },
  }
}

/** allBut: server 2 in one slot, server 1 in all others. */
export const allBut = (slot: number, slots = SLOTS): Uint32Array => {
  const words = new Uint32Array(slots).fill(1)
  words[slot] = 2
  return words
}
