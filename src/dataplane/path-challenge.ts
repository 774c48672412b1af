// The challenge, as a function of the program: the SYN that came becomes the ACK that goes back (proof-challenge.ts is the
// plain form). Sums are of 32-bit words as the machine reads them (RFC 1071 2): swapped places do not change them.
//
//   (struct xdp_md *, where) -> 1, or 0 where the headers are not there

import type { Builder } from '../bpf/builder.ts'
import { bytes, wire } from '../bpf/types.ts'
import { eq, part, type Val, type View } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { Ethernet, IPPROTO_TCP, Ipv4, Ipv6, TCP_ACK, Tcp } from './headers.ts'
import { has, type Memory } from './memory.ts'
import { macWord } from './path.ts'
import { askCookie, epochNow, type Opening, readOpening } from './path-opening.ts'
import { WHERE } from './path-where.ts'
import { COOKIE_MASK } from './proof-cookie.ts'
import type { Shape } from './shape.ts'

/** What a family's answer begins with, but for addresses and checksum, in 32-bit words as the machine reads them. */
const IPV4_WORDS = [0x28000045, 0x00400000, 0x00000640] as const
const IPV6_WORDS = [0x00000060, 0x40061400] as const
/** Of the pseudo-header what is no address: protocol and length of the segment, in wire order. */
const PSEUDO = (IPPROTO_TCP + Tcp.size) << 8
/** Data offset, flags and the widest window, likewise. */
const ACK_WORD = (0xffff_0050 | (TCP_ACK << 8)) >>> 0

const Answer4 = wire('answer4', { start: bytes(12), addresses: bytes(8), tcp: bytes(Tcp.size) })
const Answer6 = wire('answer6', { start: bytes(8), addresses: bytes(32), tcp: bytes(Tcp.size) })

export const challengeFunction = (shape: Shape, memory: Memory, cookie: BuiltFunction): BuiltFunction =>
  plainFunction('challenge', (p) => {
    const [taken] = p.parameters('context', 'u64')
    const context = p.stashContext()
    const where = p.stash(taken)
    const [missing, cut] = [p.label('headers-missing'), p.label('cut')]
    const { opening, tcp } = readOpening(p, shape, context, taken, missing)
    const sequence = p.stash(p.load(tcp.sequence))
    const hash = askCookie(p, cookie, opening, epochNow(p, shape, memory))
    const own = p.toHost(p.unstash(sequence))
    const number = p.alu('sub', own, p.alu('and', p.alu('sub', own, hash), COOKIE_MASK))
    const acknowledgment = p.stash(p.toWire(number))

    const all = shape.jumbo ? p.call('xdp_get_buff_len', p.contextOf(context)) : undefined
    const { data, end } = p.packet(p.contextOf(context))
    const length = p.stash(all ?? p.length(data, end))
    const header = p.slot('u64', Ipv6.size)
    const total = p.variable('u64')
    const segment = p.pointerVariable()
    turn(p, shape, p.headers(data, end, { eth: Ethernet }, missing).eth)
    const network = p.advance(data, p.alu('and', p.unstash(where), WHERE.network))
    const [six, addressed] = [p.label('challenge-ipv6'), p.label('challenge-tcp')]
    if (has(shape, 4)) {
      if (has(shape, 6)) p.jumpIf(eq(p.unstash(opening.isIpv6), 1), six)
      const { answer } = p.headers(network, end, { answer: Answer4 }, missing)
      writeIpv4(p, answer, opening, total)
      p.setSlot(header, Ipv4.size)
      p.setPointer(segment, p.advance(network, Ipv4.size))
      if (has(shape, 6)) p.goto(addressed)
    }
    if (has(shape, 6)) {
      p.bind(six)
      const { answer } = p.headers(network, end, { answer: Answer6 }, missing)
      writeIpv6(p, answer, opening, total)
      p.setSlot(header, Ipv6.size)
      p.setPointer(segment, p.advance(network, Ipv6.size))
    }
    p.bind(addressed)
    // every way here has made sure of what is written
    const written = p.headers(segment, end, { tcp: Tcp }, missing).tcp
    const ports = p.narrow(p.unstash(opening.last))
    const swapped = p.alu('or', p.alu('lsh', ports, 16), p.alu('rsh', ports, 16))
    p.store(part(written.ports, 0, 'u32'), swapped)
    p.store(written.sequence, p.unstash(sequence))
    p.store(written.acknowledgment, p.unstash(acknowledgment))
    p.store({ ...written.offset, type: 'u32' }, ACK_WORD)
    p.store({ ...written.rest, offset: written.rest.offset + 2, type: 'u32' }, 0)
    for (const word of [ports, p.bits(p.unstash(sequence)), p.bits(p.unstash(acknowledgment))])
      p.set(total, p.alu('add', total, p.widen(word)))
    p.set(total, p.alu('add', total, p.const64(BigInt(PSEUDO + ACK_WORD))))
    p.storeLow(part(written.rest, 2, 'u16'), folded(p, total))
    const size = p.alu(
      'add',
      p.alu('add', p.unstash(header), p.alu('and', p.unstash(where), WHERE.network)),
      Tcp.size,
    )
    // what cannot be cut is padding
    p.adjustTail(p.alu('sub', size, p.unstash(length)), cut, p.contextOf(context))
    p.bind(cut)
    p.exitValue(1)
    p.bind(missing)
    p.exitValue(0)
  })

