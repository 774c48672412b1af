// A flow's record in the flow table, for the function that decides: in the first bucket as a rule, which is compared
// here; else path-scan.ts looks at the second, and at the first again, and tells where a new record would go.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ge, ne, neLow, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { BUCKET_ENTRIES, FlowEntry, MIX } from './flow-record.ts'
import { type Asked, valueIn } from './path-asked.ts'
import { BUCKET_PLACES, FOUND } from './path-scan.ts'

/**
 * lookUp goes on where the flow has a record, in `entry`, and gives its value; where there is none it goes to `missed`,
 * with `entry` what a new record would overwrite.
 */
export function lookUp(p: Builder, asked: Asked, scan: BuiltFunction, missed: Label): Val<'u64'> {
  const { flow, entry, memory } = asked
  const { buckets } = p.memory(memory.tracking!.flows)
  const [look, found] = [p.label('look-twice'), p.label('found')]

  // half of the key is compared here, all of it below
  const lower = p.narrow(flow)
  p.setPlace(entry, p.element(fields(p.element(buckets, p.scale(lower, buckets.type.count))).entries, 0))
  for (let place = 0; place < BUCKET_ENTRIES; place++) {
    if (place > 0) p.setPlace(entry, { ...entry, offset: FlowEntry.size })
    const { key, stable } = fields(entry)
    const half = p.alu('xor', p.load({ ...key, type: 'u32' as const }), lower)
    p.jumpIf(eq(half, p.load(stable)), found)
  }
  p.goto(look)
  p.cold(look, () => {
    lookTwice(p, asked, scan, { found, missed })
  })

  // another CPU may write to it: what is compared is what is used; if it is not ours, it is a place as good as any
  p.bind(found)
  const value = p.load(valueIn(entry))
  const mixed = p.alu('xor', p.load(fields(entry).key), flow)
  p.jumpIf(neLow(mixed, value), missed)
  p.jumpIf(ne(p.alu('rsh', mixed, 32), p.widen(p.narrow(value))), missed)
  return value
}

/** lookTwice: in the second bucket, and once more in the first. */
function lookTwice(
  p: Builder,
  { flow, now, entry, memory }: Asked,
  scan: BuiltFunction,
  { found, missed }: { readonly found: Label; readonly missed: Label },
): void {
  const { buckets } = p.memory(memory.tracking!.flows)
  const placeIn = (number: Val<'u64'>, which: Val<'u32'>) =>
    p.element(fields(p.element(buckets, number)).entries, p.alu('and', which, BUCKET_ENTRIES - 1))
  const first = () => p.scale(p.narrow(flow), buckets.type.count)
  const mixed = p.alu('add', p.alu('mul', p.narrow(flow), MIX), p.narrow(p.alu('rsh', flow, 32)))
  const second = p.stash(p.scale(mixed, buckets.type.count))
  const inSecond = p.label('in-second')
  const rank = p.stash(p.callSub(scan, flow, now, p.unstash(second)))
  p.jumpIf(anyBits(p.unstash(rank), FOUND), inSecond)
  const best = p.callSub(scan, flow, now, first())
  p.setPlace(entry, placeIn(first(), best))
  p.jumpIf(anyBits(best, FOUND), found)
  // no record: the second bucket is for what the first has no better place for
  p.jumpIf(ge(p.alu('or', p.unstash(rank), BUCKET_PLACES), best), missed)
  p.bind(inSecond)
  p.setPlace(entry, placeIn(p.unstash(second), p.unstash(rank)))
  p.jumpIf(anyBits(p.unstash(rank), FOUND), found)
  p.goto(missed)
}
