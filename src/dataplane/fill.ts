// What goes into the maps of a shape: keys, servers, listeners, slots. Pure: images of direct memory in and out.
// The listener table grows until every listener is at most PROBES - 1 entries behind its bucket, so that the
// program's probes find all of them; a service address has an entry of its own, for packets without ports.

import { type Ip, macBytes, type Protocol } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import { be16, immediate } from '../bpf/values.ts'
import { sourceBit, wordsOfAddress } from './answer-sources.ts'
import { answerPortsOf } from './awaiting.ts'
import { ticksOf } from './flow-clock.ts'
import { flowKeys } from './flow-keys.ts'
import {
  ALL_FLOW_KEYS,
  addresses,
  awaitsAnswers,
  BeforeTable,
  type Family,
  FLOW_KEYS,
  familyOf,
  flowsOf,
  isInline,
  KIND_ADDRESS,
  KIND_TCP,
  KIND_UDP,
  Listener,
  Listener6,
  type Memory,
  memoryOf,
  Persists,
  PROBES,
  persists,
  poolBases,
  Range,
  Server,
  settingsOf,
  stateOf,
  Target,
  tabledRanges,
  uniformUse,
  usesNat,
} from './memory.ts'
import { isRange } from './port-ranges.ts'
import { KEY_ADDRESS, KEY_ADDRESS6, KEY_PORT, type ServerEntry, type Shape, type Tables } from './shape.ts'

interface Entry {
  readonly address: Ip
  readonly port: number
  readonly kind: number
  readonly base: number
  readonly service: number
  readonly pool: number
}

const MAX_BITS = 24

const kindOf = (protocol: Protocol): number => (protocol === 'tcp' ? KIND_TCP : KIND_UDP)

/** entriesOf: what a family's listener table holds, in the listeners' order. IPv6's ranges are behind IPv4's. */
function entriesOf(shape: Shape, family: Family): Entry[] {
  const bases = poolBases(shape)
  const exact = shape.listeners.filter((listener) => !isRange(listener))
  const listeners = exact.map(({ address, port, protocol, service, pool }) => ({
    address,
    port,
    kind: kindOf(protocol),
    base: bases[pool]!,
    service,
    pool,
  })) // prettier-ignore
  const ranges = new Map<Ip, { readonly first: number; readonly count: number }>()
  let next = 0
  for (const [address, { length }] of [...tabledRanges(shape, 4), ...tabledRanges(shape, 6)]) {
    ranges.set(address, { first: next, count: length })
    next += length
  }
  const markers = addresses(shape).map((address) => {
    const { first = 0, count = 0 } = ranges.get(address) ?? {}
    return { address, port: 0, kind: KIND_ADDRESS, base: first, service: count & 0xffff, pool: count >>> 16 }
  })
  return [...listeners, ...markers].filter(({ address }) => familyOf(address) === family)
}

function bucketOf(keys: BigUint64Array, { address, port, kind }: Entry, bits: number): number {
  const words = wordsOfAddress(address)
  const first = words.length === 1 ? KEY_ADDRESS : KEY_ADDRESS6
  let sum = keys[KEY_ADDRESS - 1]!
  for (const [i, word] of words.entries()) sum += keys[first + i]! * BigInt(word)
  if (kind !== KIND_ADDRESS) sum += keys[KEY_PORT]! * BigInt(immediate(be16(port)))
  return Number(BigInt.asUintN(64, sum) >> BigInt(64 - bits))
}

