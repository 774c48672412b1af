// Nat on the way to a server, as a function of the program: docs/packet-path.md, N1 to N3. The flow's record among the
// answers is found or made, then the packet gets the server's address and port. MACs and TTL are not its business.
//
//   (struct xdp_md *, server, service, where the packet's headers are) -> REQUEST

import type { Builder, StashedContext } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, gt, lt, ne, type Place, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { limitsOf } from './flow-clock.ts'
import { FLOW_KEY } from './flow-keys.ts'
import { FLOW, SERVICE_SHIFT, SLACK, STATE_SHIFT, TIME_MASK } from './flow-record.ts'
import { Ethernet, IPPROTO_UDP, Ipv4, Ipv6, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, Tcp, Udp } from './headers.ts'
import { isMixed } from './match.ts'
import { type Family, has, type Memory } from './memory.ts'
import { type EventName, eventNames } from './outcomes.ts'
import { type Answers, answerKey, entryAt, HELD, halvesOf, portAndSeal, spread } from './path-answers.ts'
import { ticks } from './path-asked.ts'
import { follow, followUdp, replaceAddress, replacePort } from './path-translate.ts'
import { WHERE } from './path-where.ts'
import type { FlowsShape, Shape } from './shape.ts'

/** REQUEST: what the function answers: done; or why the packet cannot go there. `taken`: a new flow, its place another's. */
export const REQUEST = { done: 0, noRoom: 1, clash: 2, taken: 3, noServer: 4 } as const

/** KIND: what of a packet matters to its record. */
const KIND = { segment: 1, end: 2, syn: 4, udp: 8 } as const

const stateBits = (state: number): number => (state << STATE_SHIFT) >>> 0

/** Kept: what waits on the stack. */
interface Kept {
  readonly context: StashedContext
  readonly server: Stashed<'u32'>
  readonly service: Stashed<'u32'>
  readonly where: Stashed<'u32'>
  readonly now: Stashed<'u32'>
  readonly kind: Stashed<'u32'>
  readonly key: Stashed<'u64'>
  /** The server's port, in wire order; as an answer has both. */
  readonly ports: Stashed<'u32'>
  /** What the client had sent to: address, and port below the seal. */
  readonly low: Stashed<'u64'>
  readonly high: Stashed<'u64'>
  readonly port: Stashed<'u64'>
  readonly hop: Stashed<'u64'>
}

export function requestFunction(
  shape: Shape,
  memory: Memory,
  flows: FlowsShape,
  answers: Answers,
): BuiltFunction {
  return plainFunction('request', (p) => {
    const [server, service, where] = p.parameters('context', 'u32', 'u32', 'u32')
    const [missing, noServer] = [p.label('headers-missing'), p.label('no-server')]
    const known = p.below(server, memory.serverCapacity, noServer)
    const kept: Kept = {
      context: p.stashContext(),
      server: p.stash(known),
      service: p.stash(p.alu('and', service, memory.serviceCapacity - 1)),
      where: p.stash(where),
      kind: p.slot('u32'),
      key: p.slot('u64'),
      ports: p.slot('u32'),
      low: p.slot('u64'),
      high: p.slot('u64'),
      port: p.slot('u64'),
      hop: p.slot('u64'),
      now: p.stash(ticks(p, memory, flows)),
    }
    const entry = fields(p.element(p.memory(memory.tables).servers, p.unstash(kept.server)))
    p.jumpIf(eq(p.alu('and', p.load(entry.state), 1), 0), noServer)
    readPacket(p, shape, memory, kept, missing)
    const translate = p.label('translate')
    keepRecord(p, { shape, memory, flows, answers, kept, translate, missing })
    p.bind(translate)
    rewrite(p, shape, memory, kept, missing)
    p.exitValue(REQUEST.done)
    p.bind(missing)
    p.exitValue(REQUEST.clash)
    p.bind(noServer)
    p.exitValue(REQUEST.noServer)
  })
}

/** Families that a shape has, each with its code; `six` decides by the IP header's version where both are there. */
function byFamily(
  p: Builder,
  shape: Shape,
  kept: Kept,
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
function headersOf(p: Builder, kept: Kept, family: Family, missing: Label) {
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
  const offset = p.alu('and', p.alu('rsh', p.unstash(kept.where), WHERE.transport), WHERE.mask)
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
  const upper = p.alu('lsh', p.widen(p.alu('or', p.load(part(eth.src, 4, 'u16')), 0)), 32)
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
    const target = p.pin(p.element(p.memory(memory.tables).targets, p.unstash(kept.server)))
    const { address } = fields(target)
    if (family === 4) {
      p.setSlot(kept.low, p.widen(p.load(part(at.destination, 0, 'u32'))))
      p.setSlot(kept.high, p.widen(p.constant(0)))
    } else {
      p.setSlot(kept.low, p.load(part(at.destination, 0, 'u64')))
      p.setSlot(kept.high, p.load(part(at.destination, 8, 'u64')))
    }
    const first = firstKey(p, shape, () => p.unstash(kept.kind), KIND.udp)
    const sum = answerKey(p, memory, family, first, {
      server: (index) => p.load(part(address, 4 * index, 'u32')),
      client: (index) => p.load(part(at.source, 4 * index, 'u32')),
      ports: () => p.unstash(kept.ports),
    })
    p.setSlot(kept.key, sum)
  })
  p.setSlot(kept.key, spread(p, p.unstash(kept.key)))
  const high = has(shape, 6) ? p.unstash(kept.high) : undefined
  const sealed = portAndSeal(p, p.unstash(kept.key), p.unstash(kept.low), high, p.unstash(kept.port))
  p.setSlot(kept.port, sealed)
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

