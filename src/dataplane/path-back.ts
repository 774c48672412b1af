// Nat on the way back for what is not plain, as a function of the program (docs/packet-path.md, N4 to N6): answers with
// tags, options or extension headers, their fragments, and ICMP errors that quote a request as the server got it. The
// slow path has found the headers; path-where.ts says where they are. Of a later fragment and of an error, `where` has the
// ports of the answer, and where the server's address is, as if it were a source.
//
//   (struct xdp_md *, where the headers are) -> ANSWER

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, eq, fields, le, ne, type Place, part, type Val } from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import { Ethernet, Source4, Source6, TCP_FIN, TCP_RST, Tcp, Udp } from './headers.ts'
import { isMixed } from './match.ts'
import { type Family, has, type Memory } from './memory.ts'
import { findRecord, type Record, touch } from './path-answer.ts'
import { type Answers, restSum, serverSum, type Word } from './path-answers.ts'
import { ticks } from './path-asked.ts'
import { BACK } from './path-follow.ts'
import { translateQuoted } from './path-quoted.ts'
import { byFamily, firstKey, type Packet } from './path-request.ts'
import { follow, followUdp, hopsLess, replaceAddress, replacePort } from './path-translate.ts'
import { ANSWER, leaveBy, turnMacs, type Way, wayOut } from './path-way.ts'
import { WHERE } from './path-where.ts'
import type { FlowsShape, Shape } from './shape.ts'

/** Returning: what the parts of the function share. */
interface Returning extends Packet {
  readonly p: Builder
  readonly shape: Shape
  readonly memory: Memory
  /** Where the server's address is, as if it were a source. */
  readonly server: Stashed<'u32'>
  readonly ports: Stashed<'u32'>
  /** Of the flow's key. */
  readonly sum: Stashed<'u64'>
  /** What the change of the address adds to sums. */
  readonly changed: Stashed<'u64'>
  readonly unknown: Label
  readonly expired: Label
  /** Of path-translate.ts. */
  readonly update: BuiltFunction
}

type At = Parameters<Parameters<typeof byFamily>[4]>[1]

export const backFunction = (
  shape: Shape,
  memory: Memory,
  flows: FlowsShape,
  answers: Answers,
  update: BuiltFunction,
): BuiltFunction =>
  plainFunction('back', (p) => {
    const [where] = p.parameters('context', 'u64')
    const back: Returning = {
      p,
      shape,
      memory,
      context: p.stashContext(),
      where: p.stash(where),
      server: p.slot('u32'),
      ports: p.slot('u32'),
      sum: p.slot('u64'),
      changed: p.slot('u64'),
      unknown: p.label('unknown'),
      expired: p.label('expired'),
      update,
    }
    const [belongs, done] = [p.label('answer-belongs'), p.label('turned-back')]
    const now = p.stash(ticks(p, memory, flows))
    readPorts(back)
    readFlow(back)
    const record = findRecord(back, answers, now)
    const way = wayOut(p, shape, record, back.unknown)
    byFamily(p, shape, back, back.unknown, (family, at) => turnHeader(back, record, way, family, at))
    p.jumpIf(anyBits(p.unstash(back.where), WHERE.peek), belongs)
    const closes = turnTransport(back, record)
    touch(p, record, closes, now)
    p.goto(done)
    p.bind(belongs)
    byFamily(p, shape, back, back.unknown, (family) => turnQuoted(back, record, family, done))
    p.bind(done)
    leaveBy(p, way)
    p.bind(back.expired)
    p.exitValue(ANSWER.ttl)
    p.bind(back.unknown)
    p.exitValue(ANSWER.unknown)
  })

const frameOf = ({ p, context }: Returning) => p.packet(p.contextOf(context))
const networkOf = ({ p, where }: Returning): Val<'u32'> =>
  p.alu('and', p.narrow(p.unstash(where)), WHERE.network)
const offsetOf = ({ p, where }: Returning): Val<'u32'> =>
  p.alu('and', p.narrow(p.alu('rsh', p.unstash(where), WHERE.offset)), WHERE.mask)

/** transportOf: where the transport header is, and the frame's end. */
function transportOf(back: Returning) {
  const { data, end } = frameOf(back)
  return { at: back.p.advance(data, offsetOf(back)), end }
}

/** readPorts: both ports as an answer has them, and where the server's address is. */
function readPorts(back: Returning): void {
  const { p, where, server, ports, unknown } = back
  const [belongs, read] = [p.label('ports-told'), p.label('ports-read')]
  p.jumpIf(anyBits(p.unstash(where), WHERE.peek), belongs)
  p.cold(belongs, () => {
    p.setSlot(server, offsetOf(back))
    p.setSlot(ports, p.narrow(p.alu('rsh', p.unstash(where), WHERE.ports)))
    p.goto(read)
  })
  p.setSlot(server, networkOf(back))
  const { at, end } = transportOf(back)
  const { l4 } = p.headers(at, end, { l4: Udp }, unknown)
  p.setSlot(ports, p.load(part(l4.ports, 0, 'u32')))
  p.bind(read)
}

