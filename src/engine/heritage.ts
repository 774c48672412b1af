// What is known when a spec is applied, from three sides: what the caller tells, what this daemon knew before, and what
// the generation that runs has in its memory. A server that nobody has told of yet keeps the MAC and the state that it
// has there: a daemon that starts must not take away what works.

import { formatIp, macFromBytes } from '../base/addresses.ts'
import { STATE_VIA } from '../dataplane/memory.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import type { EngineSpec, Neighbour, Views } from './engine.ts'
import type { Estate } from './estate.ts'
import type { Generation } from './generation.ts'
import { Known, onOneOf } from './known.ts'
import { serverKey } from './plan.ts'

/** heritageOf a generation: the hash keys that are pinned. */
export function heritageOf(
  generation: Generation | undefined,
): { readonly keys: BigUint64Array } | undefined {
  if (!generation?.meta) return undefined
  const start = generation.meta.keys / 8
  return { keys: generation.maps.tables.slice(start, start + HASH_KEYS) }
}

/** sameKeys: by them, flows are found where they were. */
export const sameKeys = (a: BigUint64Array, b: BigUint64Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(Buffer.from(b.buffer, b.byteOffset, b.byteLength))

/**
 * neighboursOf: what is known now; a server not heard of yet is where the generation before had it. All that are reached
 * are so by an interface of the spec.
 */
export function neighboursOf(
  spec: EngineSpec,
  neighbours: ReadonlyMap<string, Neighbour>,
  before: Generation | undefined,
): ReadonlyMap<string, Neighbour> {
  const kept = new Map<string, Neighbour>()
  const tables = before?.maps.images?.tables ?? before?.maps.tables
  for (const [id, { name, address }] of before?.meta?.servers.entries() ?? []) {
    const entry = Buffer.alloc(8)
    entry.writeBigUInt64LE(tables![before!.meta!.entries / 8 + id]!)
    const state = entry.readUInt16LE(6)
    const on = before!.meta!.interfaces[state >> STATE_VIA]?.name ?? ''
    if (state !== 0) kept.set(serverKey(name, address), { mac: macFromBytes(entry), on })
  }
  return new Map(
    spec.servers.map(({ name, address }) => {
      const neighbour = neighbours.get(name) ?? kept.get(serverKey(name, formatIp(address)))
      return [name, onOneOf(spec.interfaces, neighbour ?? { why: 'not resolved yet' })]
    }),
  )
}

/** KnownOptions: `before` is what this daemon knew, `estate` what runs. */
export interface KnownOptions {
  readonly spec: EngineSpec
  /** neighboursOf. */
  readonly neighbours: ReadonlyMap<string, Neighbour>
  readonly views: Views
  /** All pools that have lost their quorum. */
  readonly lost: ReadonlySet<string>
  readonly now: number
  readonly before: Known | undefined
  readonly estate: Estate | undefined
}

/** knownOf all of it, for the servers and pools of the spec. */
export function knownOf({ spec, neighbours, views, lost, now, before, estate }: KnownOptions): Known {
  const known = new Known(before)
  for (const [name, neighbour] of neighbours) known.setNeighbour(name, neighbour)
  for (const { pool, server } of before ? [] : (estate?.failed() ?? []))
    known.setView(pool, server, { up: false }, now)
  known.setViews(views, now)
  for (const { name } of spec.pools) known.setLost(name, lost.has(name))
  known.forget(spec)
  return known
}
