// Who may be a server with nat, as a function of the program: (struct xdp_md *, where the IP header is) -> 0 where the
// packet's source is none (answer-sources.ts).

import { part } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { type Memory, SOURCE_BITS } from './memory.ts'
import { serverSum } from './path-answers.ts'
import { byFamily } from './path-request.ts'
import type { Shape } from './shape.ts'

export const sourceFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('source', (p) => {
    const [start] = p.parameters('context', 'u64')
    const kept = { context: p.stashContext(), where: p.stash(start) }
    const sum = p.slot('u64')
    const missing = p.label('headers-missing')
    byFamily(p, shape, kept, missing, (family, at) => {
      p.setSlot(
        sum,
        serverSum(p, memory, family, (index) => p.load(part(at.source, 4 * index, 'u32'))),
      )
    })
    const shift = 64 - Math.log2(SOURCE_BITS * memory.serverCapacity)
    const bit = p.narrow(p.alu('rsh', p.unstash(sum), shift))
    const { sources } = p.memory(memory.tables)
    p.exitValue(
      p.alu('and', p.alu('rsh', p.load(p.element(sources, p.alu('rsh', bit, 5))), p.alu('and', bit, 31)), 1),
    )
    p.bind(missing)
    p.exitValue(0)
  })
