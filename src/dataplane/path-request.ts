// Nat on the way to a server, as a function of the program: docs/packet-path.md, N1 to N3. The flow's record among the
// answers is found or made, then the packet gets the server's address and port. MACs and TTL are not its business.
//
// A new flow whose place among the answers another one has (the same client and port, sent to another listener, at the
// same server and port) is offered to the servers of a few other slots; its record in the flow table moves with it.
//
//   (struct xdp_md *, server, the hash that chose the slot, `about`, where the headers are) -> WENT + server, or REQUEST

import type { Builder, StashedContext } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, ne, type Place, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { CLASH_STEP, CLASH_TRIES } from './answer-record.ts'
import { FLOW_KEY } from './flow-keys.ts'
import { SERVICE_SHIFT } from './flow-record.ts'
import { Ethernet, IPPROTO_UDP, Ipv4, Ipv6, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, Tcp, Udp } from './headers.ts'
import { isMixed } from './match.ts'
import { type Family, has, type Memory } from './memory.ts'
import { restSum } from './path-answers.ts'
import { ABOUT, ABOUT_POOL } from './path-asked.ts'
import { KEEP, KIND, REQUEST } from './path-keep.ts'
import { follow, followUdp, replaceAddress, replacePort } from './path-translate.ts'
import { WHERE } from './path-where.ts'
import { SETTLED_SHIFT, type Shape } from './shape.ts'

/** WENT: added to the server that got the packet, so that it is told from a REQUEST. */
export const WENT = 0x10000

/** Packet: where one is read again. */
export interface Packet {
  readonly context: StashedContext
  /** Of path-where.ts. */
  readonly where: Stashed<'u64'>
}

/** Kept: what waits on the stack. */
interface Kept extends Packet {
  readonly server: Stashed<'u32'>
  readonly hash: Stashed<'u64'>
  readonly about: Stashed<'u64'>
  readonly service: Stashed<'u32'>
  readonly kind: Stashed<'u32'>
  /** Of the sum of the flow's key what is not the server's. */
  readonly rest: Stashed<'u64'>
  /** The server's port, in wire order; as an answer has both. */
  readonly ports: Stashed<'u32'>
  /** What the client had sent to, and from where. */
  readonly low: Stashed<'u64'>
  readonly high: Stashed<'u64'>
  readonly port: Stashed<'u64'>
  readonly hop: Stashed<'u64'>
}

/** Asked: functions that it calls. */
export interface Asked {
  readonly keep: BuiltFunction
  readonly question: BuiltFunction
  readonly near: BuiltFunction
}

