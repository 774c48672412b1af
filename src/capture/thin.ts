// Fewer packets, where there are very many: of each kind the first so many in a tenth of a second. So a file holds a minute of
// a flood and the whole of what is quiet, and writing it costs a bounded part of a processor.

import type { RecordKind } from '../dataplane/record.ts'
import type { RecordedPacket } from '../engine/recorded.ts'

/** SLICE_MS, PER_SLICE: so many of a kind in such a time. */
export const SLICE_MS = 100
export const PER_SLICE = 50

export class Thinner {
  readonly #slices = new Map<RecordKind, { slice: number; count: number }>()

  /** thin: those that stay, in their order. */
  thin(packets: readonly RecordedPacket[]): readonly RecordedPacket[] {
    return packets.filter(({ kind, at }) => {
      const slice = Math.floor(at / SLICE_MS)
      const kept = this.#slices.get(kind)
      if (kept?.slice !== slice) {
        this.#slices.set(kind, { slice, count: 1 })
        return true
      }
      kept.count++
      return kept.count <= PER_SLICE
    })
  }
}
