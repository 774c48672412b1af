// Whether a client is on its server's own network, as a function of the program: docs/packet-path.md, N1. What a server
// answers to a neighbour goes there directly, past this node, and so from an address that the client has not asked.

import type { Bytes } from '../bpf/types.ts'
import { anyBits, fields, type Place, part } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import type { Memory } from './memory.ts'
import { byFamily } from './path-request.ts'
import type { Shape } from './shape.ts'

/** nearFunction: (struct xdp_md *, server, where) -> 1 where it is, else 0. */
export const nearFunction = (shape: Shape, memory: Memory): BuiltFunction =>
  plainFunction('near', (p) => {
    const [server, where] = p.parameters('context', 'u32', 'u64')
    const away = p.label('away')
    const kept = {
      context: p.stashContext(),
      server: p.stash(p.below(server, memory.serverCapacity, away)),
      where: p.stash(where),
    }
    byFamily(p, shape, kept, away, (family, at) => {
      const { address, mask } = fields(p.element(p.memory(memory.tables).targets, p.unstash(kept.server)))
      const differs = (offset: number, type: 'u32' | 'u64') => {
        const of = (place: Place<Bytes<number>>) => p.load(part(place, offset, type))
        p.jumpIf(anyBits(p.alu('xor', of(at.source), of(address)), of(mask)), away)
      }
      if (family === 4) differs(0, 'u32')
      else for (const offset of [0, 8]) differs(offset, 'u64')
    })
    p.exitValue(1)
    p.bind(away)
    p.exitValue(0)
  })