function place(
  entries: readonly Entry[],
  keys: BigUint64Array,
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

interface Placed {
  readonly bits: number
  readonly table: readonly (Entry | undefined)[]
}

function placed(shape: Shape, keys: BigUint64Array, family: Family): Placed {
  const entries = entriesOf(shape, family)
  if (isInline(shape) || entries.length === 0) return { bits: 0, table: [] }
  for (let bits = Math.ceil(Math.log2(2 * entries.length)); bits <= MAX_BITS; bits++) {
    const table = place(entries, keys, bits)
    if (table) return { bits, table }
  }
  invariant(false, `${entries.length} listeners cannot be placed within ${PROBES} probes`)
}

/** Layout: a shape's memory, and its listener tables by family (empty where listeners are inline). */
export interface Layout {
  readonly memory: Memory
  readonly listeners: Readonly<Record<Family, readonly (Entry | undefined)[]>>
}

/** layoutOf sizes the listener tables for these keys and lays the maps out. The same input gives the same layout. */
export function layoutOf(shape: Shape, keys: BigUint64Array): Layout {
  const [four, six] = [placed(shape, keys, 4), placed(shape, keys, 6)]
  return {
    memory: memoryOf(shape, { 4: four.bits, 6: six.bits }),
    listeners: { 4: four.table, 6: six.table },
  }
}

/** serverWord: a server's entry as the one 64-bit word that is stored. */
export function serverWord({ mac, usable, via }: ServerEntry): bigint {
  const view = new DataView(new ArrayBuffer(Server.size))
  for (const [at, octet] of macBytes(mac).entries()) view.setUint8(at, octet)
  view.setUint16(Server.offsets.state, usable ? stateOf(via) : 0, true)
  return view.getBigUint64(0, true)
}

/** fillTables writes keys, servers, listeners, pool sizes and what flows need into the image of `tables` (zeroed before). */
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
  for (const [id, { address, network = 128 }] of servers.entries()) {
    const start = offsets.targets + Target.size * id
    for (const [at, word] of maskOf(network).entries())
      view.setUint32(start + Target.offsets.mask + 4 * at, word)
    if (address === undefined) continue
    for (const [at, word] of wordsOfAddress(address).entries())
      view.setUint32(start + Target.offsets.address + 4 * at, word, true)
  }
  for (const [pool, slots] of shape.pools.entries()) view.setUint32(offsets.poolSizes + 4 * pool, slots, true)
  fillFlowSettings({ memory, listeners }, shape, keys, view)
  fillRanges(memory, shape, view)
  if (usesNat(shape)) fillNat(memory, shape, { keys, servers }, view)
  for (const [at, entry] of listeners[4].entries()) {
    if (!entry) continue
    const start = offsets.listeners + Listener.size * at
    view.setUint32(start + Listener.fields.key.offsets.address, Number(entry.address))
    fillEntry(view, start + Listener.fields.key.offsets.port, start + Listener.offsets.value, entry)
  }
  for (const [at, entry] of listeners[6].entries()) {
    if (!entry) continue
    const start = offsets.listeners6 + Listener6.size * at
    view.setBigUint64(start + Listener6.offsets.high, BigInt(entry.address) >> 64n)
    view.setBigUint64(start + Listener6.offsets.low, BigInt.asUintN(64, BigInt(entry.address)))
    fillEntry(view, start + Listener6.offsets.key, start + Listener6.offsets.value, entry)
  }
}

/** fillRanges: IPv4's, then IPv6's, as the addresses' entries say. */
function fillRanges({ tables }: Memory, shape: Shape, view: DataView): void {
  const bases = poolBases(shape)
  const ranges = [...tabledRanges(shape, 4).values(), ...tabledRanges(shape, 6).values()].flat()
  for (const [at, { protocol, first, last, listener }] of ranges.entries()) {
    const start = tables.type.offsets.ranges + Range.size * at
    const kind = kindOf(protocol) << 16
    view.setUint32(start + Range.offsets.first, kind | first, true)
    view.setUint32(start + Range.offsets.last, kind | last, true)
    const { service, pool } = listener
    fillValue(view, start + Range.offsets.value, { base: bases[pool]!, service, pool })
  }
}

/** fillEntry: what entries of both families have: port and kind, and the value. */
function fillEntry(
  view: DataView,
  key: number,
  value: number,
  { port, kind, base, service, pool }: Entry,
): void {
  view.setUint16(key, port)
  view.setUint16(key + 2, kind, true)
  fillValue(view, value, { base, service, pool })
}

function fillValue(
  view: DataView,
  value: number,
  { base, service, pool }: Pick<Entry, 'base' | 'service' | 'pool'>,
): void {
  const { offsets } = Listener.fields.value
  view.setUint32(value + offsets.base, base, true)
  view.setUint16(value + offsets.service, service, true)
  view.setUint16(value + offsets.pool, pool, true)
}

