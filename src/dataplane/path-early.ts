// What a server with nat answers before its flow is known here, as a function of the program: docs/packet-path.md, N7. It is
// asked only about what would pass to the node's kernel, and only while records may be on their way (awaiting.ts). What the
// kernel keeps (answers to the node's own checks of its servers) or drops, it may have.
//
//   (struct xdp_md *, where the headers are; of a plain packet only the IP header) -> 1 where the kernel would forward it as it is,
//   and its record is awaited, else 0

import type { Builder } from '../bpf/builder.ts'
import { AF_INET, AF_INET6, FIB, FibLookup } from '../bpf/helper-builder.ts'
import { anyBits, be16, eq, fields, ne, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { Ethernet, Ipv4, Ipv6, Ports } from './headers.ts'
import type { Memory } from './memory.ts'
import { ticks } from './path-asked.ts'
import { unlessAwaited } from './path-awaiting.ts'
import { byFamily, type Packet } from './path-request.ts'
import { sourceFunction } from './path-source.ts'
import { WHERE } from './path-where.ts'
import type { FlowsShape, Shape } from './shape.ts'

export const earlyFunction = (shape: Shape, memory: Memory, flows: FlowsShape): BuiltFunction => {
  const source = sourceFunction(shape, memory)
  return plainFunction('early', (p) => {
    const [where] = p.parameters('context', 'u64')
    const kept: Packet = { context: p.stashContext(), where: p.stash(where) }
    const transport = p.slot('u32')
    const [passes, forwarded] = [p.label('passes'), p.label('forwarded')]
    // what only belongs to a flow is nothing that a client would answer
    p.jumpIf(anyBits(p.unstash(kept.where), WHERE.peek), passes)
    p.setSlot(
      transport,
      p.alu('and', p.narrow(p.alu('rsh', p.unstash(kept.where), WHERE.offset)), WHERE.mask),
    )
    p.jumpIf(eq(p.callSub(source, p.contextOf(kept.context), p.unstash(kept.where)), 0), passes)
    const params = p.onStack(FibLookup, {
      family: AF_INET,
      l4_protocol: 0,
      sport: be16(0),
      dport: be16(0),
      tot_len: 0,
      ifindex: p.ingressIfindex(p.contextOf(kept.context)),
      tos: 0,
      src: 'zero',
      dst: 'zero',
      h_vlan_proto: be16(0),
      h_vlan_TCI: be16(0),
      smac: 'zero',
      dmac: 'zero',
    })
    const asked = fields(params)
    byFamily(p, shape, kept, passes, (family, at) => {
      if (family === 6) p.store(asked.family, AF_INET6)
      for (let word = 0; word < (family === 4 ? 1 : 4); word++) {
        p.store(part(asked.src, 4 * word, 'u32'), p.load(part(at.source, 4 * word, 'u32')))
        p.store(part(asked.dst, 4 * word, 'u32'), p.load(part(at.destination, 4 * word, 'u32')))
      }
      const known = p.label('transport-known')
      p.jumpIf(ne(p.unstash(transport), 0), known)
      p.setSlot(transport, p.constant(Ethernet.size + (family === 4 ? Ipv4 : Ipv6).size))
      p.bind(known)
    })
    p.jumpIf(eq(isAnswerPort(p, memory, sourcePort()), 0), passes)
    const answer = p.fibAnswer(params, p.contextOf(kept.context))
    p.jumpIf(eq(answer, FIB.success), forwarded)
    p.jumpIf(ne(answer, FIB.noNeighbour), passes)
    p.bind(forwarded)
    unlessAwaited(p, memory, flows, ticks(p, memory, flows), passes)
    p.exitValue(1)
    p.bind(passes)
    p.exitValue(0)

    function sourcePort(): Val<'u32'> {
      const { data, end } = p.packet(p.contextOf(kept.context))
      const at = p.advance(data, p.alu('and', p.unstash(transport), WHERE.mask))
      const { ports } = p.headers(at, end, { ports: Ports }, passes)
      return p.narrow(p.widen(p.toHost(p.load(ports.source))))
    }
  })
}

/** isAnswerPort: not 0 where servers with nat answer from it. */
function isAnswerPort(p: Builder, memory: Memory, port: Val<'u32'>): Val<'u32'> {
  const { answerPorts } = p.memory(memory.tables)
  // 6.1 does not know that a port that was swapped has 16 bits.
  const at = p.alu('and', p.alu('rsh', port, 5), 65_535 >> 5)
  const word = p.load(p.element(answerPorts, at))
  return p.alu('and', p.alu('rsh', word, p.alu('and', port, 31)), 1)
}