/** serverAt: the words of the server's address, where the packet has it. */
function serverAt(back: Returning, family: Family): Word {
  const { p, server, unknown } = back
  const { data, end } = frameOf(back)
  const at = p.advance(data, p.alu('and', p.unstash(server), WHERE.mask))
  const { source } =
    family === 4
      ? p.headers(at, end, { who: Source4 }, unknown).who
      : p.headers(at, end, { who: Source6 }, unknown).who
  return wordsOf(p, source)
}

const wordsOf =
  (p: Builder, { base, offset }: Place): Word =>
  (index) =>
    p.load<'u32'>({ base, offset: offset + 4 * index, type: 'u32' })

/** readFlow: whose answer it would be: the sum of the flow's key. */
function readFlow(back: Returning): void {
  const { p, shape, memory, where, ports, sum, unknown } = back
  byFamily(p, shape, back, unknown, (family, at) => {
    const first = firstKey(p, shape, () => p.narrow(p.unstash(where)), WHERE.udp)
    const client = wordsOf(p, at.destination)
    p.setSlot(sum, restSum(p, memory, family, first, { client, ports: () => p.unstash(ports) }))
    p.setSlot(sum, p.alu('add', p.unstash(sum), serverSum(p, memory, family, serverAt(back, family))))
  })
}

/** addressOf: the words of what the client had sent to. */
const addressOf =
  ({ p }: Returning, { at }: Record): Word =>
  (index) =>
    p.load(part(fields(p.unstashPlace(at)).address, 4 * index, 'u32'))

/** turnHeader: MACs, TTL or hop limit, and the source address, but where it is that of a router which tells an error. */
function turnHeader(back: Returning, record: Record, way: Way | undefined, family: Family, at: At): void {
  const { p, shape, changed, unknown, expired } = back
  const place: Place<'u8'> = { ...at.protocol, offset: at.protocol.offset + (family === 4 ? -1 : 1) }
  const hops = p.load(place)
  p.jumpIf(le(hops, 1), expired)
  const less = family === 4 ? p.stash(hopsLess(p, p.load({ ...place, type: 'u16' as const }))) : undefined
  p.storeLow(place, p.alu('sub', hops, 1))
  p.setSlot(changed, p.widen(p.constant(0)))
  const kept = p.label('source-kept')
  const server = serverAt(back, family)
  for (const index of family === 6 ? [0, 1, 2, 3] : [0])
    p.jumpIf(ne(p.load(part(at.source, 4 * index, 'u32')), server(index)), kept)
  p.setSlot(changed, replaceAddress(p, family, at.source, addressOf(back, record)))
  p.bind(kept)
  if (at.checksum && less)
    follow(p, at.checksum, p.alu('add', p.unstash(changed), p.unstash(less)), back.update)

  const { data, end } = frameOf(back)
  const { eth } = p.headers(data, end, { eth: Ethernet }, unknown)
  turnMacs(p, shape, record, way, eth)
}

/** portOf: what the client had sent to. */
const portOf = ({ p }: Returning, { port }: Record): Val<'u32'> =>
  p.narrow(p.alu('and', p.unstash(port), 0xffff))

/** turnTransport: source port and checksum. Gives what is not 0 where the packet closes its flow. */
function turnTransport(back: Returning, record: Record): Stashed<'u32'> {
  const { p, shape, where, changed, unknown } = back
  const closes = p.slot('u32')
  const [datagram, done] = [p.label('back-udp'), p.label('back-transport')]
  const turn = (ports: Place<(typeof Udp)['fields']['ports']>): Val<'u64'> =>
    p.alu('add', replacePort(p, part(ports, 0, 'u16'), portOf(back, record)), p.unstash(changed))
  p.setSlot(closes, p.constant(0))
  if (isMixed(shape)) p.jumpIf(anyBits(p.unstash(where), WHERE.udp), datagram)
  if (has(shape, 'tcp')) {
    const { at, end } = transportOf(back)
    const { tcp } = p.headers(at, end, { tcp: Tcp }, unknown)
    follow(p, part(tcp.rest, 2, 'u16'), turn(tcp.ports), back.update)
    p.setSlot(closes, p.alu('and', p.load(tcp.flags), TCP_FIN | TCP_RST))
    if (has(shape, 'udp')) p.goto(done)
  }
  if (has(shape, 'udp')) {
    p.bind(datagram)
    const { at, end } = transportOf(back)
    const { udp } = p.headers(at, end, { udp: Udp }, unknown)
    followUdp(p, part(udp.lengthChecksum, 2, 'u16'), turn(udp.ports), done, back.update)
  }
  p.bind(done)
  return closes
}

/** turnQuoted: what an error quotes; a later fragment has nothing more to translate. */
function turnQuoted(back: Returning, record: Record, family: Family, done: Label): void {
  const { p, changed, unknown } = back
  p.jumpIf(eq(offsetOf(back), networkOf(back)), done)
  // IPv4's errors have no pseudo-header
  if (family === 4) p.setSlot(changed, p.widen(p.constant(0)))
  translateQuoted(p, {
    family,
    frame: () => frameOf(back),
    header: () => p.alu('and', p.alu('sub', offsetOf(back), BACK[family]), WHERE.mask),
    side: 'destination',
    word: addressOf(back, record),
    port: () => portOf(back, record),
    sum: changed,
    missing: unknown,
    update: back.update,
  })
}