interface Keeping {
  readonly shape: Shape
  readonly memory: Memory
  readonly flows: FlowsShape
  readonly answers: Answers
  readonly kept: Kept
  readonly translate: Label
  readonly missing: Label
}

/** keepRecord: the flow's own is refreshed, or one is made; it goes on at `translate`, or leaves. */
function keepRecord(p: Builder, keeping: Keeping): void {
  const { shape, memory, flows, answers, kept, translate, missing } = keeping
  const limits = limitsOf(flows)
  const [held, other, write, taken, free] = [
    p.label('held'),
    p.label('of-another'),
    p.label('write-answer'),
    p.label('taken'),
    p.label('free'),
  ]
  const count = (name: EventName) => {
    const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
    const block = fields(p.element(p.memory(memory.counters).blocks, cpu))
    p.increment(p.element(block.events, eventNames.indexOf(name)), 1)
  }
  const stable = () =>
    p.alu('or', p.alu('lsh', p.unstash(kept.service), SERVICE_SHIFT), p.unstash(kept.server))
  const silentFor = (changing: Val<'u32'>, most: number) =>
    gt(
      p.alu('and', p.alu('sub', p.alu('add', p.unstash(kept.now), SLACK), changing), TIME_MASK),
      most + SLACK,
    )
  const number = p.callSub(answers.seek, p.unstash(kept.key), p.unstash(kept.now))
  const entry = p.stashPlace(entryAt(p, answers, number, missing))
  const at = () => p.unstashPlace(entry)
  const changing = () => p.load(fields(at()).changing)
  const state = () => p.alu('rsh', changing(), STATE_SHIFT)
  p.jumpIf(anyBits(number, HELD), held)

  // none: the entry is of least rank
  p.jumpIf(anyBits(p.unstash(kept.kind), KIND.end), translate)
  p.jumpIf(lt(changing(), stateBits(FLOW.established)), write)
  p.jumpIf(silentFor(changing(), limits.established), write)
  const room = p.label('makes-room')
  p.jumpIf(eq(p.alu('and', p.unstash(kept.kind), KIND.syn), 0), room)
  p.exitValue(REQUEST.noRoom)
  p.bind(room)
  count('answer-evicted')
  p.goto(write)

  p.bind(held)
  const halves = halvesOf(at())
  p.jumpIf(ne(p.load(halves.portAndSeal), p.unstash(kept.port)), other)
  p.jumpIf(ne(p.load(halves.low), p.unstash(kept.low)), other)
  p.jumpIf(ne(p.load(halves.high), p.unstash(kept.high)), other)
  p.jumpIf(ne(p.load(fields(at()).stable), stable()), free)
  const next = p.variable('u32')
  const [touch, closed, hop] = [p.label('touch-answer'), p.label('answer-closed'), p.label('hop')]
  const kind = p.unstash(kept.kind)
  p.set(next, stateBits(FLOW.established))
  p.jumpIf(anyBits(kind, KIND.udp), touch)
  p.jumpIf(anyBits(kind, KIND.end), closed)
  p.set(next, stateBits(FLOW.syn))
  p.jumpIf(anyBits(kind, KIND.syn), touch)
  p.set(next, stateBits(FLOW.established))
  p.jumpIf(ne(state(), FLOW.closed), touch)
  p.bind(closed)
  p.set(next, stateBits(FLOW.closed))
  p.bind(touch)
  const touched = value(next)
  p.jumpIf(eq(p.load(halvesOf(at()).value), touched), hop)
  p.store(halvesOf(at()).value, touched)
  p.bind(hop)
  p.jumpIf(eq(p.load(fields(at()).hop), p.unstash(kept.hop)), translate)
  p.store(fields(at()).hop, p.unstash(kept.hop))
  p.goto(translate)

  // another flow's, as long as it is not closed and not silent
  p.bind(other)
  p.jumpIf(eq(state(), FLOW.closed), free)
  const established = p.label('other-established')
  p.jumpIf(ne(state(), FLOW.syn), established)
  p.jumpIf(silentFor(changing(), limits.syn), free)
  p.goto(taken)
  p.bind(established)
  p.jumpIf(silentFor(changing(), limits.established), free)
  p.bind(taken)
  p.jumpIf(anyBits(p.unstash(kept.kind), KIND.segment | KIND.end), missing)
  p.exitValue(REQUEST.taken)

  p.bind(free)
  p.jumpIf(anyBits(p.unstash(kept.kind), KIND.end), translate)
  p.bind(write)
  count('answer-insert')
  const fresh = p.variable('u32')
  const known = p.label('state-known')
  p.set(fresh, stateBits(FLOW.syn))
  p.jumpIf(anyBits(p.unstash(kept.kind), KIND.syn), known)
  p.set(fresh, stateBits(FLOW.established))
  p.bind(known)
  const made = halvesOf(at())
  p.store(made.value, value(fresh))
  p.store(made.low, p.unstash(kept.low))
  p.store(made.high, p.unstash(kept.high))
  p.store(made.portAndSeal, p.unstash(kept.port))
  p.store(fields(at()).hop, p.unstash(kept.hop))
  const half = p.widen(stable())
  const both = p.alu('or', p.alu('lsh', half, 32), half)
  p.store(fields(at()).key, p.alu('xor', both, p.unstash(kept.key)))

  function value(bits: Val<'u32'>): Val<'u64'> {
    const upper = p.alu('lsh', p.widen(p.alu('or', bits, p.unstash(kept.now))), 32)
    return p.alu('or', upper, stable())
  }
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
