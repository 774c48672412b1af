// One signature rule in the packet path (docs/packet-path.md, D2): a row of comparisons that leaves for the next rule at the
// first that does not hold. What tells floods from clients at the least cost comes first: a load and a comparison of
// TCP's header, then the packet's length and TTL, then whatever has several values, and the payload last.

import type { Protocol } from '../base/addresses.ts'
import type { Prefix } from '../base/prefix.ts'
import type { Label } from '../bpf/isa.ts'
import { bytes, wire } from '../bpf/types.ts'
import { eq, fields, gt, le, lt, ne, type Place, type Pointer, part, type Val } from '../bpf/values.ts'
import type { Path } from './cell.ts'
import type { RuleShape } from './defence-shape.ts'
import { perWindow } from './flow-clock.ts'
import { Ipv6, TCP_ACK, TCP_SYN, Udp } from './headers.ts'
import { type Family, type Memory, timeOf } from './memory.ts'
import { unlessBelow } from './path-clock.ts'
import { type Recording, recordRule } from './path-record.ts'
import { prefixWords } from './prefix-words.ts'
import type { Range, RuleMatch } from './rule.ts'
import { reduced } from './rule-sense.ts'
import type { Shape } from './shape.ts'

/** Ruled: the packet whose rules are asked, behind its bounds checks: loads of what is compared. */
export interface Ruled {
  readonly family: Family
  /** Absent: without a transport header. */
  readonly protocol?: Protocol
  readonly length: () => Val<'u16' | 'u32'>
  /** One less than it came with: it has been counted down. */
  readonly hops: () => Val<'u8'>
  /** The 32-bit word of the source or the destination. */
  readonly source: (word: number) => Val<'u32'>
  readonly destination: (word: number) => Val<'u32'>
  readonly transport?: Transport
}

/** Transport: the header of the packet’s own. */
export interface Transport {
  readonly at: Pointer
  readonly end: Pointer
  readonly ports: Place<ReturnType<typeof bytes<4>>>
  /** Of TCP. */
  readonly tcp?: {
    readonly words: () => Val<'u32'>
    readonly flags: () => Val<'u8'>
    readonly window: () => Val<'u16'>
  }
}

/** Asked: a rule that is asked about a packet. */
export interface Asked {
  readonly shape: Shape
  readonly memory: Memory
  readonly recording: Recording | undefined
  readonly rule: RuleShape
  readonly index: number
  readonly ruled: Ruled
  readonly service: () => Val<'u32'>
}

/** askRule: falls out where the rule does not match, or lets the packet through; false: neither can be. */
export function askRule(p: Path, asked: Asked): boolean {
  const { rule, ruled, service } = asked
  const { services } = rule
  const match = reduced(rule.match, ruled)
  if (!match || services?.length === 0) return true
  const next = p.label('next-rule')
  if (ruled.transport?.tcp) matchTcp(p, match, ruled.transport.tcp, next)
  if (match.length) inRange(p, ruled.length, match.length, 0xffff + Ipv6.size, next)
  if (match.ttl) inRange(p, ruled.hops, match.ttl, 0xff, next)
  if (services) anyOf(p, services, next, (each, hit) => p.jumpIf(eq(service(), each), hit))
  if (match.source) inPrefixes(p, ruled.source, match.source, next)
  if (match.destination) inPrefixes(p, ruled.destination, match.destination, next)
  if (ruled.transport) matchPorts(p, match, ruled.transport, next)
  if (ruled.transport) matchPayload(p, match, ruled.transport, next)
  act(p, asked, next)
  if (rule.action === 'drop' && !services && Object.keys(match).length === 0) return false
  p.bind(next)
  return true
}

/** matchTcp: the fields of its header. */
function matchTcp(p: Path, match: RuleMatch, tcp: NonNullable<Transport['tcp']>, next: Label): void {
  const { flags, window, options } = match
  if (flags) p.jumpIf(ne(p.alu('and', tcp.flags(), flags.set | flags.clear), flags.set), next)
  if (window) inRange(p, tcp.window, window, 0xffff, next)
  if (options === 'none') p.jumpIf(ne(tcp.words(), 5), next)
  if (options === 'some') p.jumpIf(le(tcp.words(), 5), next)
}

/** matchPorts: the client's and the listener's. */
function matchPorts(
  p: Path,
  { sourcePorts, ports: own }: RuleMatch,
  { ports }: Transport,
  next: Label,
): void {
  const port = (offset: 0 | 2) => () => p.toHost(p.load(part(ports, offset, 'be16')))
  for (const [ranges, offset] of [
    [sourcePorts, 0],
    [own, 2],
  ] as const)
    if (ranges)
      anyOf(p, ranges, next, (range, hit) => {
        const other = p.label('other-port')
        inRange(p, port(offset), range, 0xffff, other)
        p.goto(hit)
        p.bind(other)
      })
}

