// Nat on the way back, as a function of the program: docs/packet-path.md, N4. A packet that is for no listener may be a
// server's answer: one whose record is found gets the address and port that its client knows, and goes to where the
// client's packets come from. It reads the frame anew, so that the straight path carries nothing for it.
//
//   (struct xdp_md *) -> ANSWER

import type { Builder } from '../bpf/builder.ts'
import { anyBits, be16, eq, fields, le, lt, ne, type Place, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { FLOW, STATE_SHIFT, TIME_MASK } from './flow-record.ts'
import {
  ETH_P_IP,
  ETH_P_IPV6,
  Ethernet,
  IP_FRAGMENT,
  IPPROTO_TCP,
  IPPROTO_UDP,
  Ipv4,
  Ipv6,
  TCP_FIN,
  TCP_RST,
  Tcp,
  Udp,
} from './headers.ts'
import { isMixed } from './match.ts'
import { type Family, has, type Memory } from './memory.ts'
import { macWord } from './path.ts'
import {
  type Answers,
  entryAt,
  HELD,
  halvesOf,
  portAndSeal,
  restSum,
  serverSum,
  spread,
} from './path-answers.ts'
import { ticks } from './path-asked.ts'
import { firstKey } from './path-request.ts'
import { follow, followUdp, hopsLess, replaceAddress, replacePort } from './path-translate.ts'
import type { FlowsShape, Shape } from './shape.ts'

/** ANSWER: what the function answers: nothing that it knows, an answer on its way, one whose TTL has run out. */
export const ANSWER = { unknown: 0, answered: 1, ttl: 2 } as const

const UDP_BIT = 0x10

export function answerFunction(
  shape: Shape,
  memory: Memory,
  flows: FlowsShape,
  answers: Answers,
): BuiltFunction {
  return plainFunction('answer', (p) => {
    const context = p.stashContext()
    const [unknown, expired, known] = [p.label('unknown'), p.label('expired'), p.label('answer-read')]
    const now = p.stash(ticks(p, memory, flows))
    const place = p.slot('u32')
    const protocol = p.slot('u32')
    const sum = p.slot('u64')
    const changed = p.slot('u64')
    const six = p.label('answer-6')

    // what it is, and the key of its flow
    {
      const { data, end } = p.packet(p.contextOf(context))
      const { eth } = p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, unknown)
      const type = p.load(eth.type)
      if (has(shape, 6)) p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
      p.jumpIf(ne(type, be16(ETH_P_IP)), unknown)
    }
    if (has(shape, 4)) {
      const { ip } = ipv4(p)
      const first = p.load(ip.versionIhl)
      p.jumpIf(ne(p.alu('rsh', first, 4), 4), unknown)
      const size = p.alu('lsh', p.alu('and', first, 15), 2)
      p.jumpIf(lt(size, Ipv4.size), unknown)
      p.setSlot(place, p.alu('add', size, Ethernet.size))
      p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), unknown)
      guard(p.load(ip.protocol))
      hash(4, ip.source, ip.destination)
      p.goto(known)
    } else p.goto(unknown)
    if (has(shape, 6)) {
      p.bind(six)
      const { ip } = ipv6(p)
      p.jumpIf(ne(p.alu('rsh', p.load(ip.versionClass), 4), 6), unknown)
      p.setSlot(place, Ethernet.size + Ipv6.size)
      guard(p.load(ip.next))
      hash(6, ip.source, ip.destination)
    }
    p.bind(known)

    const key = p.stash(spread(p, p.unstash(sum)))
    const number = p.callSub(answers.seek, p.unstash(key), p.unstash(now))
    p.jumpIf(eq(p.alu('and', number, HELD), 0), unknown)
    const kept = p.stashPlace(entryAt(p, answers, number, unknown))
    const at = () => p.unstashPlace(kept)

    // it is the flow's as long as its seal says so
    const { low, high, portAndSeal: sealed } = halvesOf(at())
    const port = p.stash(p.load(sealed))
    const wanted = portAndSeal(
      p,
      p.unstash(key),
      p.load(low),
      has(shape, 6) ? p.load(high) : undefined,
      p.alu('and', p.unstash(port), 0xffff),
    )
    p.jumpIf(ne(wanted, p.unstash(port)), unknown)

    // address, TTL or hop limit, MACs; what the address adds to sums is left in `changed`
    const [other, addressed] = [p.label('to-client-6'), p.label('addressed')]
    const { address } = fields(at())
    const word = (index: number) => p.load(part(address, 4 * index, 'u32'))
    if (has(shape, 6)) {
      if (has(shape, 4)) {
        const { data, end } = p.packet(p.contextOf(context))
        const { eth } = p.headers(data, end, { eth: Ethernet }, unknown)
        p.jumpIf(eq(p.load(eth.type), be16(ETH_P_IPV6)), other)
      }
    }
    if (has(shape, 4)) {
      const { eth, ip } = ipv4(p)
      const hops = p.load(ip.ttl)
      p.jumpIf(le(hops, 1), expired)
      const less = hopsLess(p, p.load({ ...ip.ttl, type: 'u16' as const }))
      p.storeLow(ip.ttl, p.alu('sub', hops, 1))
      const address4 = replaceAddress(p, 4, { ...ip.source, type: { is: 'bytes', count: 4 } }, word)
      p.setSlot(changed, address4)
      follow(p, ip.checksum, p.alu('add', address4, less))
      addressMacs(eth)
      if (has(shape, 6)) p.goto(addressed)
    }
    if (has(shape, 6)) {
      p.bind(other)
      const { eth, ip } = ipv6(p)
      const hops = p.load(ip.hopLimit)
      p.jumpIf(le(hops, 1), expired)
      p.storeLow(ip.hopLimit, p.alu('sub', hops, 1))
      p.setSlot(changed, replaceAddress(p, 6, ip.source, word))
      addressMacs(eth)
    }
    p.bind(addressed)

    // port and checksum; a FIN or RST closes the record, anything else leaves its state
    const closes = p.slot('u32')
    p.setSlot(closes, p.constant(0))
    transport(
      () => {
        const { data, end } = p.packet(p.contextOf(context))
        const { tcp } = p.headers(p.advance(data, where()), end, { tcp: Tcp }, unknown)
        const added = replacePort(
          p,
          part(tcp.ports, 0, 'u16'),
          p.narrow(p.alu('and', p.unstash(port), 0xffff)),
        )
        follow(p, part(tcp.rest, 2, 'u16'), p.alu('add', added, p.unstash(changed)))
        p.setSlot(closes, p.alu('and', p.load(tcp.flags), TCP_FIN | TCP_RST))
      },
      () => {
        const { data, end } = p.packet(p.contextOf(context))
        const { udp } = p.headers(p.advance(data, where()), end, { udp: Udp }, unknown)
        const added = replacePort(
          p,
          part(udp.ports, 0, 'u16'),
          p.narrow(p.alu('and', p.unstash(port), 0xffff)),
        )
        const unsummed = p.label('no-checksum')
        followUdp(p, part(udp.lengthChecksum, 2, 'u16'), p.alu('add', added, p.unstash(changed)), unsummed)
        p.bind(unsummed)
      },
    )
    const before = p.load(halvesOf(at()).value)
    const next = p.variable('u32')
    const [closed, written] = [p.label('answer-closes'), p.label('answer-touched')]
    p.set(next, (FLOW.closed << STATE_SHIFT) >>> 0)
    p.jumpIf(ne(p.unstash(closes), 0), closed)
    p.set(next, p.alu('and', p.narrow(p.alu('rsh', before, 32)), ~TIME_MASK >>> 0))
    p.bind(closed)
    const upper = p.alu('lsh', p.widen(p.alu('or', next, p.unstash(now))), 32)
    const after = p.alu('or', upper, p.narrow(before))
    p.jumpIf(eq(after, before), written)
    p.store(halvesOf(at()).value, after)
    p.bind(written)
    p.exitValue(ANSWER.answered)
    p.bind(expired)
    p.exitValue(ANSWER.ttl)
    p.bind(unknown)
    p.exitValue(ANSWER.unknown)

    function ipv4(p: Builder) {
      const { data, end } = p.packet(p.contextOf(context))
      return p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, unknown)
    }
    function ipv6(p: Builder) {
      const { data, end } = p.packet(p.contextOf(context))
      return p.headers(data, end, { eth: Ethernet, ip: Ipv6 }, unknown)
    }
    function where(): Val<'u32'> {
      return p.alu('and', p.unstash(place), 0x7f)
    }

    /** A protocol that listeners have, kept. */
    function guard(number: Val<'u8'>): void {
      const fits = p.label('protocol-fits')
      if (isMixed(shape)) p.jumpIf(eq(number, IPPROTO_TCP), fits)
      p.jumpIf(ne(number, has(shape, 'udp') ? IPPROTO_UDP : IPPROTO_TCP), unknown)
      if (isMixed(shape)) p.bind(fits)
      p.setSlot(protocol, p.alu('or', number, 0))
    }

    function transport(segment: () => void, datagram: () => void): void {
      const [udp, done] = [p.label('answer-udp'), p.label('answer-transport')]
      if (isMixed(shape)) p.jumpIf(anyBits(p.unstash(protocol), UDP_BIT), udp)
      if (has(shape, 'tcp')) {
        segment()
        if (has(shape, 'udp')) p.goto(done)
      }
      if (has(shape, 'udp')) {
        p.bind(udp)
        datagram()
      }
      p.bind(done)
    }

    /** The sum of the flow's key; the whole transport header must be there. */
    function hash(family: Family, source: Place, destination: Place): void {
      const ports = p.slot('u32')
      transport(
        () => {
          const { data, end } = p.packet(p.contextOf(context))
          const { tcp } = p.headers(p.advance(data, where()), end, { tcp: Tcp }, unknown)
          p.setSlot(ports, p.load(part(tcp.ports, 0, 'u32')))
        },
        () => {
          const { data, end } = p.packet(p.contextOf(context))
          const { udp } = p.headers(p.advance(data, where()), end, { udp: Udp }, unknown)
          p.setSlot(ports, p.load(part(udp.ports, 0, 'u32')))
        },
      )
      const first = firstKey(p, shape, () => p.unstash(protocol), UDP_BIT)
      const wordsOf = (place: Place) => (index: number) =>
        p.load<'u32'>({ base: place.base, offset: place.offset + 4 * index, type: 'u32' })
      p.setSlot(
        sum,
        p.alu(
          'add',
          restSum(p, memory, family, first, {
            client: wordsOf(destination),
            ports: () => p.unstash(ports),
          }),
          serverSum(p, memory, family, wordsOf(source)),
        ),
      )
    }

    /** From our own MAC to the client's next hop. */
    function addressMacs(eth: { readonly dst: Place; readonly src: Place }): void {
      const hop = p.load(fields(at()).hop)
      const half = (place: Place, by: number, type: 'u32' | 'u16') =>
        ({ base: place.base, offset: place.offset + by, type }) as Place<'u32'>
      p.storeLow(half(eth.dst, 0, 'u32'), hop)
      p.storeLow(half(eth.dst, 4, 'u16'), p.alu('rsh', hop, 32))
      p.store(half(eth.src, 0, 'u32'), macWord(shape.mac, 0))
      p.storeLow(half(eth.src, 4, 'u16'), p.constant(macWord(shape.mac, 4)))
    }
  })
}
