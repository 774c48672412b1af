// What is known when a spec is applied, from three sides: what the caller tells, what this daemon knew before, and what
// the generation that runs has in its memory. A server that nobody has told of yet keeps the MAC and the state that it
// has there: a daemon that starts must not take away what works.

import { formatIp, type Mac, macFromBytes } from '../base/addresses.ts'
import { HASH_KEYS } from '../dataplane/shape.ts'
import type { EngineSpec, Neighbour, Views } from './engine.ts'
import type { Estate } from './estate.ts'
import type { Generation } from './generation.ts'
import { Known } from './known.ts'
import { serverKey } from './plan.ts'

/** MacOf: what is known of a server's MAC, by its name. */
export type MacOf = (server: string) => Mac | undefined

/** heritageOf a generation: the hash keys that are pinned. */
export function heritageOf(
  generation: Generation | undefined,
): { readonly keys: BigUint64Array } | undefined {
  if (!generation?.meta) return undefined
  const start = generation.meta.keys / 8
  return { keys: generation.maps.tables.slice(start, start + HASH_KEYS) }
}

/** macsOf: what is known now; a server not heard of yet keeps the MAC that the generation before had for it. */
export function macsOf(
  spec: EngineSpec,
  neighbours: ReadonlyMap<string, Neighbour>,
  before: Generation | undefined,
): MacOf {
  const kept = new Map<string, Mac>()
  for (const [id, { name, address }] of before?.meta?.servers.entries() ?? []) {
    const entry = Buffer.alloc(8)
    entry.writeBigUInt64LE(before!.maps.tables[before!.meta!.entries / 8 + id]!)
    if (entry.readUInt16LE(6) !== 0) kept.set(serverKey(name, address), macFromBytes(entry))
  }
  const addressOf = new Map(spec.servers.map(({ name, address }) => [name, formatIp(address)]))
  return (server) => {
    const neighbour = neighbours.get(server)
    if (neighbour) return 'mac' in neighbour ? neighbour.mac : undefined
    return kept.get(serverKey(server, addressOf.get(server) ?? ''))
  }
}

/** KnownOptions: `before` is what this daemon knew, `estate` what runs. */
export interface KnownOptions {
  readonly spec: EngineSpec
  readonly neighbours: ReadonlyMap<string, Neighbour>
  readonly macOf: MacOf
  readonly views: Views
  readonly now: number
  readonly before: Known | undefined
  readonly estate: Estate | undefined
}

/** knownOf all of it, for the servers and pools of the spec. */
export function knownOf({ spec, neighbours, macOf, views, now, before, estate }: KnownOptions): Known {
  const known = new Known(before)
  for (const { name } of spec.servers) {
    const mac = macOf(name)
    known.setNeighbour(name, mac ? { mac } : (neighbours.get(name) ?? { why: 'not resolved yet' }))
  }
  for (const { pool, server } of before ? [] : (estate?.failed() ?? []))
    known.setView(pool, server, { up: false }, now)
  known.setViews(views, now)
  known.forget(spec)
  return known
}
