// The packet path's memory, laid out for one shape: what the program loads from, what the engine fills, what is
// counted. All of it is direct memory; sizes follow from the file alone.
//
//   tables    keys | servers (8 bytes each) | listeners (16 bytes each, open addressing) | pool sizes
//   slots     one word a slot, pool after pool
//   counters  a block per possible CPU, each on its own pages, and one that only the daemon writes (carry)

import { type Ip, isIp4, type Protocol } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { array, bytes, type DirectMemory, direct, struct } from '../bpf/types.ts'
import { outcomeNames } from './outcomes.ts'
import { HASH_KEYS, type Shape } from './shape.ts'

const PAGE = 4096
/** Room for outcome counters in a block. */
const OUTCOMES = 64
/** Up to so many listeners are compared by instructions, more are found in the table. */
const INLINE_LISTENERS = 64
/** PROBES: how far from its bucket a listener may be; the table grows until all are nearer. */
export const PROBES = 8

/** Server: where frames go; `state` 0 is not usable. Written by one 64-bit store. */
export const Server = struct('server', { mac: bytes(6), state: 'u16' })
/** Listener: `kind` 0 empty, 1 TCP, 2 UDP, 0x100 the address itself, with port 0. `base` is the pool's first slot. */
const ListenerValue = struct('listener_value', { base: 'u32', service: 'u16', pool: 'u16' })
export const Listener = struct('listener', {
  key: struct('listener_key', { address: 'be32', port: 'be16', kind: 'u16' }),
  value: ListenerValue,
})
/** Listener6: the same for an IPv6 address. */
export const Listener6 = struct('listener6', {
  high: 'be64',
  low: 'be64',
  key: struct('listener6_key', { port: 'be16', kind: 'u16', fill: 'u32' }),
  value: ListenerValue,
})
export const KIND_TCP = 1
export const KIND_UDP = 2
export const KIND_ADDRESS = 0x100
export const Traffic = struct('traffic', { packets: 'u64', bytes: 'u64' })

export const isInline = (shape: Shape): boolean => shape.listeners.length <= INLINE_LISTENERS

const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)))

/** addresses: the distinct service addresses, in the listeners' order. */
export const addresses = (shape: Shape): Ip[] => [...new Set(shape.listeners.map(({ address }) => address))]

/** Family: 4 or 6. */
export type Family = 4 | 6
export const familyOf = (address: Ip): Family => (isIp4(address) ? 4 : 6)
/** has: whether a shape has listeners of a family or a protocol. */
export const has = (shape: Shape, what: Family | Protocol): boolean =>
  shape.listeners.some(({ address, protocol }) => familyOf(address) === what || protocol === what)

/** uniformSlots: the number of slots that all pools have, or undefined where they differ. */
export const uniformSlots = (shape: Shape): number | undefined =>
  shape.pools.every((slots) => slots === shape.pools[0]) ? shape.pools[0] : undefined

/** poolBases: the first slot of each pool. */
export function poolBases(shape: Shape): number[] {
  let base = 0
  return shape.pools.map((slots) => {
    base += slots
    return base - slots
  })
}

/** Bits: a family's listener table has 2^bits buckets. */
export type Bits = Readonly<Record<Family, number>>

/** Memory: the maps of one shape. */
export type Memory = ReturnType<typeof memoryOf>

/** memoryOf lays the maps out. `bits` only matters where listeners are in tables. */
export function memoryOf(shape: Shape, bits: Bits = { 4: 0, 6: 0 }) {
  invariant(shape.listeners.length > 0, 'a shape without listeners')
  invariant(Number.isInteger(Math.log2(shape.cpus)), `${shape.cpus} counter blocks: a power of two is needed`)
  const serverCapacity = powerOfTwo(shape.servers + 1)
  const serviceCapacity = powerOfTwo(shape.services.length)
  const totalSlots = Math.max(
    1,
    shape.pools.reduce((sum, slots) => sum + slots, 0),
  )
  const isTabled = (family: Family): boolean => !isInline(shape) && has(shape, family)
  const tables = direct('tables', {
    keys: array('u64', HASH_KEYS),
    servers: array(Server, serverCapacity),
    listeners: array(Listener, isTabled(4) ? 2 ** bits[4] + PROBES : 1),
    listeners6: array(Listener6, isTabled(6) ? 2 ** bits[6] + PROBES : 1),
    poolSizes: array('u32', Math.ceil(shape.pools.length / 2) * 2),
  })
  const slots = direct('slots', { words: array('u32', totalSlots) })
  const outcomes = array('u64', OUTCOMES)
  const services = array(Traffic, serviceCapacity)
  const servers = array(Traffic, serverCapacity)
  const used = 8 * OUTCOMES + Traffic.size * (serviceCapacity + serverCapacity)
  const fill = PAGE - (used % PAGE)
  const Block = struct('block', { outcomes, services, servers, fill: bytes(fill) })
  const counters = direct('counters', { blocks: array(Block, shape.cpus), carry: Block })
  return { tables, slots, counters, Block, serviceCapacity, serverCapacity, totalSlots, bits }
}

/** memoryBytes: what the maps of a shape take, in all. */
export const memoryBytes = ({ tables, slots, counters }: Memory): number =>
  [tables, slots, counters].reduce((sum, { type }) => sum + Math.ceil(type.size / PAGE) * PAGE, 0)

/** mapsOf: the maps of a shape, by role. */
export const mapsOf = ({ tables, slots, counters }: Memory): readonly DirectMemory[] => [
  tables,
  slots,
  counters,
]

invariant(outcomeNames.length <= OUTCOMES, 'more outcomes than counters')