/** fillFlowSettings writes what tracking reads of `tables`: its keys, and what services do where they differ. */
function fillFlowSettings({ memory }: Layout, shape: Shape, keys: BigUint64Array, view: DataView): void {
  const { offsets } = memory.tables.type
  if (!uniformUse(shape))
    for (const [service, does] of shape.services.entries())
      view.setUint8(offsets.settings + service, settingsOf(does))
  if (!flowsOf(shape)) return
  const count = persists(shape) ? ALL_FLOW_KEYS : FLOW_KEYS
  for (const [at, key] of flowKeys(keys, count).entries())
    view.setBigUint64(offsets.flowKeys + 8 * at, key, true)
  if (persists(shape)) fillPersists(memory, shape, view)
}

/** fillPersists: how services persist. Masks are words as the machine reads addresses from a packet. */
function fillPersists({ tables }: Memory, { services, flows }: Shape, view: DataView): void {
  for (const [service, { persistence }] of services.entries()) {
    if (!persistence) continue
    const at = tables.type.offsets.persists + Persists.size * service
    const { offsets } = Persists
    view.setUint32(at + offsets.ticks, ticksOf(flows!.clock, persistence.timeout), true)
    for (const [i, word] of maskOf(persistence.network6).entries())
      view.setUint32(at + (i < 2 ? offsets.high : offsets.low) + 4 * (i & 1), word)
    view.setUint32(at + offsets.mask, maskOf(persistence.network)[0]!)
  }
}

/** maskOf: the words of 128 bits of which so many leading ones are set. */
const maskOf = (bits: number): readonly number[] =>
  [0, 1, 2, 3].map((word) => {
    const set = Math.min(32, Math.max(0, bits - 32 * word))
    return set === 0 ? 0 : (0xffffffff << (32 - set)) >>> 0
  })

/** fillNat writes who is a server, which port they answer at, and where pools begin. */
function fillNat(
  memory: Memory,
  shape: Shape,
  { keys, servers }: Pick<Tables, 'keys' | 'servers'>,
  view: DataView,
): void {
  const { offsets } = memory.tables.type
  const others = flowKeys(keys)
  for (const { address } of servers) {
    if (address === undefined) continue
    const bit = sourceBit(others, wordsOfAddress(address), memory.serverCapacity)
    const word = offsets.sources + 4 * (bit >>> 5)
    view.setUint32(word, view.getUint32(word, true) | (1 << (bit & 31)), true)
  }
  for (const [service, { nat }] of shape.services.entries())
    view.setUint16(offsets.serverPorts + 2 * service, nat?.port ?? 0)
  for (const [pool, base] of poolBases(shape).entries())
    view.setUint32(offsets.poolBases + 4 * pool, base, true)
  if (!awaitsAnswers(shape)) return
  for (const { port, lastPort } of answerPortsOf(shape))
    for (let each = port; each <= lastPort; each++) {
      const word = offsets.answerPorts + 4 * (each >>> 5)
      view.setUint32(word, view.getUint32(word, true) | (1 << (each & 31)), true)
    }
}

/** fillTracking writes the bits of failed servers, and `before` the tables that pools had; where there are any. */
export function fillTracking({ memory }: Layout, shape: Shape, tables: Tables, images: TrackingImages): void {
  if (tables.failed && images.failed) images.failed.set(tables.failed)
  if (tables.shut && images.shut) images.shut.set(tables.shut)
  const { before } = memory.tracking ?? {}
  if (!before || !images.before) return
  const { offsets } = before.type
  let base = 0
  for (const [pool, slots] of (shape.before ?? []).entries()) {
    const place = (offsets.tables + BeforeTable.size * pool) / 4
    images.before.set([base, slots], place)
    invariant(tables.before?.[pool]?.length === slots, `pool ${pool} has not the ${slots} slots of before`)
    images.before.set(tables.before[pool]!, offsets.words / 4 + base)
    base += slots
  }
}

/** TrackingImages: the maps `failed`, `shut` and `before` as 32-bit words, zeroed. */
export interface TrackingImages {
  readonly failed?: Uint32Array | undefined
  readonly shut?: Uint32Array | undefined
  readonly before?: Uint32Array | undefined
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
