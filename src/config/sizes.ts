// What the packet path will take of the kernel's memory, known from the file alone: nothing that arrives makes it
// more. The figures are those of the maps that the engine makes for the same services (dataplane/memory.ts). While
// a change is put in, the old and the new generation exist side by side, so twice as much must be free.

import type { Mac } from '../base/addresses.ts'
import { layoutOf } from '../dataplane/fill.ts'
import { mapsOf } from '../dataplane/memory.ts'
import { HASH_KEYS, type Shape } from '../dataplane/shape.ts'
import { tableSize } from '../schedule/maglev.ts'
import type { Findings } from './findings.ts'
import type { Source } from './source.ts'
import type { DesiredState } from './state.ts'

const PAGE = 4096
const SLOT_BYTES = 4

/** PoolSize: the table of one pool in use; `bytes` are part of the slots' map. */
export interface PoolSize {
  readonly name: string
  readonly servers: number
  readonly slots: number
  readonly bytes: number
}

/** Sizes: bytes of the packet path's maps, in whole pages. `total` is the sum of `maps`. */
export interface Sizes {
  readonly pools: readonly PoolSize[]
  readonly maps: readonly { readonly name: string; readonly bytes: number }[]
  readonly total: number
}

const usedPools = ({ pools, services }: DesiredState) => {
  const used = new Set(services.map(({ pool }) => pool))
  return pools.filter(({ name }) => used.has(name))
}

const poolSizes = (state: DesiredState): PoolSize[] =>
  usedPools(state).map(({ name, members }) => {
    const slots = tableSize(members.length)
    return { name, servers: members.length, slots, bytes: slots * SLOT_BYTES }
  })

// The listeners' table is laid out by a random key, and its size may depend on it by a factor of two. Any key
// tells what is to be expected: these are the digits of the golden ratio and its multiples.
const nominalKeys = BigUint64Array.from(
  { length: HASH_KEYS },
  (_, i) => 0x9e3779b97f4a7c15n * BigInt(2 * i + 1),
)

/** sizes: the memory of the packet path on a machine with so many possible CPUs. */
export function sizes(state: DesiredState, cpus: number): Sizes {
  const pools = poolSizes(state)
  const indexOf = new Map(pools.map(({ name }, index) => [name, index]))
  const shape: Shape = {
    mac: '00:00:00:00:00:00' as Mac,
    jumbo: false,
    listeners: state.services.flatMap(({ listeners, pool }, service) =>
      listeners.map(({ address, port, protocol }) => ({
        address,
        port,
        protocol,
        service,
        pool: indexOf.get(pool)!,
      })),
    ),
    services: state.services.map(({ track, onFailure, hash }) => ({ track, onFailure, hash })),
    servers: new Set(usedPools(state).flatMap(({ members }) => members.map(({ server }) => server))).size,
    pools: pools.map(({ slots }) => slots),
    cpus: 2 ** Math.ceil(Math.log2(cpus)),
  }
  const { memory } = layoutOf(shape, nominalKeys)
  const maps = mapsOf(memory).map(({ name, type }) => ({ name, bytes: Math.ceil(type.size / PAGE) * PAGE }))
  return { pools, maps, total: maps.reduce((sum, { bytes }) => sum + bytes, 0) }
}

/** SLOTS_LIMIT: bytes of all pools' tables: as far as a program reaches into one map. */
export const SLOTS_LIMIT = 512 * 1024 * 1024
/** SERVICES_LIMIT and LISTENERS_LIMIT: what the listeners' table has room for. */
export const SERVICES_LIMIT = 65_535
/** SERVERS_LIMIT: ids have 15 bits in a slot's word, and two mean nobody. */
export const SERVERS_LIMIT = 32_766
export const LISTENERS_LIMIT = 100_000

/** checkSizes: a file that asks for more than the packet path can have is refused here, not when it is applied. */
export function checkSizes(state: DesiredState, source: Source, findings: Findings): void {
  const tooMany = (count: number, limit: number, what: string): void => {
    if (count <= limit) return
    findings.addAt(
      source,
      0,
      `${count} ${what}, at most ${limit} are possible: split them over several balancers`,
    )
  }
  tooMany(state.services.length, SERVICES_LIMIT, 'services')
  const members = new Set(state.pools.flatMap(({ members }) => members.map(({ server }) => server)))
  tooMany(members.size, SERVERS_LIMIT, 'servers in pools')
  tooMany(
    state.services.reduce((sum, { listeners }) => sum + listeners.length, 0),
    LISTENERS_LIMIT,
    'listeners',
  )
  const bytes = poolSizes(state).reduce((sum, pool) => sum + pool.bytes, 0)
  if (bytes <= SLOTS_LIMIT) return
  const [mebibytes, limit] = [bytes, SLOTS_LIMIT].map((each) => Math.ceil(each / 2 ** 20))
  findings.addAt(
    source,
    0,
    `the tables of ${state.pools.length} pools take ${mebibytes} MiB, at most ${limit} are possible: let services share pools`,
  )
}