export function requestFunction(
  shape: Shape,
  memory: Memory,
  { keep, question, near }: Asked,
): BuiltFunction {
  return plainFunction('request', (p) => {
    const [server, hash, about, where] = p.parameters('context', 'u32', 'u64', 'u64', 'u64')
    const [missing, noServer, refused] = [
      p.label('headers-missing'),
      p.label('no-server'),
      p.label('refused'),
    ]
    const kept: Kept = {
      context: p.stashContext(),
      server: p.stash(p.below(server, memory.serverCapacity, noServer)),
      hash: p.stash(hash),
      about: p.stash(about),
      service: p.stash(p.alu('and', p.narrow(about), memory.serviceCapacity - 1)),
      where: p.stash(where),
      kind: p.slot('u32'),
      rest: p.slot('u64'),
      ports: p.slot('u32'),
      low: p.slot('u64'),
      high: p.slot('u64'),
      port: p.slot('u64'),
      hop: p.slot('u64'),
    }
    unlessReachable(p, memory, p.unstash(kept.server), noServer)
    readPacket(p, shape, memory, kept, missing)
    const [hairpin, goes] = [p.label('hairpin'), p.label('goes')]
    p.jumpIf(eq(p.alu('and', p.unstash(kept.kind), KIND.syn | KIND.udp), 0), goes)
    unlessNear(hairpin)
    p.bind(goes)
    const code = p.stash(askKeep(p, kept, keep))
    const translate = p.label('translate')
    p.jumpIf(ne(p.unstash(code), REQUEST.done), refused)
    p.cold(refused, () => {
      goElsewhere()
      p.goto(translate)
    })
    p.bind(translate)
    rewrite(p, shape, memory, kept, missing)
    p.exitValue(p.alu('or', p.unstash(kept.server), WENT))
    p.bind(missing)
    p.exitValue(REQUEST.clash)
    p.bind(noServer)
    p.exitValue(REQUEST.noServer)
    p.bind(hairpin)
    p.exitValue(REQUEST.hairpin)

    function unlessNear(is: Label): void {
      const said = p.callSub(near, p.contextOf(kept.context), p.unstash(kept.server), p.unstash(kept.where))
      p.jumpIf(ne(said, 0), is)
    }

    /** The servers of other slots, each of which may be the same. */
    function goElsewhere(): void {
      const [clash, went, goes] = [p.label('clash'), p.label('went'), p.label('goes-elsewhere')]
      p.jumpIf(eq(p.unstash(code), REQUEST.taken), goes)
      p.exitValue(p.unstash(code))
      p.bind(goes)
      p.loop(p.constant(CLASH_TRIES), (tries) => {
        const next = p.label('next')
        const word = otherWord(p, shape, memory, kept, tries, clash)
        p.setSlot(kept.server, p.alu('and', word, memory.serverCapacity - 1))
        unlessReachable(p, memory, p.unstash(kept.server), next)
        unlessNear(next)
        p.setSlot(code, askKeep(p, kept, keep))
        p.jumpIf(eq(p.unstash(code), REQUEST.done), went)
        p.jumpIf(eq(p.unstash(code), REQUEST.taken), next)
        p.exitValue(p.unstash(code))
        p.bind(next)
      })
      p.bind(clash)
      p.exitValue(REQUEST.clash)
      p.bind(went)
      const server = p.unstash(kept.server)
      const both = p.alu('or', p.alu('lsh', server, SETTLED_SHIFT), server)
      const moves = p.alu('or', p.unstash(kept.about), ABOUT.moves)
      p.callSub(question, p.contextOf(kept.context), p.unstash(kept.hash), both, moves, p.unstash(kept.where))
    }
  })
}

/** unlessReachable: where the server's MAC is not known. */
export function unlessReachable(p: Builder, memory: Memory, server: Val<'u32'>, not: Label): void {
  const { state } = fields(p.element(p.memory(memory.tables).servers, server))
  p.jumpIf(eq(p.alu('and', p.load(state), 1), 0), not)
}

function askKeep(p: Builder, kept: Kept, keep: BuiltFunction): Val<'u32'> {
  const stable = p.alu('or', p.alu('lsh', p.unstash(kept.service), SERVICE_SHIFT), p.unstash(kept.server))
  return p.callSub(
    keep,
    p.unstash(kept.rest),
    p.alu('or', p.alu('lsh', p.widen(p.unstash(kept.kind)), KEEP.kind), stable),
    p.unstash(kept.low),
    p.unstash(kept.high),
    p.alu('or', p.alu('lsh', p.unstash(kept.port), KEEP.port), p.unstash(kept.hop)),
  )
}

/** otherWord: the word of the slot that the flow is offered to next. */
function otherWord(
  p: Builder,
  shape: Shape,
  memory: Memory,
  kept: Kept,
  tries: Val<'u32'>,
  nowhere: Label,
): Val<'u32'> {
  const tables = p.memory(memory.tables)
  const hash = p.alu('mul', p.alu('add', p.narrow(p.unstash(kept.hash)), tries), CLASH_STEP)
  const number = p.narrow(p.alu('rsh', p.unstash(kept.about), ABOUT_POOL))
  const pool = p.stash(p.below(number, shape.pools.length, nowhere))
  const slots = p.load(p.element(tables.poolSizes, p.unstash(pool)))
  const slot = p.narrow(p.alu('rsh', p.alu('mul', p.widen(hash), p.widen(slots)), 32))
  const index = p.alu('add', slot, p.load(p.element(tables.poolBases, p.unstash(pool))))
  return p.load(p.element(p.memory(memory.slots).words, p.below(index, memory.totalSlots, nowhere)))
}

