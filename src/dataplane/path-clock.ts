// Time in the packet path, and what it bounds: things that a CPU does so many times in a second at most, counted in its
// own block of counters.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { eq, fields, ge, type Place, type Val } from '../bpf/values.ts'
import type { Window } from './defence-memory.ts'
import { secondShift } from './flow-clock.ts'
import { type Memory, type PerSecond, timeOf } from './memory.ts'
import type { Shape } from './shape.ts'

/** jiffies: now, of the kernel's clock or the one that tests set. */
export function jiffies<C extends string>(p: Builder<C>, { clock }: Memory): Val<'u64'> {
  return clock ? p.load(p.memory(clock).jiffies) : p.call('jiffies64')
}

/** tickNow: ticks of flow-clock.ts, in 32 bits: only differences are used. */
export const tickNow = <C extends string>(p: Builder<C>, shape: Shape, memory: Memory): Val<'u32'> =>
  p.narrow(p.alu('rsh', jiffies(p, memory), timeOf(shape).shift))

/** secondNow: the window of about a second that it is. */
export const secondNow = <C extends string>(p: Builder<C>, shape: Shape, memory: Memory): Val<'u32'> =>
  p.narrow(p.alu('rsh', jiffies(p, memory), secondShift(timeOf(shape))))

/**
 * unlessBelow: one more in this window, which all CPUs count together; where there were `most`, `over`. Above, nobody writes.
 * CPUs that begin a window at the same moment may forget some of each other's.
 */
export function unlessBelow<C extends string>(
  p: Builder<C>,
  shape: Shape,
  memory: Memory,
  window: Place<typeof Window>,
  most: Val<'u32'> | number,
  over: C | Label,
): void {
  const { second, count } = fields(window)
  const now = secondNow(p, shape, memory)
  const same = p.label('same-window')
  p.jumpIf(eq(p.load(second), now), same)
  p.store(second, now)
  p.store(count, 0)
  p.bind(same)
  p.exitIf(ge(p.load(count), most), over)
  p.atomicAdd(count, 1)
}

/** atMost so many in this second go on; `over` has the rest. */
export function atMost<C extends string>(
  p: Builder<C>,
  shape: Shape,
  memory: Memory,
  counted: Place<typeof PerSecond>,
  most: number,
  over: C,
): void {
  const { second, count } = fields(counted)
  const now = secondNow(p, shape, memory)
  const same = p.label('same-second')
  p.jumpIf(eq(p.load(second), now), same)
  p.store(second, now)
  p.store(count, 0)
  p.bind(same)
  const before = p.load(count)
  p.exitIf(ge(before, most), over)
  p.store(count, p.alu('add', before, 1))
}
