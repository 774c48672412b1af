// The RST that a client gets for a segment of a flow whose server has failed, as a function of the program
// (RFC 9293 3.10.7.1; docs/packet-path.md, "The RST"). It rewrites the packet that came into the answer and cuts what is
// behind: answers 1; or 0 where there is no answer, whatever the packet holds then.

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { type Bytes, bytes, wire } from '../bpf/types.ts'
import {
  anyBits,
  be16,
  be32,
  eq,
  gt,
  lt,
  ne,
  type Place,
  type Pointer,
  part,
  type Val,
  type View,
} from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import {
  ETH_P_IP,
  ETH_P_IPV6,
  Ethernet,
  IPPROTO_TCP,
  Ipv4,
  Ipv6,
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
  Tcp,
} from './headers.ts'
import { answersReset, has } from './memory.ts'
import { macWord } from './path.ts'
import type { Shape } from './shape.ts'

/** What a family's answer begins with, but for addresses and checksum, in 32-bit words as the machine reads them. */
const IPV4_WORDS = [0x28000045, 0x00400000, 0x00000640] as const
const IPV6_WORDS = [0x00000060, 0x40061400] as const
/** Of the pseudo-header what is no address: protocol and length of the segment, in wire order. */
const PSEUDO = (IPPROTO_TCP + Tcp.size) << 8

/** Of either family what the answer is written into as words. */
const Ipv4Words = wire('ipv4_words', { start: bytes(12), addresses: bytes(8) })
const Ipv6Words = wire('ipv6_words', { start: bytes(8), addresses: bytes(32) })

/** Answer: what the common part needs of what came before it. */
interface Answer {
  readonly tcp: Pointer
  /** Bytes of the segment, header and payload. */
  readonly segment: Stashed<'u32'>
  /** Bytes of the answer's frame. */
  readonly size: Stashed<'u64'>
  /** The sum of the pseudo-header. */
  readonly seed: Stashed<'u32'>
  readonly refuse: Label
}

/** resetFunction: (struct xdp_md *) -> 1 or 0; undefined where no service answers so. */
export function resetFunction(shape: Shape): BuiltFunction | undefined {
  if (!answersReset(shape)) return undefined
  return plainFunction('reset', (p) => {
    const all = shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined
    const { data, end } = p.packet()
    const length = p.stash(all ?? p.length(data, end))
    const answer: Answer = {
      tcp: p.pointerVariable(),
      segment: p.slot('u32'),
      size: p.slot('u64'),
      seed: p.slot('u32'),
      refuse: p.label('no-answer'),
    }
    const [six, addressed] = [p.label('reset-ipv6'), p.label('reset-tcp')]
    if (has(shape, 4)) {
      answerIpv4(p, shape, { data, end }, answer, has(shape, 6) ? six : answer.refuse)
      if (has(shape, 6)) p.goto(addressed)
    }
    if (has(shape, 6)) {
      p.bind(six)
      answerIpv6(p, shape, { data, end }, answer)
    }
    p.bind(addressed)
    answerTcp(p, answer, end)
    p.adjustTail(p.alu('sub', p.unstash(answer.size), p.unstash(length)), answer.refuse)
    p.exitValue(1)
    p.bind(answer.refuse)
    p.exitValue(0)
  })
}

/** fold a sum to a checksum; bpf_csum_diff folds it itself since Linux 6.13 only. */
function fold(p: Builder, sum: Val<'u32'>): Val<'u32'> {
  const once = p.alu('add', p.alu('and', sum, 0xffff), p.alu('rsh', sum, 16))
  const twice = p.alu('add', once, p.alu('rsh', once, 16))
  return p.alu('xor', twice, 0xffff)
}

/** turn: the frame goes back to where it came from. */
function turn(p: Builder, { mac }: Shape, eth: View<(typeof Ethernet)['fields']>): void {
  p.copy(eth.dst, eth.src)
  p.store(part(eth.src, 0, 'u32'), macWord(mac, 0))
  p.store(part(eth.src, 4, 'u16'), macWord(mac, 4))
}

/** swap two words of a byte string. */
function swap(p: Builder, place: Place<Bytes>, a: number, b: number, kind: 'u16' | 'u32' | 'u64'): void {
  const [first, second] = [p.load(part(place, a, kind)), p.load(part(place, b, kind))]
  p.store(part(place, a, kind), second)
  p.store(part(place, b, kind), first)
}

interface Frame {
  readonly data: Pointer
  readonly end: Pointer
}

