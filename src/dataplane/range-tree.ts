// Ranges of ports compared by instructions: a balanced search among ranges that lie side by side. What a comparison has
// told already is not compared again, so that all ports of an address cost one comparison.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { ge, gt, lt, type Val } from '../bpf/values.ts'
import type { Path } from './cell.ts'
import type { OutcomeName } from './outcomes.ts'

/** hostPort: a word of a port as it is on the wire, in host order, so that there is a less and a more; `above` stays. */
export function hostPort<C extends string>(p: Builder<C>, word: Val<'u32'>, above: boolean): Val<'u32'> {
  const port = p.alu('rsh', p.bits(p.toWire(word)), 16)
  return above ? p.alu('or', p.alu('and', word, 0xff0000), port) : port
}

/** RangeLeaf: what to do for values from `first` to `last`. It ends by leaving. */
export interface RangeLeaf {
  readonly first: number
  readonly last: number
  readonly emit: () => void
}

/** Between: what is known of the value. */
interface Between {
  readonly least: number
  readonly most: number
}

/** rangeTree: the leaf that the value is in; `none` where it is in none of them. They are in order. */
export function rangeTree(
  p: Path,
  value: Val<'u32'>,
  leaves: readonly RangeLeaf[],
  none: OutcomeName | Label,
  { least, most }: Between = { least: 0, most: value.max },
): void {
  if (leaves.length === 1) {
    const { first, last, emit } = leaves[0]!
    if (first > least) p.exitIf(lt(value, first), none)
    if (last < most) p.exitIf(gt(value, last), none)
    emit()
    return
  }
  const half = leaves.length >> 1
  const { first } = leaves[half]!
  const upper = p.label(`from-port-${first.toString(16)}`)
  p.jumpIf(ge(value, first), upper)
  rangeTree(p, value, leaves.slice(0, half), none, { least, most: first - 1 })
  p.bind(upper)
  rangeTree(p, value, leaves.slice(half), none, { least: first, most })
}
