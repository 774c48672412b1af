// Shapes for the differential fuzz, from 1 listener to 10,000, of one family and protocol or of all, with real tables
// over pools of several servers, some of them unusable, and with random bits where the packet path must not look.
// Everything follows from a seed.

import { type Ip, type Ip4, type Ip6, type Mac, macFromBytes, type Protocol } from '../../base/addresses.ts'
import { assign, buildTable, NOBODY } from '../../schedule/ranks.ts'
import { HASH_KEYS, type ListenerShape, type ServerEntry, STATELESS } from '../shape.ts'
import { clock, type Fixture, own } from './fixture.ts'
import { fuzzDefence } from './fuzz-defence.ts'
import { createRandom, type Random } from './random.ts'

/** FuzzKind: a listener's protocol and family. */
export type FuzzKind = `${Protocol}${4 | 6}`
const kinds: readonly FuzzKind[] = ['tcp4', 'udp6', 'udp4', 'tcp6']

/** FuzzShape: how many listeners, of which kinds in turn. */
export interface FuzzShape {
  readonly name: string
  readonly listeners: number
  readonly kinds: readonly FuzzKind[]
  readonly jumbo: boolean
  /** How many interfaces the node has. */
  readonly nics: number
  /** Some listeners are ranges of ports, apart or within each other, or have all ports. */
  readonly ranges?: boolean
  /** Answers to checks through service addresses are taken to the checker. */
  readonly turns?: boolean
  /** Half of the listeners' addresses, and others, accept only what a listener has. */
  readonly refuses?: boolean
  /** Services are defended by something of everything. */
  readonly defends?: boolean
}

const shape = (listeners: number, of: readonly FuzzKind[], jumbo = false, nics = 1): FuzzShape => ({
  name: `${listeners} ${of.length === kinds.length ? 'mixed' : of.join(' and ')}${jumbo ? ', jumbo' : ''}${nics > 1 ? `, ${nics} interfaces` : ''}`,
  listeners,
  kinds: of,
  jumbo,
  nics,
})

const ranged = (shape: FuzzShape): FuzzShape => ({ ...shape, name: `${shape.name}, ranges`, ranges: true })

const turning = (shape: FuzzShape): FuzzShape => ({ ...shape, name: `${shape.name}, checks`, turns: true })

const refusing = (shape: FuzzShape): FuzzShape => ({
  ...shape,
  name: `${shape.name}, accept: false`,
  refuses: true,
})

const defending = (shape: FuzzShape): FuzzShape => ({
  ...shape,
  name: `${shape.name}, defence`,
  defends: true,
})

/** fuzzShapes: all kinds of match, and both sides of their borders, for each family and for both. */
export const fuzzShapes: readonly FuzzShape[] = [
  ...kinds.map((kind) => shape(1, [kind])),
  shape(5, ['tcp4']),
  shape(5, ['tcp6', 'udp6']),
  shape(5, kinds),
  shape(5, kinds, true),
  shape(64, ['tcp4']),
  shape(64, ['tcp6']),
  shape(64, kinds),
  shape(65, ['tcp4']),
  shape(65, ['udp6']),
  shape(65, kinds),
  // 64 and 65 of each family, then of each kind
  shape(128, ['tcp4', 'tcp6']),
  shape(130, ['tcp4', 'tcp6']),
  shape(256, kinds),
  shape(260, kinds, true),
  shape(1_000, ['tcp4'], true),
  shape(1_000, ['tcp6'], true),
  shape(1_000, kinds),
  ranged(shape(1, ['tcp4'])),
  ranged(shape(5, ['tcp6'])),
  ranged(shape(40, kinds)),
  ranged(shape(65, ['udp4'])),
  ranged(shape(130, ['tcp6'])),
  ranged(shape(1_000, kinds, true)),
  shape(10_000, ['tcp4']),
  shape(10_000, kinds, true),
  shape(1, ['tcp4'], false, 2),
  shape(1, ['udp6'], true, 3),
  shape(5, kinds, false, 2),
  shape(64, kinds, true, 4),
  shape(260, kinds, true, 2),
  turning(shape(1, ['tcp4'])),
  turning(shape(5, kinds)),
  turning(shape(260, kinds, true, 2)),
  refusing(shape(5, ['tcp4'])),
  refusing(turning(shape(260, kinds, true, 2))),
  defending(shape(1, ['tcp4'])),
  defending(shape(1, ['tcp6'])),
  defending(shape(5, kinds)),
  defending(shape(260, kinds, true, 2)),
]