function answerIpv4(p: Builder, shape: Shape, { data, end }: Frame, answer: Answer, other: Label): void {
  const { eth, words } = p.headers(data, end, { eth: Ethernet, words: Ipv4Words, tcp: Tcp }, answer.refuse)
  p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), other)
  p.jumpIf(ne(p.load(part(words.start, 0, 'u8')), 0x45), answer.refuse)
  const total = p.widen(p.toHost(p.load(part(words.start, 2, 'be16'))))
  p.setSlot(answer.segment, p.narrow(p.alu('sub', total, Ipv4.size)))
  p.setSlot(answer.size, Ethernet.size + Ipv4.size + Tcp.size)
  turn(p, shape, eth)
  swap(p, words.addresses, 0, 4, 'u32')
  for (const [at, word] of IPV4_WORDS.entries()) p.store(part(words.start, 4 * at, 'u32'), word)
  p.setPointer(answer.tcp, p.advance(data, Ethernet.size + Ipv4.size))
  const whole = { ...words.start, type: bytes(Ipv4.size) }
  p.storeLow(part(words.start, 10, 'u16'), fold(p, p.csumDiff('nothing', whole, 0)))
  p.setSlot(answer.seed, p.csumDiff('nothing', words.addresses, PSEUDO))
}

function answerIpv6(p: Builder, shape: Shape, { data, end }: Frame, answer: Answer): void {
  const { eth, words } = p.headers(data, end, { eth: Ethernet, words: Ipv6Words, tcp: Tcp }, answer.refuse)
  p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IPV6)), answer.refuse)
  p.jumpIf(ne(p.load(part(words.start, 6, 'u8')), IPPROTO_TCP), answer.refuse)
  p.setSlot(answer.segment, p.narrow(p.widen(p.toHost(p.load(part(words.start, 4, 'be16'))))))
  p.setSlot(answer.size, Ethernet.size + Ipv6.size + Tcp.size)
  turn(p, shape, eth)
  swap(p, words.addresses, 0, 16, 'u64')
  swap(p, words.addresses, 8, 24, 'u64')
  for (const [at, word] of IPV6_WORDS.entries()) p.store(part(words.start, 4 * at, 'u32'), word)
  p.setPointer(answer.tcp, p.advance(data, Ethernet.size + Ipv6.size))
  p.setSlot(answer.seed, p.csumDiff('nothing', words.addresses, PSEUDO))
}

/** answerTcp: the segment that resets the one which came. */
function answerTcp(p: Builder, { tcp: at, segment, seed, refuse }: Answer, end: Pointer): void {
  const { tcp } = p.headers(at, end, { tcp: Tcp }, refuse)
  const flags = p.load(tcp.flags)
  p.jumpIf(anyBits(flags, TCP_RST), refuse)
  const header = p.alu('lsh', p.alu('rsh', p.load(tcp.offset), 4), 2)
  const held = p.unstash(segment)
  p.jumpIf(lt(header, Tcp.size), refuse)
  p.jumpIf(gt(header, held), refuse)
  swap(p, tcp.ports, 0, 2, 'u16')
  const [acknowledges, written] = [p.label('acknowledges'), p.label('written')]
  p.jumpIf(anyBits(flags, TCP_ACK), acknowledges)
  // nothing to begin with: what it should have been acknowledged is told
  const counted = p.variable('u32')
  const [syn, fin] = [p.label('no-syn'), p.label('no-fin')]
  p.set(counted, p.alu('sub', p.alu('add', p.toHost(p.load(tcp.sequence)), held), header))
  p.jumpIf(eq(p.alu('and', flags, TCP_SYN), 0), syn)
  p.set(counted, p.alu('add', counted, 1))
  p.bind(syn)
  p.jumpIf(eq(p.alu('and', flags, TCP_FIN), 0), fin)
  p.set(counted, p.alu('add', counted, 1))
  p.bind(fin)
  p.store(tcp.acknowledgment, p.toWire(counted))
  p.store(tcp.sequence, be32(0))
  p.store(tcp.flags, TCP_RST | TCP_ACK)
  p.goto(written)
  p.bind(acknowledges)
  p.store(tcp.sequence, p.load(tcp.acknowledgment))
  p.store(tcp.acknowledgment, be32(0))
  p.store(tcp.flags, TCP_RST)
  p.bind(written)
  p.store(tcp.offset, 0x50)
  p.store(part(tcp.rest, 0, 'u16'), 0)
  p.store(part(tcp.rest, 2, 'u32'), 0)
  const sum = p.csumDiff('nothing', { ...tcp.ports, type: bytes(Tcp.size) }, p.unstash(seed))
  p.storeLow(part(tcp.rest, 2, 'u16'), fold(p, sum))
}