/** turn: the frame goes back to where it came from. */
function turn(p: Builder, { mac }: Shape, eth: View<(typeof Ethernet)['fields']>): void {
  p.copy(eth.dst, eth.src)
  p.store(part(eth.src, 0, 'u32'), macWord(mac, 0))
  p.store(part(eth.src, 4, 'u16'), macWord(mac, 4))
}

/** writeIpv4: the header; `total` is what its addresses sum to. */
function writeIpv4(
  p: Builder,
  { start, addresses }: View<(typeof Answer4)['fields']>,
  { blocks }: Opening,
  total: Val<'u64'>,
): void {
  for (const [i, word] of IPV4_WORDS.entries()) p.store(part(start, 4 * i, 'u32'), word)
  const both = p.unstash(blocks[0]!)
  const upper = p.alu('rsh', both, 32)
  p.store(part(addresses, 0, 'u64'), p.alu('or', p.alu('lsh', both, 32), upper))
  p.set(total, p.alu('add', upper, p.narrow(both)))
  const rest = IPV4_WORDS.reduce((sum, word) => sum + word, 0)
  p.storeLow(part(start, 10, 'u16'), folded(p, p.alu('add', total, rest)))
}

/** writeIpv6: the same. */
function writeIpv6(
  p: Builder,
  { start, addresses }: View<(typeof Answer6)['fields']>,
  { blocks }: Opening,
  total: Val<'u64'>,
): void {
  for (const [i, word] of IPV6_WORDS.entries()) p.store(part(start, 4 * i, 'u32'), word)
  p.set(total, 0)
  for (const [i, block] of blocks.entries()) {
    const half = p.unstash(block)
    p.store(part(addresses, (8 * i + 16) % 32, 'u64'), half)
    p.set(total, p.alu('add', total, p.widen(p.narrow(half))))
    p.set(total, p.alu('add', total, p.alu('rsh', half, 32)))
  }
}

/** folded: the checksum of a sum of words, below 2^36. */
function folded(p: Builder, total: Val<'u64'>): Val<'u32'> {
  const upper = p.alu('rsh', total, 32)
  const low = p.alu('add', p.widen(p.narrow(total)), upper)
  // 33 bits, then 18, then 16 and a carry
  const once = p.alu('add', p.alu('and', low, 0xffff), p.alu('rsh', low, 16))
  const twice = p.alu('add', p.alu('and', once, 0xffff), p.alu('rsh', once, 16))
  const thrice = p.alu('add', p.alu('and', twice, 0xffff), p.alu('rsh', twice, 16))
  return p.alu('xor', p.narrow(thrice), 0xffff)
}
