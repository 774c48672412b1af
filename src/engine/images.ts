// What a generation's maps hold beside their slots, as the daemon wrote it: a private copy beside memory that others may
// write to, by which that is filled, compared (audit.ts) and mended. Left out: what packets write themselves (flows,
// fragments, counters, turns taken), which has no copy; and slots, of which assignment.ts keeps its own.

import { fillTables, fillTracking, type Layout } from '../dataplane/fill.ts'
import { failedBit } from '../dataplane/memory.ts'
import type { Shape, Tables } from '../dataplane/shape.ts'

/** Images: by the names of maps. `tables` is of 64-bit words, of which a server's entry is one. */
export interface Images {
  readonly tables: BigUint64Array
  readonly failed?: Uint32Array
  readonly shut?: Uint32Array
  readonly before?: Uint32Array
}

/** imagesOf these tables. */
export function imagesOf(layout: Layout, shape: Shape, tables: Tables): Images {
  const { tables: map, tracking } = layout.memory
  const image = new Uint8Array(map.type.size)
  fillTables(layout, shape, tables, image)
  const words = (of: { readonly type: { readonly size: number } } | undefined) =>
    of && new Uint32Array(of.type.size / 4)
  const [failed, shut, before] = [words(tracking?.failed), words(tracking?.shut), words(tracking?.before)]
  fillTracking(layout, shape, tables, { failed, shut, before })
  return {
    tables: new BigUint64Array(image.buffer),
    ...(failed && { failed }),
    ...(shut && { shut }),
    ...(before && { before }),
  }
}

/** setBit of a server of a pool in words of `failed` or `shut`. */
export function setBit(
  memory: Layout['memory'],
  words: Uint32Array,
  { pool, id, isSet }: { readonly pool: number; readonly id: number; readonly isSet: boolean },
): void {
  const bit = failedBit(memory, pool, id)
  if (isSet) Atomics.or(words, bit >>> 5, 1 << (bit & 31))
  else Atomics.and(words, bit >>> 5, ~(1 << (bit & 31)))
}