/** matchPayload: bytes behind the header, within the frame. */
function matchPayload(p: Path, { payload = [] }: RuleMatch, { at, end, tcp }: Transport, next: Label): void {
  if (payload.length === 0) return
  if (tcp) p.jumpIf(lt(tcp.words(), 5), next)
  for (const { at: offset, bytes: wanted } of payload) {
    // loaded again: a place on the stack for each rule would be more than there is
    const header = p.advance(at, tcp ? p.alu('lsh', tcp.words(), 2) : Udp.size)
    const start = p.advance(header, offset)
    const { load } = p.headers(start, end, { load: wire('payload', { bytes: bytes(wanted.length) }) }, next)
    for (const [from, kind] of piecesOf(wanted.length)) {
      const width = { u32: 4, u16: 2, u8: 1 }[kind]
      const word = wanted.slice(from, from + width).reduce((sum, octet, i) => sum + octet * 256 ** i, 0)
      p.jumpIf(ne(p.load(part(load.bytes, from, kind)), word), next)
    }
  }
}

/** piecesOf so many bytes: where each begins, and how wide it is. */
function piecesOf(length: number): (readonly [number, 'u32' | 'u16' | 'u8'])[] {
  const pieces: (readonly [number, 'u32' | 'u16' | 'u8'])[] = []
  for (let at = 0; at < length; ) {
    const [width, kind] =
      length - at >= 4
        ? ([4, 'u32'] as const)
        : length - at >= 2
          ? ([2, 'u16'] as const)
          : ([1, 'u8'] as const)
    pieces.push([at, kind])
    at += width
  }
  return pieces
}

/** anyOf: goes on where one of them jumps to `hit`, else `next`. */
function anyOf<T>(p: Path, all: readonly T[], next: Label, ask: (each: T, hit: Label) => void): void {
  const hit = p.label('any-of')
  for (const each of all) ask(each, hit)
  p.goto(next)
  p.bind(hit)
}

/** inRange: a value, which is `most` at most, within the range; else `next`. */
function inRange(
  p: Path,
  load: () => Val<'u8' | 'u16' | 'u32'>,
  { first, last }: Range,
  most: number,
  next: Label,
): void {
  const value = load()
  if (first === last) {
    p.jumpIf(ne(value, first), next)
    return
  }
  if (first > 0) p.jumpIf(lt(value, first), next)
  if (last < most) p.jumpIf(gt(value, last), next)
}

/** inPrefixes: an address, word by word as the machine reads it, in any of these; else `next`. */
function inPrefixes(
  p: Path,
  word: (index: number) => Val<'u32'>,
  prefixes: readonly Prefix[],
  next: Label,
): void {
  anyOf(p, prefixes, next, (prefix, hit) => {
    const other = p.label('other-prefix')
    for (const [index, { mask, value }] of prefixWords(prefix).entries()) {
      if (mask === 0) continue
      const whole = word(index)
      p.jumpIf(ne(mask === 0xffffffff ? whole : p.alu('and', whole, mask), value), other)
    }
    p.goto(hit)
    p.bind(other)
  })
}

/**
 * opens: whether a segment that matches is a SYN without ACK, where the rule's own flags say it; undefined: it has to be
 * looked at.
 */
function opens({ flags }: RuleMatch): boolean | undefined {
  if (!flags) return undefined
  const { set, clear } = flags
  if ((set & TCP_ACK) !== 0 || (clear & TCP_SYN) !== 0) return false
  return (set & TCP_SYN) !== 0 && (clear & TCP_ACK) !== 0 ? true : undefined
}

/** countHit of the rule: a SYN without ACK, or any other packet. */
function countHit(p: Path, { shape, memory, rule, index, ruled }: Asked): void {
  const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
  const block = fields(p.pin(p.element(p.memory(memory.defence!.rules!).blocks, cpu)))
  const { opening, others } = fields(p.element(block.hits, index))
  const { tcp } = ruled.transport ?? {}
  const known = tcp ? opens(rule.match) : false
  if (known !== undefined) {
    p.increment(known ? opening : others, 1)
    return
  }
  const [counted, isOther] = [p.label('counted'), p.label('other-hit')]
  p.jumpIf(ne(p.alu('and', tcp!.flags(), TCP_SYN | TCP_ACK), TCP_SYN), isOther)
  p.increment(opening, 1)
  p.goto(counted)
  p.bind(isOther)
  p.increment(others, 1)
  p.bind(counted)
}

/** act: the rule matches. Falls out where the packet goes on; `next` likewise. */
function act(p: Path, asked: Asked, next: Label): void {
  const { shape, memory, recording, rule, index } = asked
  if (rule.record && recording) recordRule(p, recording)
  countHit(p, asked)
  if (rule.action === 'drop') p.leave('rule')
  if (rule.action !== 'limit') return
  const { limits } = p.memory(memory.defence!.rules!)
  const { window } = fields(p.element(limits, index))
  unlessBelow(p, shape, memory, window, perWindow(timeOf(shape), rule.perSecond!), 'rule')
  p.goto(next)
}