/** Families that a shape has, each with its code; `six` decides by the IP header's version where both are there. */
export function byFamily(
  p: Builder,
  shape: Shape,
  kept: Packet,
  missing: Label,
  body: (family: Family, at: ReturnType<typeof headersOf>) => void,
): void {
  const [six, done] = [p.label('family-6'), p.label('family-done')]
  if (has(shape, 4)) {
    const at = headersOf(p, kept, 4, missing)
    if (has(shape, 6)) p.jumpIf(eq(p.alu('rsh', p.load(part(at.start, 0, 'u8')), 4), 6), six)
    body(4, at)
    if (has(shape, 6)) p.goto(done)
  }
  if (has(shape, 6)) {
    p.bind(six)
    body(6, headersOf(p, kept, 6, missing))
  }
  p.bind(done)
}

/** headersOf: the packet once more, and its addresses as byte strings. */
export function headersOf(p: Builder, kept: Packet, family: Family, missing: Label) {
  const { data, end } = p.packet(p.contextOf(kept.context))
  const network = p.advance(data, p.alu('and', p.unstash(kept.where), WHERE.network))
  const width = family === 4 ? 4 : 16
  const place = (of: Place, count: number): Place<{ readonly is: 'bytes'; readonly count: number }> => ({
    ...of,
    type: { is: 'bytes', count },
  })
  const { ip } =
    family === 4
      ? p.headers(network, end, { ip: Ipv4 }, missing)
      : p.headers(network, end, { ip: Ipv6 }, missing)
  return {
    data,
    end,
    start: place('tos' in ip ? ip.versionIhl : ip.versionClass, 8),
    protocol: 'tos' in ip ? ip.protocol : ip.next,
    checksum: 'tos' in ip ? ip.checksum : undefined,
    source: place(ip.source, width),
    destination: place(ip.destination, width),
  }
}

/** transportOf the packet: `datagram` and `segment` emit for either; they go on at the same place. */
function transportOf(
  p: Builder,
  shape: Shape,
  kept: Kept,
  missing: Label,
  ways: {
    readonly segment: (tcp: ReturnType<typeof tcpAt>) => void
    readonly datagram: (udp: ReturnType<typeof udpAt>) => void
  },
): void {
  const [datagram, done] = [p.label('nat-udp'), p.label('nat-transport')]
  if (isMixed(shape)) p.jumpIf(anyBits(p.unstash(kept.kind), KIND.udp), datagram)
  if (has(shape, 'tcp')) {
    ways.segment(tcpAt(p, kept, missing))
    if (has(shape, 'udp')) p.goto(done)
  }
  if (has(shape, 'udp')) {
    p.bind(datagram)
    ways.datagram(udpAt(p, kept, missing))
  }
  p.bind(done)
}

function transportAt(p: Builder, kept: Kept) {
  const { data, end } = p.packet(p.contextOf(kept.context))
  const offset = p.alu('and', p.alu('rsh', p.unstash(kept.where), WHERE.offset), WHERE.mask)
  return { at: p.advance(data, offset), end }
}
function tcpAt(p: Builder, kept: Kept, missing: Label) {
  const { at, end } = transportAt(p, kept)
  return p.headers(at, end, { tcp: Tcp }, missing).tcp
}
function udpAt(p: Builder, kept: Kept, missing: Label) {
  const { at, end } = transportAt(p, kept)
  return p.headers(at, end, { udp: Udp }, missing).udp
}

