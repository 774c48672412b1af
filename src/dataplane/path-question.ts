// A packet's flow, put into numbers, and the function that decides asked about it, as a function of the program: it reads
// addresses, ports and flags from the packet again, so that a packet whose flow is not looked up pays nothing for them.
// A packet that only belongs to a flow, an error about it or a later fragment, has its ports in `where`; it changes no
// record, and is nobody's where the flow's client is to be told of its end.

import type { Builder } from '../bpf/builder.ts'
import { anyBits, eq, ne, type Place, type Pointer, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { FLOW_KEY } from './flow-keys.ts'
import {
  IPPROTO_UDP,
  Ipv4,
  Ipv6,
  Source4,
  Source6,
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
  Tcp,
  Udp,
} from './headers.ts'
import { isMixed } from './match.ts'
import { has, type Memory } from './memory.ts'
import { ABOUT } from './path-asked.ts'
import { RESET } from './path-decide.ts'
import { WHERE } from './path-where.ts'
import type { Shape } from './shape.ts'

/**
 * questionFunction: (struct xdp_md *, the hash that chose the slot, the slot's word, `about` without the packet's kind,
 * where its headers are) -> what `decide` answers. 0 as well where the headers are not there.
 */
export const questionFunction = (shape: Shape, memory: Memory, decide: BuiltFunction): BuiltFunction =>
  plainFunction('question', (p) => {
    const [hash, word, about, where] = p.parameters('context', 'u64', 'u32', 'u64', 'u64')
    const { data, end } = p.packet()
    // with both families, or both protocols, the registers are needed for other things
    const isCrowded = has(shape, 6) || isMixed(shape)
    const keep = <K extends 'u32' | 'u64'>(value: Val<K>, isStashed = isCrowded): (() => Val<K>) => {
      const kept = isStashed ? p.stash(value) : undefined
      return () => (kept ? p.unstash(kept) : value)
    }
    const kept = { hash: keep(hash), word: keep(word), about: keep(about, true), where: keep(where, true) }
    const missing = p.label('headers-missing')
    const keys = p.pin(p.memory(memory.tables).flowKeys)
    const key = (index: number) => p.load(p.element(keys, index))
    const times = (index: number, value: Val<'u32'>) => p.alu('mul', key(index), p.widen(value))

    const sum = p.variable('u64')
    const protocol = p.variable('u8')
    const network = p.advance(data, p.alu('and', where, WHERE.network))
    const client = p.pointerVariable()
    const offset = () => p.alu('and', p.alu('rsh', kept.where(), WHERE.offset), WHERE.mask)
    const [six, addressed] = [p.label('flow-ipv6'), p.label('flow-addressed')]
    const [elsewhere, found] = [p.label('client-elsewhere'), p.label('client-found')]
    p.setPointer(client, network)
    p.jumpIf(anyBits(where, WHERE.peek), elsewhere)
    p.cold(elsewhere, () => {
      p.setPointer(client, p.advance(data, offset()))
      p.goto(found)
    })
    p.bind(found)
    if (has(shape, 4)) {
      const { ip } = p.headers(network, end, { ip: Ipv4 }, missing)
      if (has(shape, 6)) p.jumpIf(eq(p.alu('rsh', p.load(ip.versionIhl), 4), 6), six)
      if (isMixed(shape)) p.set(protocol, p.load(ip.protocol))
      const { who } = p.headers(client, end, { who: Source4 }, missing)
      const source = times(FLOW_KEY.source, p.bits(p.load(who.source)))
      p.set(sum, p.alu('add', source, times(FLOW_KEY.destination, p.bits(p.load(ip.destination)))))
      if (has(shape, 6)) p.goto(addressed)
    }
    if (has(shape, 6)) {
      p.bind(six)
      const { ip } = p.headers(network, end, { ip: Ipv6 }, missing)
      if (isMixed(shape)) p.set(protocol, p.load(ip.next))
      const { who } = p.headers(client, end, { who: Source6 }, missing)
      const words: readonly (readonly [number, Place<'u32'>])[] = [
        ...words6(who.source, FLOW_KEY.source, FLOW_KEY.source6),
        ...words6(ip.destination, FLOW_KEY.destination, FLOW_KEY.destination6),
      ]
      const products = words.map(
        ([index, place]) =>
          () =>
            times(index, p.load(place)),
      )
      p.set(
        sum,
        products.slice(1).reduce((total, product) => p.alu('add', total, product()), products[0]!()),
      )
    }
    p.bind(addressed)

    const { kind, first, ports } = transport(p, shape, p.advance(data, offset()))
    const all = p.alu('add', p.alu('add', sum, first), times(FLOW_KEY.ports, ports))
    const flow = p.alu('or', p.alu('lsh', kept.hash(), 32), p.alu('rsh', all, 32))
    const isPeek = p.stash(p.alu('and', kind, ABOUT.peek))
    const answer = p.callSub(decide, flow, kept.word(), p.alu('or', kept.about(), kind))
    const peeked = p.label('peeked')
    p.jumpIf(ne(p.unstash(isPeek), 0), peeked)
    p.exitValue(answer)
    p.bind(peeked)
    p.exitValue(p.alu('and', answer, RESET - 1))
    p.bind(missing)
    p.exitValue(0)

    /** What the transport header tells: the packet's kind, the first key, both ports. */
    function transport(p: Builder, shape: Shape, at: Pointer) {
      const kind = p.variable('u32')
      const first = p.variable('u64')
      const ports = p.variable('u32')
      const [datagram, known, peek] = [p.label('flow-udp'), p.label('flow-known'), p.label('flow-peek')]
      p.jumpIf(anyBits(kept.where(), WHERE.peek), peek)
      p.cold(peek, () => {
        p.set(ports, p.narrow(p.alu('rsh', kept.where(), WHERE.ports)))
        p.set(first, key(has(shape, 'tcp') ? FLOW_KEY.tcp : FLOW_KEY.udp))
        p.set(kind, (has(shape, 'tcp') ? ABOUT.segment : ABOUT.udp) | ABOUT.peek)
        if (isMixed(shape)) {
          const segment = p.label('peek-segment')
          p.jumpIf(eq(p.alu('and', kept.where(), WHERE.udp), 0), segment)
          p.set(first, key(FLOW_KEY.udp))
          p.set(kind, ABOUT.udp | ABOUT.peek)
          p.bind(segment)
        }
        p.goto(known)
      })
      if (isMixed(shape)) {
        p.jumpIf(eq(protocol, IPPROTO_UDP), datagram)
        if (has(shape, 6)) p.jumpIf(anyBits(kept.where(), WHERE.udp), datagram)
      }
      if (has(shape, 'tcp')) {
        const { tcp } = p.headers(at, end, { tcp: Tcp }, missing)
        p.set(ports, p.load(part(tcp.ports, 0, 'u32')))
        p.set(first, key(FLOW_KEY.tcp))
        const flags = p.load(tcp.flags)
        p.set(kind, ABOUT.end)
        p.jumpIf(anyBits(flags, TCP_FIN | TCP_RST), known)
        p.set(kind, ABOUT.syn)
        p.jumpIf(eq(p.alu('and', flags, TCP_SYN | TCP_ACK), TCP_SYN), known)
        p.set(kind, ABOUT.segment)
        if (has(shape, 'udp')) p.goto(known)
      }
      if (has(shape, 'udp')) {
        p.bind(datagram)
        const { udp } = p.headers(at, end, { udp: Udp }, missing)
        p.set(ports, p.load(part(udp.ports, 0, 'u32')))
        p.set(first, key(FLOW_KEY.udp))
        p.set(kind, ABOUT.udp)
      }
      p.bind(known)
      return { kind, first, ports }
    }
  })

/** words6: the words of an IPv6 address and the keys that multiply them. */
const words6 = (address: Parameters<typeof part>[0], first: number, others: number) =>
  [0, 1, 2, 3].map((i) => [i === 0 ? first : others + i - 1, part(address, 4 * i, 'u32')] as const)