const SERVERS = 24

const randomMac = (random: Random): Mac =>
  macFromBytes(Uint8Array.from({ length: 6 }, (_, i) => (i === 0 ? 0x02 : random.below(256))))

/** Addresses that resemble each other: bits, octets and halves in common. */
function randomIp4s(random: Random, count: number): readonly Ip4[] {
  const addresses = new Set<number>()
  for (let address = random.word(); addresses.size < count; ) {
    addresses.add(address)
    address = random.pick([
      random.word(),
      (address + 1) >>> 0,
      (address ^ (1 << random.below(32))) >>> 0,
      ((address << 16) | (address >>> 16)) >>> 0,
    ])
  }
  return [...addresses] as Ip4[]
}

const randomIp6 = (random: Random): bigint => {
  let address = 0n
  for (let word = 0; word < 4; word++) address = (address << 32n) | BigInt(random.word())
  return address
}

/** Addresses that have three words of four in common, or all in another order, or an IPv4 address within. */
function randomIp6s(random: Random, count: number): readonly Ip6[] {
  const addresses = new Set<bigint>()
  for (let address = randomIp6(random); addresses.size < count; ) {
    addresses.add(address)
    const word = BigInt(32 * random.below(4))
    address = random.pick([
      randomIp6(random),
      BigInt.asUintN(128, address + 1n),
      address ^ (1n << BigInt(random.below(128))),
      address ^ (BigInt(random.word()) << word),
      (address >> 32n) | ((address & 0xffffffffn) << 96n),
      0xffff00000000n | BigInt(random.word()),
    ])
  }
  return [...addresses] as Ip6[]
}

/** A range: a few ports, many, half of them or all. */
function randomRange(random: Random): { readonly port: number; readonly lastPort: number } {
  const port = random.pick([1, 80, 255, 256, 8_080, 1 + random.below(65_000)])
  const more = random.pick([1, 2, 99, 256, 1 + random.below(1_000), 1 + random.below(32_768), 65_535])
  return more === 65_535 ? { port: 1, lastPort: more } : { port, lastPort: Math.min(65_535, port + more) }
}

type Ports = Pick<ListenerShape, 'port' | 'lastPort'>

/** Whether a listener may stand beside those of its address and protocol: apart from each, or around it, or within it. */
function goesWith(all: readonly Ports[], { port, lastPort = port }: Ports): boolean {
  return all.every(({ port: first, lastPort: last = first }) => {
    if (lastPort < first || last < port) return true
    const isWithin = first <= port && lastPort <= last
    return (isWithin || (port <= first && last <= lastPort)) && lastPort - port !== last - first
  })
}

function randomListeners(
  random: Random,
  { listeners: count, kinds, ranges = false }: FuzzShape,
  services: number,
  pools: number,
) {
  const addresses = Math.max(1, Math.ceil(count / 7))
  const families: Readonly<Record<string, readonly Ip[]>> = {
    4: randomIp4s(random, addresses),
    6: randomIp6s(random, addresses),
  }
  const ports = [80, 443, 0x5000, 0xbb01, 1, 65_535, 8_080, 8_081]
  const taken = new Map<string, Ports[]>()
  const listeners: ListenerShape[] = []
  while (listeners.length < count) {
    const kind = kinds[listeners.length % kinds.length]!
    const protocol = kind.slice(0, 3) as Protocol
    const address = random.pick(families[kind.slice(3)]!)
    const port = random.oneIn(4) ? 1 + random.below(65_535) : random.pick(ports)
    const own = ranges && !random.oneIn(2) ? randomRange(random) : { port }
    const all = taken.get(`${kind} ${address}`) ?? []
    if (!goesWith(all, own)) continue
    taken.set(`${kind} ${address}`, [...all, own])
    // each service is some listener's, so that none is idle
    const service = listeners.length < services ? listeners.length : random.below(services)
    listeners.push({ address, protocol, ...own, service, pool: random.below(pools) })
  }
  return listeners
}

