// Signature rules in the packet path (docs/packet-path.md, D2), where a listener's packet is asked whether it is let in. What
// is known when the program is made is not compared: rules are written out once for each family and protocol that
// listeners have, and only those that can match there; and once for packets without a transport header of theirs. They
// stand where they are asked and are no function: a call and its return cost as much as all comparisons of a rule.

import type { Label } from '../bpf/isa.ts'
import { wire } from '../bpf/types.ts'
import { anyBits, eq, type Place, type Pointer, part, type Val } from '../bpf/values.ts'
import type { Path } from './cell.ts'
import { Ipv4, Ipv6, Tcp, Udp } from './headers.ts'
import { isMixed } from './match.ts'
import { has, type Memory } from './memory.ts'
import type { Recording } from './path-record.ts'
import { askRule, type Ruled, type Transport } from './path-rule.ts'
import { WHERE } from './path-where.ts'
import type { Shape } from './shape.ts'

/** RulesAsked: of which packet rules are asked, in a function that is called with the context. */
export interface RulesAsked {
  readonly shape: Shape
  readonly memory: Memory
  readonly recording: Recording | undefined
  /** Emit where its headers are (path-where.ts), and its service. */
  readonly where: () => Val<'u64'>
  readonly service: () => Val<'u32'>
}

/** askRules: in their order. Whom none drops falls out. */
export function askRules(p: Path, asked: RulesAsked): void {
  const { shape, where } = asked
  const { data, end } = p.packet()
  const network = p.advance(data, p.alu('and', where(), WHERE.network))
  const at = () => p.advance(data, p.alu('and', p.alu('rsh', where(), WHERE.offset), WHERE.mask))
  const { rules } = shape.defence!
  const done = p.label('no-rule')
  const ask = (ruled: Ruled) => {
    for (const [index, rule] of rules.entries()) if (!askRule(p, { ...asked, rule, index, ruled })) return
    p.goto(done)
  }
  const families = ([4, 6] as const).filter((family) => has(shape, family))
  const six = p.label('rules-ipv6')
  if (families.length > 1) {
    const { first } = p.headers(network, end, { first: wire('first', { byte: 'u8' }) }, done)
    p.jumpIf(eq(p.alu('rsh', p.load(first.byte), 4), 6), six)
  }
  for (const family of families) {
    if (family === 6 && families.length > 1) p.bind(six)
    const ip = family === 4 ? ruledIpv4(p, network, end, done) : ruledIpv6(p, network, end, done)
    const [peek, udp] = [p.label('rules-peek'), p.label('rules-udp')]
    p.jumpIf(anyBits(where(), WHERE.peek), peek)
    if (isMixed(shape)) p.jumpIf(anyBits(where(), WHERE.udp), udp)
    if (has(shape, 'tcp')) ask({ ...ip, protocol: 'tcp', transport: ofTcp(p, at(), end, done) })
    if (has(shape, 'udp')) {
      if (isMixed(shape)) p.bind(udp)
      ask({ ...ip, protocol: 'udp', transport: ofUdp(p, at(), end, done) })
    }
    p.bind(peek)
    ask(ip)
  }
  p.bind(done)
}

function ruledIpv4(p: Path, network: Pointer, end: Pointer, short: Label) {
  const { ip } = p.headers(network, end, { ip: Ipv4 }, short)
  const word = (place: Place<'be32'>) => () => p.bits(p.load(place))
  return {
    family: 4 as const,
    length: () => p.toHost(p.load(ip.length)),
    hops: () => p.load(ip.ttl),
    source: word(ip.source),
    destination: word(ip.destination),
  }
}

function ruledIpv6(p: Path, network: Pointer, end: Pointer, short: Label) {
  const { ip } = p.headers(network, end, { ip: Ipv6 }, short)
  return {
    family: 6 as const,
    length: () => p.alu('add', p.toHost(p.load(ip.length)), Ipv6.size),
    hops: () => p.load(ip.hopLimit),
    source: (word: number) => p.load(part(ip.source, 4 * word, 'u32')),
    destination: (word: number) => p.load(part(ip.destination, 4 * word, 'u32')),
  }
}

function ofTcp(p: Path, at: Pointer, end: Pointer, short: Label): Transport {
  const { tcp } = p.headers(at, end, { tcp: Tcp }, short)
  return {
    at,
    end,
    ports: tcp.ports,
    tcp: {
      words: () => p.alu('rsh', p.load(tcp.offset), 4),
      flags: () => p.load(tcp.flags),
      window: () => p.toHost(p.load(part(tcp.rest, 0, 'be16'))),
    },
  }
}

function ofUdp(p: Path, at: Pointer, end: Pointer, short: Label): Transport {
  const { udp } = p.headers(at, end, { udp: Udp }, short)
  return { at, end, ports: udp.ports }
}
