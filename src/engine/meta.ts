// What a running generation says of itself: JSON in a small map that is bound to the program, so that whoever
// finds the link finds program, maps and this, always of one generation. It names what the numbers in the maps
// stand for; a later daemon reads counters by it even when it lays memory out in another way.

import { z } from 'zod'
import { formatIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { AnswerEntry } from '../dataplane/answer-record.ts'
import { ruleBlocks } from '../dataplane/defence-memory.ts'
import { BUCKET_ENTRIES } from '../dataplane/flow-record.ts'
import { bucketsOf, flowsOf, type Memory, usesNat } from '../dataplane/memory.ts'
import { eventNames, outcomeNames } from '../dataplane/outcomes.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import { DEFENCE_FORMAT, listsOf } from './defence-maps.ts'
import { type Numbered, type Plan, serverKey } from './plan.ts'

/**
 * META_FORMAT: raised when an older daemon could no longer take over or replace what a newer one pinned, or a newer
 * one no longer what an older one did. 2: numbers are kept from one generation to the next, so lists have holes.
 */
export const META_FORMAT = 3
/** FLOW_FORMAT: raised when what a record of the flow table means changes: others are not taken over. */
export const FLOW_FORMAT = 2
/** ANSWER_FORMAT: the same of the table of answers. */
export const ANSWER_FORMAT = 1
/** META_MAP: the map's name. Its value is the JSON text, padded with zeros. */
export const META_MAP = 'meta'

const offset = z.int().nonnegative()
const metaSchema = z.strictObject({
  format: z.literal(META_FORMAT),
  generation: z.int().positive(),
  /** Of program and static tables: equal means that what would be made runs already. */
  fingerprint: z.string(),
  /** `loadMs`: milliseconds for load and verification of the program that went there. */
  interfaces: z.array(z.strictObject({ name: z.string(), index: offset, loadMs: z.number().nonnegative() })),
  outcomes: z.array(z.string()),
  events: z.array(z.string()),
  services: z.array(z.strictObject({ name: z.string(), pool: offset })),
  servers: z.array(z.strictObject({ name: z.string(), address: z.string() })),
  /** In the order of their words; `before`: how many slots the table before has that goes along, or 0. */
  pools: z.array(z.strictObject({ name: z.string(), slots: offset, before: offset })),
  /** How many bits each pool has in the map `failed`. */
  serverCapacity: offset,
  /** Where the words begin in the map `before`. */
  beforeWords: offset,
  /** The flow table: what its records look like, and how many there are; absent where there is none. */
  flows: z
    .strictObject({
      format: z.int(),
      entries: offset,
      shift: offset,
      /** What a record of the table of answers looks like, of which there are as many; absent where there is no nat. */
      answers: z.int().optional(),
    })
    .optional(),
  /** Bytes in the counters map: blocks of `block` bytes, `blocks` of them and the carry behind. */
  counters: z.strictObject({
    block: offset,
    blocks: offset,
    services: offset,
    servers: offset,
    events: offset,
  }),
  /** What services are defended by; absent: nothing. `lists`: equal for equal lists; `rules`: names in their order. */
  defence: z.strictObject({ format: z.int(), lists: z.string(), rules: z.array(z.string()) }).optional(),
  /** Where the hash keys are in the tables map. */
  keys: offset,
  /** Where the server entries are in the tables map. */
  entries: offset,
})

/** Meta: what is read back at take-over. Lists are by index; nobody has a number whose name is empty, as servers[0]. */
export type Meta = z.infer<typeof metaSchema>

/** numberedIn: who has which number in a generation that is described so. */
export const numberedIn = ({ interfaces, services, servers }: Meta): Numbered => ({
  interfaces: interfaces.map(({ name }) => name || undefined),
  services: services.map(({ name }) => name || undefined),
  servers: servers.map(({ name, address }) => (name === '' ? undefined : serverKey(name, address))),
})

/** metaOf describes a generation. `loadMs`: of each program, by its interface's number. */
export function metaOf(
  plan: Plan,
  memory: Memory,
  generation: number,
  fingerprint: string,
  loadMs: ReadonlyMap<number, number>,
): Meta {
  const addressOf = new Map(plan.spec.servers.map(({ name, address }) => [name, formatIp(address)]))
  const { Block, counters, tables } = memory
  const flows = flowsOf(plan.shape)
  return {
    format: META_FORMAT,
    generation,
    fingerprint,
    interfaces: plan.ids.interfaces.map((name = '', number) => ({
      name,
      index: plan.interfaces.find((each) => each.number === number)?.index ?? 0,
      loadMs: loadMs.get(number) ?? 0,
    })),
    outcomes: [...outcomeNames],
    events: [...eventNames],
    services: plan.services.map((service) => ({ name: service?.name ?? '', pool: service?.pool ?? 0 })),
    servers: plan.servers.map((name = '') => ({ name, address: addressOf.get(name) ?? '' })),
    pools: plan.pools.map(({ name, table }, pool) => ({
      name,
      slots: table.slots,
      before: plan.shape.before?.[pool] ?? 0,
    })),
    serverCapacity: memory.serverCapacity,
    beforeWords: memory.tracking?.before?.type.offsets.words ?? 0,
    ...(flows && {
      flows: {
        format: FLOW_FORMAT,
        entries: bucketsOf(flows) * BUCKET_ENTRIES,
        shift: flows.clock.shift,
        ...(usesNat(plan.shape) && { answers: ANSWER_FORMAT }),
      },
    }),
    ...(plan.spec.defence && {
      defence: {
        format: DEFENCE_FORMAT,
        lists: listsOf(plan.spec),
        rules: plan.spec.defence.rules.map(({ name }) => name),
      },
    }),
    counters: {
      block: Block.size,
      blocks: counters.type.fields.blocks.count,
      services: Block.offsets.services,
      servers: Block.offsets.servers,
      events: Block.offsets.events,
    },
    keys: tables.type.offsets.keys,
    entries: tables.type.offsets.servers,
  }
}

/** encodeMeta: UTF-8 JSON. */
export const encodeMeta = (meta: Meta): Uint8Array => new TextEncoder().encode(JSON.stringify(meta))

/**
 * decodeMeta reads what is pinned: a Meta, or undefined for an older format or nonsense (replace it). Throws
 * PINS_NEWER for a newer format.
 */
export function decodeMeta(bytes: Uint8Array): Meta | undefined {
  const end = bytes.indexOf(0)
  const text = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  const format = z.object({ format: z.int() }).safeParse(json)
  if (format.success && format.data.format > META_FORMAT) {
    throw new TenbinError('PINS_NEWER', 'take over the packet path', {
      detail: `it was pinned in format ${format.data.format} by a newer tenbin; this one knows up to ${META_FORMAT}`,
    })
  }
  const meta = metaSchema.safeParse(json)
  return meta.success ? meta.data : undefined
}

/** fits: whether all that a description points at lies inside maps of so many bytes, in whole words. */
export function fits(meta: Meta, bytesOf: (map: string) => number): boolean {
  const { counters, keys, entries, outcomes, events, services, servers, pools, flows } = meta
  const { block } = counters
  const within = (offset: number, size: number, bytes: number) => offset % 8 === 0 && offset + size <= bytes
  const [tables, countersBytes] = [bytesOf('tables'), bytesOf('counters')]
  const sum = (of: 'slots' | 'before') => pools.reduce((total, each) => total + each[of], 0)
  const bits = pools.length * meta.serverCapacity
  return (
    block > 0 &&
    within(block, 0, block) &&
    within(0, block * (counters.blocks + 1), countersBytes) &&
    within(0, 8 * outcomes.length, block) &&
    within(counters.services, 16 * services.length, block) &&
    within(counters.servers, 16 * servers.length, block) &&
    within(counters.events, 8 * events.length, block) &&
    // a program without a rule that can match has no such map
    (!meta.defence?.rules.length ||
      bytesOf('rules') === 0 ||
      within(0, (counters.blocks + 1) * ruleBlocks(meta.defence.rules.length).block, bytesOf('rules'))) &&
    within(keys, 8 * HASH_KEYS, tables) &&
    within(entries, 8 * servers.length, tables) &&
    within(0, 4 * sum('slots'), bytesOf('slots')) &&
    services.every(({ name, pool }) => name === '' || pool < pools.length) &&
    (sum('before') === 0 || within(meta.beforeWords, 4 * sum('before'), bytesOf('before'))) &&
    (!flows ||
      (servers.length <= meta.serverCapacity &&
        within(0, 4 * Math.ceil(bits / 32), bytesOf('failed')) &&
        within(0, 16 * flows.entries, bytesOf('flows')) &&
        (flows.answers === undefined || within(0, AnswerEntry.size * flows.entries, bytesOf('answers')))))
  )
}
