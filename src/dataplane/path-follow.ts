// Nat of packets that only belong to a flow, on their way to its server: a later fragment, of which only the address is
// translated, and an ICMP error that quotes what the client got (docs/packet-path.md, N5). `where` of path-where.ts says
// where the client's address is: of a fragment in its own IP header.

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { eq, fields, part } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import type { Memory } from './memory.ts'
import type { Word } from './path-answers.ts'
import { REQUEST } from './path-keep.ts'
import { translateQuoted } from './path-quoted.ts'
import { byFamily, type Packet, unlessReachable, WENT } from './path-request.ts'
import { follow, replaceAddress } from './path-translate.ts'
import { WHERE } from './path-where.ts'
import type { Shape } from './shape.ts'

/** BACK: how far the client's address, a quote's destination, is from where it would be as a source. */
export const BACK = { 4: 4, 6: 16 } as const

/** followFunction: (struct xdp_md *, server, service, where): the packet goes where its flow does; answers WENT + server. */
export const followFunction = (shape: Shape, memory: Memory, update: BuiltFunction): BuiltFunction =>
  plainFunction('follow', (p) => {
    const [server, service, where] = p.parameters('context', 'u32', 'u32', 'u64')
    const kept = { context: p.stashContext(), where: p.stash(where) }
    const [missing, noServer] = [p.label('headers-missing'), p.label('no-server')]
    const to = p.stash(p.below(server, memory.serverCapacity, noServer))
    const by = p.stash(p.alu('and', service, memory.serviceCapacity - 1))
    unlessReachable(p, memory, p.unstash(to), noServer)
    followFlow(p, shape, memory, { ...kept, server: to, service: by, update }, missing)
    p.exitValue(p.alu('or', p.unstash(to), WENT))
    p.bind(missing)
    p.exitValue(REQUEST.clash)
    p.bind(noServer)
    p.exitValue(REQUEST.noServer)
  })

interface Following extends Packet {
  readonly server: Stashed<'u32'>
  readonly service: Stashed<'u32'>
  /** Of path-translate.ts. */
  readonly update: BuiltFunction
}

function followFlow(p: Builder, shape: Shape, memory: Memory, kept: Following, missing: Label): void {
  const changed = p.slot('u64')
  const done = p.label('followed')
  const client = () => p.alu('and', p.narrow(p.alu('rsh', p.unstash(kept.where), WHERE.offset)), WHERE.mask)
  byFamily(p, shape, kept, missing, (family, at) => {
    const target = p.stashPlace(p.element(p.memory(memory.tables).targets, p.unstash(kept.server)))
    const word: Word = (index) => p.load(part(fields(p.unstashPlace(target)).address, 4 * index, 'u32'))
    p.setSlot(changed, replaceAddress(p, family, at.destination, word))
    if (at.checksum) {
      follow(p, at.checksum, p.unstash(changed), kept.update)
      // IPv4's errors have no pseudo-header
      p.setSlot(changed, 0)
    }
    const network = p.alu('and', p.narrow(p.unstash(kept.where)), WHERE.network)
    p.jumpIf(eq(client(), network), done)
    translateQuoted(p, {
      family,
      frame: () => p.packet(p.contextOf(kept.context)),
      header: () => p.alu('and', p.alu('sub', client(), BACK[family]), WHERE.mask),
      side: 'source',
      word,
      port: () => p.bits(p.load(p.element(p.memory(memory.tables).serverPorts, p.unstash(kept.service)))),
      sum: changed,
      missing,
      update: kept.update,
    })
  })
  p.bind(done)
}
