// What two nodes say to each other every second: one document each way, as request and as answer of the same exchange.
// Its first words are read by every version (who, which protocols); then the parts that this node publishes. Two nodes talk
// by the newest protocol that both speak; where there is none, each names the one that has to be upgraded.

import { z } from 'zod'
import { DOCUMENT_MAX, type Json } from './peers.ts'

/** PROTOCOLS: what this version speaks. A change that an older one would misread is a new number. */
export const PROTOCOLS = { min: 1, max: 1 } as const

/** HEARTBEAT_MAX: bytes of a document on the way: its parts, and what is before them. */
export const HEARTBEAT_MAX = DOCUMENT_MAX + 16 * 1024

const id = z.string().regex(/^[0-9a-f]{16}$/)
const node = z.string().max(63)
/** WITHOUT_MAX: more nodes than a file has. */
const WITHOUT_MAX = 64
const protocol = z.int().min(1)

/** documentSchema takes keys that it does not know: they are a later version's. */
export const documentSchema = z.object({
  node,
  version: z.string().max(64),
  protocols: z.object({ min: protocol, max: protocol }),
  /** run: another one after each start of the daemon. */
  run: z.string().max(64),
  /** clock: ms since 1970 when it was sent. */
  clock: z.number(),
  /** keys: ids of the authorities that it has (rotation.ts). */
  keys: z.object({
    ...{ current: id, next: id.optional(), previous: id.optional() },
    without: z.array(node).max(WITHOUT_MAX).readonly().optional(),
  }),
  /** leaving: the last one: its daemon is being stopped in order. */
  leaving: z.literal(true).optional(),
  parts: z.record(z.string().max(64), z.json()) as z.ZodType<Readonly<Record<string, Json>>>,
})
export type Document = z.output<typeof documentSchema>

/** Protocols: the oldest and the newest that a node speaks. */
export interface Protocols {
  readonly min: number
  readonly max: number
}

/** negotiate: the newest protocol that both speak; or which end has to be upgraded. */
export function negotiate(ours: Protocols, theirs: Protocols): number | 'upgrade us' | 'upgrade them' {
  const newest = Math.min(ours.max, theirs.max)
  if (newest >= ours.min && newest >= theirs.min) return newest
  return theirs.max < ours.min ? 'upgrade them' : 'upgrade us'
}