/** readPacket: what a record is told by: the packet's kind, its flow's key, what its client sent it to, and from where. */
function readPacket(p: Builder, shape: Shape, memory: Memory, kept: Kept, missing: Label): void {
  const { data, end } = p.packet(p.contextOf(kept.context))
  const { eth } = p.headers(data, end, { eth: Ethernet }, missing)
  const upper = p.alu('lsh', p.widen(p.narrow(p.widen(p.load(part(eth.src, 4, 'u16'))))), 32)
  p.setSlot(kept.hop, p.alu('or', upper, p.load(part(eth.src, 0, 'u32'))))

  p.setSlot(kept.kind, has(shape, 'tcp') ? KIND.segment : KIND.udp)
  if (isMixed(shape)) {
    const [datagram, known] = [p.label('is-udp'), p.label('is-known')]
    if (has(shape, 6)) p.jumpIf(anyBits(p.unstash(kept.where), WHERE.udp), datagram)
    byFamily(p, shape, kept, missing, (_family, at) => {
      p.jumpIf(eq(p.load(at.protocol), IPPROTO_UDP), datagram)
    })
    p.goto(known)
    p.bind(datagram)
    p.setSlot(kept.kind, KIND.udp)
    p.bind(known)
  }

  const bothPorts = (ports: Place<'u32'>) => {
    const both = p.load(ports)
    const asked = p.stash(p.alu('rsh', both, 16))
    p.setSlot(kept.port, p.widen(p.unstash(asked)))
    const client = p.stash(p.alu('lsh', both, 16))
    const port = p.variable('u32')
    const translated = p.label('port-translated')
    const said = p.load(p.element(p.memory(memory.tables).serverPorts, p.unstash(kept.service)))
    p.set(port, p.bits(said))
    p.jumpIf(ne(port, 0), translated)
    p.set(port, p.unstash(asked))
    p.bind(translated)
    p.setSlot(kept.ports, p.alu('or', p.unstash(client), port))
  }
  transportOf(p, shape, kept, missing, {
    segment: (tcp) => {
      bothPorts(part(tcp.ports, 0, 'u32'))
      const flags = p.load(tcp.flags)
      const known = p.label('kind-known')
      p.setSlot(kept.kind, KIND.end)
      p.jumpIf(anyBits(flags, TCP_FIN | TCP_RST), known)
      p.setSlot(kept.kind, KIND.syn)
      p.jumpIf(eq(p.alu('and', flags, TCP_SYN | TCP_ACK), TCP_SYN), known)
      p.setSlot(kept.kind, KIND.segment)
      p.bind(known)
    },
    datagram: (udp) => bothPorts(part(udp.ports, 0, 'u32')),
  })

  byFamily(p, shape, kept, missing, (family, at) => {
    if (family === 4) {
      p.setSlot(kept.low, p.widen(p.load(part(at.destination, 0, 'u32'))))
      p.setSlot(kept.high, p.widen(p.constant(0)))
    } else {
      p.setSlot(kept.low, p.load(part(at.destination, 0, 'u64')))
      p.setSlot(kept.high, p.load(part(at.destination, 8, 'u64')))
    }
    const first = firstKey(p, shape, () => p.unstash(kept.kind), KIND.udp)
    const sum = restSum(p, memory, family, first, {
      client: (index) => p.load(part(at.source, 4 * index, 'u32')),
      ports: () => p.unstash(kept.ports),
    })
    p.setSlot(kept.rest, sum)
  })
}

/** firstKey: with which key a sum begins: TCP's or UDP's, told by a bit of a value where both are in use. */
export function firstKey(
  p: Builder,
  shape: Shape,
  value: () => Val<'u32'>,
  udp: number,
): number | Val<'u32'> {
  if (!isMixed(shape)) return has(shape, 'udp') ? FLOW_KEY.udp : FLOW_KEY.tcp
  const first = p.variable('u32', FLOW_KEY.udp)
  const known = p.label('first-key')
  p.set(first, FLOW_KEY.udp)
  p.jumpIf(anyBits(value(), udp), known)
  p.set(first, FLOW_KEY.tcp)
  p.bind(known)
  return first
}

/** rewrite: the server's address and port, and the checksums. */
function rewrite(p: Builder, shape: Shape, memory: Memory, kept: Kept, missing: Label): void {
  const changed = p.slot('u64')
  byFamily(p, shape, kept, missing, (family, at) => {
    const target = p.pin(p.element(p.memory(memory.tables).targets, p.unstash(kept.server)))
    const { address } = fields(target)
    const sum = replaceAddress(p, family, at.destination, (index) => p.load(part(address, 4 * index, 'u32')))
    p.setSlot(changed, sum)
    if (at.checksum) follow(p, at.checksum, p.unstash(changed))
  })
  const port = () => p.alu('and', p.unstash(kept.ports), 0xffff)
  transportOf(p, shape, kept, missing, {
    segment: (tcp) => {
      const sum = p.alu('add', replacePort(p, part(tcp.ports, 2, 'u16'), port()), p.unstash(changed))
      follow(p, part(tcp.rest, 2, 'u16'), sum)
    },
    datagram: (udp) => {
      const unsummed = p.label('no-checksum')
      const sum = p.alu('add', replacePort(p, part(udp.ports, 2, 'u16'), port()), p.unstash(changed))
      followUdp(p, part(udp.lengthChecksum, 2, 'u16'), sum, unsummed)
      p.bind(unsummed)
    },
  })
}
