// A flow's record in the flow table, for the function that decides: in the first bucket as a rule, which is compared
// here; else path-scan.ts looks at the second, and at the first again, and tells where a new record would go.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ge, ne, neLow, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { BUCKET_ENTRIES, MIX } from './flow-record.ts'
import { type Asked, valueIn } from './path-asked.ts'
import { BUCKET_PLACES, FOUND } from './path-scan.ts'

/**
 * lookUp goes on where the flow has a record, in `entry`, and gives its value; where there is none it goes to `missed`,
 * with `entry` what a new record would overwrite.
 */
export function lookUp(p: Builder, asked: Asked, scan: BuiltFunction, missed: Label): Val<'u64'> {
  const { flow, entry, own, memory } = asked
  const { buckets } = p.memory(memory.tracking!.flows)
  const [look, found] = [p.label('look-twice'), p.label('found')]
  p.setSlot(own, 0)

  // half of the key is compared here, all of it below
  const lower = p.narrow(flow)
  const first = p.pin(p.element(buckets, p.scale(lower, buckets.type.count)))
  const places = Array.from({ length: BUCKET_ENTRIES }, (_, place) => ({
    at: p.element(fields(first).entries, place),
    likely: p.label(`likely-${place}`),
  }))
  for (const { at, likely } of places) {
    const { key, stable } = fields(at)
    const half = p.alu('xor', p.load({ ...key, type: 'u32' as const }), lower)
    p.jumpIf(eq(half, p.load(stable)), likely)
  }
  p.goto(look)
  p.cold(look, () => {
    lookTwice(p, asked, scan, { found, missed })
  })
  for (const { at, likely } of places) {
    p.bind(likely)
    p.setPlace(entry, at)
    p.goto(found)
  }

  // another CPU may write to it: what is compared is what is used; if it is not ours, it is a place as good as any
  p.bind(found)
  const value = p.load(valueIn(entry))
  const mixed = p.alu('xor', p.load(fields(entry).key), flow)
  p.jumpIf(neLow(mixed, value), missed)
  p.jumpIf(ne(p.alu('rsh', mixed, 32), p.widen(p.narrow(value))), missed)
  p.setSlot(own, 1)
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
