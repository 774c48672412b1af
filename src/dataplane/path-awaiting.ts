// How long the packet path awaits records of other nodes (awaiting.ts), for whoever is about to drop a packet because of that.
// The first one that is dropped since the daemon's word leaves its time in its place.

import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import { gt, ne, type Val } from '../bpf/values.ts'
import { AWAIT, awaitTicks } from './awaiting.ts'
import { SLACK, TIME_MASK } from './flow-record.ts'
import type { Memory } from './memory.ts'
import type { FlowsShape } from './shape.ts'

/**
 * unlessAwaited: where no record is awaited any more at `now` (ticks, modulo 2^30), `told`; what goes on is to be dropped. Asked
 * where the word has been found not to be AWAIT.nothing.
 */
export function unlessAwaited(
  p: Builder,
  memory: Memory,
  flows: FlowsShape,
  now: Val<'u32'>,
  told: Label,
): void {
  const { word } = p.memory(memory.awaiting!)
  const [begun, awaited] = [p.label('awaiting-begun'), p.label('awaited')]
  const said = p.load(word)
  p.jumpIf(ne(said, AWAIT.records), begun)
  p.store(word, p.alu('or', now, AWAIT.begun | 0))
  p.goto(awaited)
  p.bind(begun)
  const since = p.alu('and', p.alu('sub', p.alu('add', now, SLACK), said), TIME_MASK)
  p.jumpIf(gt(since, awaitTicks(flows) + SLACK), told)
  p.bind(awaited)
}
