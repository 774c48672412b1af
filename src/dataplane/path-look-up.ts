// A flow's record in the flow table, for the function that decides: in the first bucket as a rule, which is compared
// here; else path-scan.ts looks at the second, and at the first again, and tells where a new record would go.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ge, neLow, type Val } from '../bpf/values.ts'
import type { BuiltFunction } from '../bpf/xdp.ts'
import { BUCKET_ENTRIES, FlowEntry, MIX } from './flow-record.ts'
import { type Asked, valueIn } from './path-asked.ts'
import { FOUND } from './path-scan.ts'

/**
 * lookUp goes on where the flow has a record, in `entry`, and gives its value; where there is none it goes to `missed`,
 * with `entry` what a new record would overwrite.
 */
export function lookUp(p: Builder, asked: Asked, scan: BuiltFunction, missed: Label): Val<'u64'> {
  const { flow, entry, memory } = asked
  const { buckets } = p.memory(memory.tracking!.flows)
  const value = p.variable('u64')
  const [look, likely, found, ours] = [
    p.label('look-twice'),
    p.label('likely'),
    p.label('found'),
    p.label('record'),
  ]

  // half of the key is compared here, all of it below
  const lower = p.narrow(flow)
  p.setPlace(entry, p.element(fields(p.element(buckets, p.scale(lower, buckets.type.count))).entries, 0))
  for (let place = 0; place < BUCKET_ENTRIES; place++) {
    if (place > 0) p.setPlace(entry, { ...entry, offset: FlowEntry.size })
    const { key, stable } = fields(entry)
    const half = p.alu('xor', p.load({ ...key, type: 'u32' as const }), lower)
    p.jumpIf(eq(half, p.load(stable)), likely)
  }
  p.goto(look)
  p.bind(likely)
  compare(look)
  p.goto(ours)
  p.cold(look, () => {
    lookTwice(p, asked, scan, { found, missed })
    // another CPU may have written to it since: then it is a place as good as any
    p.bind(found)
    compare(missed)
    p.goto(ours)
  })
  p.bind(ours)
  return value

  /** What is compared is what is used, as another CPU may write to it. */
  function compare(not: Label): void {
    const held = p.load(valueIn(entry))
    const mixed = p.alu('xor', p.load(fields(entry).key), flow)
    p.jumpIf(neLow(mixed, held), not)
    p.jumpIf(neLow(p.alu('rsh', mixed, 32), held), not)
    p.set(value, held)
  }
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
  // no record: of equals the place nearer to its bucket's start, so that the emptier bucket is filled
  p.jumpIf(ge(p.unstash(rank), best), missed)
  p.bind(inSecond)
  p.setPlace(entry, placeIn(p.unstash(second), p.unstash(rank)))
  p.jumpIf(anyBits(p.unstash(rank), FOUND), found)
  p.goto(missed)
}
