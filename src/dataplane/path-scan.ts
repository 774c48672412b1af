// A look at a bucket of the flow table, as a function of the program: is a flow's record there, and if not, which entry
// would a new record overwrite first? It answers FOUND + place, or the least rank of the four (flow-record.ts) with its
// place in the two lowest bits.

import type { Builder } from '../bpf/builder.ts'
import { fields, le, neLow, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { RANK_MASK, SLACK, TIME_MASK } from './flow-record.ts'
import type { Memory } from './memory.ts'

/** FOUND is no bit of a rank, and the place is below it. */
export const FOUND = 4

/** rankOf an entry at a place, by its time and state; `ahead` is SLACK + 1 ticks ahead of now. */
export function rankOf(p: Builder, held: Val<'u32'>, ahead: Val<'u32'>, place: number): Val<'u32'> {
  const recent = p.alu('and', p.alu('sub', held, ahead), RANK_MASK)
  const rank = p.alu('or', p.alu('and', held, ~TIME_MASK >>> 0), recent)
  return place === 0 ? rank : p.alu('or', rank, place)
}

/** scanFunction: (flow, now in ticks, number of the bucket) -> as above. */
export const scanFunction = (table: NonNullable<Memory['tracking']>['flows']): BuiltFunction =>
  plainFunction('scan', (p) => {
    const [flow, now, number] = p.parameters('numbers', 'u64', 'u32', 'u32')
    const { buckets } = p.memory(table)
    const nowhere = p.label('no-bucket')
    const bucket = p.pin(p.element(buckets, p.below(number, buckets.type.count, nowhere)))
    const { entries } = fields(bucket)
    const ahead = p.alu('add', now, SLACK + 1)
    const best = p.variable('u32')
    for (let place = 0; place < entries.type.count; place++) {
      const { key, stable, changing } = fields(p.element(entries, place))
      const other = p.label('another-flow')
      const kept = p.label('not-better')
      // key ^ flow is S in both halves
      const mixed = p.alu('xor', p.load(key), flow)
      const half = p.load(stable)
      p.jumpIf(neLow(mixed, half), other)
      p.jumpIf(neLow(p.alu('rsh', mixed, 32), half), other)
      p.exitValue(FOUND + place)
      p.bind(other)
      const rank = rankOf(p, p.load(changing), ahead, place)
      if (place > 0) p.jumpIf(le(best, rank), kept)
      p.set(best, rank)
      p.bind(kept)
    }
    p.exitValue(best)
    p.bind(nowhere)
    p.exitValue(0)
  })
