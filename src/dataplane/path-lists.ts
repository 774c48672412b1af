// What lists say of a packet's client (docs/packet-path.md, D1): the longest prefix that holds it decides. It asks the kernel's
// tries, by helper: who lists nothing never comes here.

import type { Stashed } from '../bpf/emitter.ts'
import { eq, ge, type Val, type View } from '../bpf/values.ts'
import type { Path } from './cell.ts'
import { LIST, type ListValue } from './defence-memory.ts'
import type { Memory } from './memory.ts'
import { clientOf } from './path-client.ts'
import { tickNow } from './path-clock.ts'
import type { Shape } from './shape.ts'

/** askLists: leaves LIST.allow, LIST.deny or LIST.ban in `says`, or what it had where none has the client. */
export function askLists(
  p: Path,
  shape: Shape,
  memory: Memory,
  where: Val<'u64'>,
  says: Stashed<'u32'>,
): void {
  const { lists4, lists6 } = memory.defence!
  const none = p.label('not-listed')
  const answer = (entry: View<(typeof ListValue)['fields']>) => {
    const listed = p.label('listed')
    p.setSlot(says, p.load(entry.says))
    const ends = p.load(entry.until)
    p.jumpIf(eq(ends, 0), listed)
    // a ban is over from its tick on; ticks come round, so that only the difference counts
    const left = p.alu('sub', p.alu('sub', ends, 1), tickNow(p, shape, memory))
    p.jumpIf(ge(left, 2 ** 31), listed)
    p.setSlot(says, LIST.ban)
    p.bind(listed)
    p.goto(none)
  }
  clientOf(p, shape, where, none, (client) => {
    if (client.family === 4)
      answer(p.lookup(lists4!, { length: p.constant(32), address: p.load(client.source) }, none))
    else answer(p.lookup(lists6!, { length: p.constant(128), address: client.source }, none))
  })
  p.bind(none)
}