/** A pool's words: current server from a table with some members down, the upper bits at random. */
function randomSlots(random: Random, servers: readonly ServerEntry[]): Uint32Array {
  const usable = servers.flatMap((server, id) => (server.usable ? [id] : []))
  const others = Array.from({ length: random.below(6) }, () => 1 + random.below(SERVERS))
  const members = [...new Set([random.pick(usable), ...others])].map((id) => ({
    name: `${id}`,
    weight: 1 + random.below(5),
  }))
  const table = buildTable(members)
  // half of the pools have put servers that are not usable out of their slots
  const current = random.oneIn(2)
    ? assign(table, (member) => servers[Number(table.members[member]!.name)]!.usable)
    : assign(table, () => true)
  return Uint32Array.from(current, (member) => {
    const id = member === NOBODY || random.oneIn(80) ? 0 : Number(table.members[member]!.name)
    return ((random.word() & ~0x7fff) | id) >>> 0
  })
}

/** fuzzFixture: such a shape and its tables. */
export function fuzzFixture(shape: FuzzShape, seed: number): Fixture {
  const random = createRandom(seed ^ (shape.listeners * 16 + kinds.indexOf(shape.kinds[0]!)))
  const numbers = new Set<number>()
  while (numbers.size < shape.nics) numbers.add(random.pick([0, 1, 255, random.below(256)]))
  const [number = 0, ...others] = numbers
  const families = [...new Set(shape.kinds.map((kind) => kind.slice(3)))]
  const addresses = { 4: randomIp4s(random, SERVERS + 1), 6: randomIp6s(random, SERVERS + 1) }
  const servers: ServerEntry[] = Array.from({ length: SERVERS + 1 }, (_, id) => ({
    mac: randomMac(random),
    usable: id === 1 || (id !== 0 && !random.oneIn(5)),
    via: random.oneIn(12) ? random.below(256) : random.pick([...numbers]),
    address: addresses[id % families.length === 0 && families.includes('6') ? 6 : 4][id]!,
  }))
  const pools = Math.min(shape.listeners, 9)
  const services = Math.min(shape.listeners, 300)
  const slots = Array.from({ length: pools }, () => randomSlots(random, servers))
  const listeners = randomListeners(random, shape, services, pools)
  const defence = shape.defends ? fuzzDefence(random, services) : undefined
  const key = () => (BigInt(random.word()) << 32n) | BigInt(random.word())
  return {
    shape: {
      mac: own,
      own: number,
      others: others.map((each, i) => ({ number: each, ifindex: 7 + i, mac: randomMac(random) })),
      jumbo: shape.jumbo,
      listeners,
      services: Array(services).fill(STATELESS),
      servers: SERVERS,
      pools: slots.map(({ length }) => length),
      cpus: 2,
      clock,
      ...(defence && { defence: defence.shape }),
      ...(shape.turns && { turn: { ifindex: 300, addresses: [addresses[4][0]!, addresses[6][0]!] } }),
      ...(shape.refuses && {
        unaccepted: [
          ...new Set([
            ...listeners.filter((_, i) => i % 2 === 0).map(({ address }) => address),
            addresses[4][1]!,
            addresses[6][1]!,
          ]),
        ],
      }),
    },
    tables: {
      keys: BigUint64Array.from({ length: HASH_KEYS }, key),
      slots,
      servers,
      ...(defence && { defence: defence.tables }),
    },
  }
}
