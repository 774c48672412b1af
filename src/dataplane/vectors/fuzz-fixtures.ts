// Shapes for the differential fuzz, from 1 listener to 10,000, with real tables over pools of several servers, some
// of them unusable, and with random bits where the packet path must not look. Everything follows from a seed.

import { type Ip4, type Mac, macFromBytes } from '../../base/addresses.ts'
import { assign, buildTable, NOBODY } from '../../schedule/ranks.ts'
import { HASH_KEYS, type ListenerShape, type ServerEntry } from '../shape.ts'
import { type Fixture, own } from './fixture.ts'
import { createRandom, type Random } from './random.ts'

/** fuzzListeners: how many listeners the fuzz's shapes have: both kinds of match, and both sides of their border. */
export const fuzzListeners = [1, 5, 64, 65, 1_000, 10_000] as const

const SERVERS = 24

const randomMac = (random: Random): Mac =>
  macFromBytes(Uint8Array.from({ length: 6 }, (_, i) => (i === 0 ? 0x02 : random.below(256))))

/** Addresses that resemble each other: bits, octets and halves in common. */
function randomAddresses(random: Random, count: number): readonly Ip4[] {
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

function randomListeners(random: Random, count: number, services: number, pools: number): ListenerShape[] {
  const addresses = randomAddresses(random, Math.max(1, Math.ceil(count / 7)))
  const ports = [80, 443, 0x5000, 0xbb01, 1, 65_535, 8_080, 8_081]
  const taken = new Set<number>()
  const listeners: ListenerShape[] = []
  while (listeners.length < count) {
    const address = random.pick(addresses)
    const port = random.oneIn(4) ? 1 + random.below(65_535) : random.pick(ports)
    const key = address * 0x10000 + port
    if (taken.has(key)) continue
    taken.add(key)
    // each service is some listener's, so that none is idle
    const service = listeners.length < services ? listeners.length : random.below(services)
    listeners.push({ address, port, service, pool: random.below(pools) })
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
  return current.map((member) => {
    const id = member === NOBODY || random.oneIn(200) ? 0 : Number(table.members[member]!.name)
    return ((random.word() & ~0x7fff) | id) >>> 0
  })
}

/** fuzzFixture: a shape with `listeners` listeners and its tables. */
export function fuzzFixture(listeners: number, seed: number): Fixture {
  const random = createRandom(seed ^ listeners)
  const servers: ServerEntry[] = Array.from({ length: SERVERS + 1 }, (_, id) => ({
    mac: randomMac(random),
    usable: id === 1 || (id !== 0 && !random.oneIn(5)),
  }))
  const pools = Math.min(listeners, 9)
  const services = Math.min(listeners, 300)
  const slots = Array.from({ length: pools }, () => randomSlots(random, servers))
  const key = () => (BigInt(random.word()) << 32n) | BigInt(random.word())
  return {
    shape: {
      mac: own,
      jumbo: listeners % 1_000 === 0,
      listeners: randomListeners(random, listeners, services, pools),
      services,
      servers: SERVERS,
      pools: slots.map(({ length }) => length),
      cpus: 2,
    },
    tables: { keys: BigUint64Array.from({ length: HASH_KEYS }, key), slots, servers },
  }
}
