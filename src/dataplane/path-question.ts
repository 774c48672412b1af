// A packet's flow, put into numbers, and the function that decides asked about it, as a function of the program: it reads
// addresses, ports and flags from the packet again, so that a packet whose flow is not looked up pays nothing for them.
// A packet that only belongs to a flow, an error about it or a later fragment, has its ports in `where`; it changes no
// record.

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import { anyBits, eq, type Place, type Pointer, part, type Val } from '../bpf/values.ts'
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
import { has, persists, usesNat } from './memory.ts'
import { ABOUT } from './path-asked.ts'
import { type Deciding, decide, decision } from './path-decide.ts'
import { type Ask, askWithNetwork, hashNetwork, network4, network6, type Slots } from './path-network.ts'
import { templateFunction } from './path-template.ts'
import { WHERE } from './path-where.ts'
import type { Shape } from './shape.ts'

/**
 * questionFunction: (struct xdp_md *, the hash that chose the slot, the slot's word, `about` without the packet's kind,
 * where its headers are) -> what `decide` answers. 0 as well where the headers are not there. Who decides is part of the
 * function, as a call costs more than most of what is done here; `ask`: functions of their own, where some service persists.
 */
export const questionFunction = (deciding: Deciding, ask: Ask | undefined): BuiltFunction =>
  plainFunction('question', (p) => {
    const { shape, memory } = deciding
    const [hash, word, about, where] = p.parameters('context', 'u64', 'u32', 'u64', 'u64')
    const { data, end } = p.packet()
    // with both families, or both protocols, or networks, the registers are needed for other things
    const isCrowded = has(shape, 6) || isMixed(shape) || persists(shape)
    const keep = <K extends 'u32' | 'u64'>(value: Val<K>) => {
      const slot = isCrowded ? p.stash(value) : undefined
      return Object.assign((): Val<K> => (slot ? p.unstash(slot) : value), { slot })
    }
    const kept = { hash: keep(hash), word: keep(word), about: keep(about), where: keep(where) }
    const missing = p.label('headers-missing')
    const kin = ask ? p.slot('u64') : undefined
    if (kin) p.setSlot(kin, 0)
    const { flowKeys } = p.memory(memory.tables)
    const keys = kin ? flowKeys : p.pin(flowKeys)
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
      if (kin) hashNetwork(p, memory, kept.about, network4(p, who.source), kin)
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
      if (kin) hashNetwork(p, memory, kept.about, network6(p, who.source), kin)
    }
    p.bind(addressed)

    const { kind, ports } = transport(p, shape, p.advance(data, offset()))
    const all = p.alu('add', sum, times(FLOW_KEY.ports, ports))
    const mixed = p.alu('mul', p.alu('xor', all, p.alu('rsh', all, 32)), key(FLOW_KEY.mix))
    const flow = p.alu('or', p.alu('lsh', kept.hash(), 32), p.alu('rsh', mixed, 32))
    if (ask && kin) p.exitValue(askWithNetwork(p, ask, kin, slotsOf(p, kept, flow, kind)))
    else {
      const vague = p.vagueSlot()
      // with nat, a flow that moves is told so beside service and pool
      p.setSlot(vague, usesNat(shape) ? p.alu('or', p.narrow(kept.about()), kind) : kind)
      const [word, about] = [kept.word.slot ?? p.stash(kept.word()), kept.about.slot ?? p.stash(kept.about())]
      decide(p, deciding, { flow, word, about, kind: vague })
    }
    p.bind(missing)
    p.exitValue(0)

    /** What the transport header tells: the packet's kind, both ports; the sum gets the first key. */
    function transport(p: Builder, shape: Shape, at: Pointer) {
      const kind = p.variable('u32')
      const ports = p.variable('u32')
      const begin = (first: number) => p.set(sum, p.alu('add', sum, key(first)))
      const [datagram, known, peek] = [p.label('flow-udp'), p.label('flow-known'), p.label('flow-peek')]
      p.jumpIf(anyBits(kept.where(), WHERE.peek), peek)
      p.cold(peek, () => {
        p.set(ports, p.narrow(p.alu('rsh', kept.where(), WHERE.ports)))
        const begins = (protocol: 'udp' | 'tcp') => {
          begin(FLOW_KEY[protocol])
          p.set(kind, (protocol === 'tcp' ? ABOUT.segment : ABOUT.udp) | ABOUT.peek)
          p.goto(known)
        }
        const peekDatagram = p.label('peek-udp')
        if (isMixed(shape)) p.jumpIf(anyBits(kept.where(), WHERE.udp), peekDatagram)
        if (has(shape, 'tcp')) begins('tcp')
        if (isMixed(shape)) p.bind(peekDatagram)
        if (has(shape, 'udp')) begins('udp')
      })
      if (isMixed(shape)) {
        p.jumpIf(eq(protocol, IPPROTO_UDP), datagram)
        if (has(shape, 6)) p.jumpIf(anyBits(kept.where(), WHERE.udp), datagram)
      }
      if (has(shape, 'tcp')) {
        const { tcp } = p.headers(at, end, { tcp: Tcp }, missing)
        p.set(ports, p.load(part(tcp.ports, 0, 'u32')))
        begin(FLOW_KEY.tcp)
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
        begin(FLOW_KEY.udp)
        p.set(kind, ABOUT.udp)
      }
      p.bind(known)
      return { kind, ports }
    }
  })

/** askingOf a shape with services that persist: what is asked as functions. */
export const askingOf = (deciding: Deciding): Ask => ({
  decide: decision(deciding),
  template: templateFunction(deciding),
})

/** slotsOf the question, in place of what it was made of; where the headers are is known no more. */
function slotsOf(
  p: Builder,
  {
    hash,
    word,
    about,
    where,
  }: Readonly<Record<'hash' | 'about' | 'where', SlotOf<'u64'>>> & { readonly word: SlotOf<'u32'> },
  flow: Val<'u64'>,
  kind: Val<'u32'>,
): Slots {
  p.setSlot(hash.slot!, flow)
  p.setSlot(about.slot!, p.alu('or', p.unstash(about.slot!), kind))
  return { flow: hash.slot!, word: word.slot!, about: about.slot!, answer: where.slot! }
}

interface SlotOf<K extends 'u32' | 'u64'> {
  readonly slot: Stashed<K> | undefined
}

/** words6: the words of an IPv6 address and the keys that multiply them. */
const words6 = (address: Parameters<typeof part>[0], first: number, others: number) =>
  [0, 1, 2, 3].map((i) => [i === 0 ? first : others + i - 1, part(address, 4 * i, 'u32')] as const)
