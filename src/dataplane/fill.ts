// What goes into the maps of a shape: keys, servers, listeners, slots. Pure: images of direct memory in and out.
// The listener table grows until every listener is at most PROBES - 1 entries behind its bucket, so that the
// program's probes find all of them; a service address has an entry of its own, for packets without ports.

import { macBytes } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { be16, be32, immediate } from '../bpf/values.ts'
import { hashWords, type Multipliers, splitMultipliers } from '../schedule/hash.ts'
import {
  addresses,
  isInline,
  KIND_ADDRESS,
  KIND_TCP,
  Listener,
  type Memory,
  memoryOf,
  PROBES,
  poolBases,
  Server,
} from './memory.ts'
import { KEY_ADDRESS, type ServerEntry, type Shape, type Tables } from './shape.ts'

interface Entry {
  readonly address: number
  readonly port: number
  readonly kind: number
  readonly base: number
  readonly service: number
  readonly pool: number
}

const MAX_BITS = 24

/** entriesOf: what the listener table holds, in the listeners' order. */
function entriesOf(shape: Shape): Entry[] {
  const bases = poolBases(shape)
  const listeners = shape.listeners.map(({ address, port, service, pool }) => ({
    address,
    port,
    kind: KIND_TCP,
    base: bases[pool]!,
    service,
    pool,
  })) // prettier-ignore
  const markers = addresses(shape).map((address) => ({
    address,
    port: 0,
    kind: KIND_ADDRESS,
    base: 0,
    service: 0,
    pool: 0,
  }))
  return [...listeners, ...markers]
}

function bucketOf(keys: Multipliers, { address, port, kind }: Entry, bits: number): number {
  const words = [immediate(be32(address)) >>> 0, ...(kind === KIND_TCP ? [immediate(be16(port))] : [])]
  return hashWords(keys, KEY_ADDRESS - 1, words) >>> (32 - bits)
}

function place(
  entries: readonly Entry[],
  keys: Multipliers,
  bits: number,
): (Entry | undefined)[] | undefined {
  const table = new Array<Entry | undefined>(2 ** bits + PROBES)
  for (const entry of entries) {
    const bucket = bucketOf(keys, entry, bits)
    let at = bucket
    while (table[at]) at++
    if (at >= bucket + PROBES) return undefined
    table[at] = entry
  }
  return table
}

/** Layout: a shape's memory, and its listener table (empty where listeners are inline). */
export interface Layout {
  readonly memory: Memory
  readonly listeners: readonly (Entry | undefined)[]
}

/** layoutOf sizes the listener table for these keys and lays the maps out. The same input gives the same layout. */
export function layoutOf(shape: Shape, keys: BigUint64Array): Layout {
  if (isInline(shape)) return { memory: memoryOf(shape), listeners: [] }
  const entries = entriesOf(shape)
  const multipliers = splitMultipliers(keys)
  for (let bits = Math.ceil(Math.log2(2 * entries.length)); bits <= MAX_BITS; bits++) {
    const listeners = place(entries, multipliers, bits)
    if (listeners) return { memory: memoryOf(shape, bits), listeners }
  }
  invariant(false, `${entries.length} listeners cannot be placed within ${PROBES} probes`)
}

/** serverWord: a server's entry as the one 64-bit word that is stored. */
export function serverWord({ mac, usable }: ServerEntry): bigint {
  const view = new DataView(new ArrayBuffer(Server.size))
  for (const [at, octet] of macBytes(mac).entries()) view.setUint8(at, octet)
  view.setUint16(Server.offsets.state, usable ? 1 : 0, true)
  return view.getBigUint64(0, true)
}

/** fillTables writes keys, servers, listeners and pool sizes into the image of `tables` (zeroed before). */
export function fillTables(
  { memory, listeners }: Layout,
  shape: Shape,
  { keys, servers }: Pick<Tables, 'keys' | 'servers'>,
  image: Uint8Array,
): void {
  const { offsets } = memory.tables.type
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
  for (const [at, key] of keys.entries()) view.setBigUint64(offsets.keys + 8 * at, key, true)
  for (const [id, server] of servers.entries())
    view.setBigUint64(offsets.servers + Server.size * id, serverWord(server), true)
  for (const [pool, slots] of shape.pools.entries()) view.setUint32(offsets.poolSizes + 4 * pool, slots, true)
  const { key, value } = Listener.fields
  for (const [at, entry] of listeners.entries()) {
    if (!entry) continue
    const start = offsets.listeners + Listener.size * at
    view.setUint32(start + key.offsets.address, entry.address)
    view.setUint16(start + key.offsets.port, entry.port)
    view.setUint16(start + key.offsets.kind, entry.kind, true)
    const payload = start + Listener.offsets.value
    view.setUint32(payload + value.offsets.base, entry.base, true)
    view.setUint16(payload + value.offsets.service, entry.service, true)
    view.setUint16(payload + value.offsets.pool, entry.pool, true)
  }
}

/** fillSlots writes the pools' words, pool after pool. */
export function fillSlots(shape: Shape, { slots }: Pick<Tables, 'slots'>, image: Uint32Array): void {
  for (const [pool, base] of poolBases(shape).entries()) {
    invariant(
      slots[pool]!.length === shape.pools[pool],
      `pool ${pool} has ${slots[pool]!.length} slots, the shape says ${shape.pools[pool]}`,
    )
    image.set(slots[pool]!, base)
  }
}
