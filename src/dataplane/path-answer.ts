// Nat on the way back for plain answers, as a function of the program: docs/packet-path.md, N4. A packet that is for no
// listener may be a server's answer: one whose record is found gets the address and port that its client knows, and goes
// to where the client's packets come from. It reads the frame anew, so that the straight path carries nothing for it. All
// other answers are turned back by path-back.ts.
//
//   (struct xdp_md *) -> ANSWER

import type { Builder, StashedContext } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import type { StashedPlace } from '../bpf/memory-builder.ts'
import { bytes } from '../bpf/types.ts'
import {
  anyBits,
  be16,
  eq,
  fields,
  le,
  lt,
  ne,
  type Place,
  part,
  type Val,
  type View,
} from '../bpf/values.ts'
import { type BuiltFunction, plainFunction } from '../bpf/xdp.ts'
import type { AnswerEntry } from './answer-record.ts'
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
import {
  type Answers,
  entryAt,
  HELD,
  halvesOf,
  portAndSeal,
  restSum,
  serverSum,
  spread,
  type Word,
} from './path-answers.ts'
import { ticks } from './path-asked.ts'
import { firstKey } from './path-request.ts'
import { follow, followUdp, hopsLess, replaceAddress, replacePort } from './path-translate.ts'
import { ANSWER, leaveBy, turnMacs, type Way, wayOut } from './path-way.ts'
import type { FlowsShape, Shape } from './shape.ts'

/** Of the protocols that a listener may have, UDP only has bit 4 of 17. */
const UDP_BIT = 0x10
/** An IPv4 header with all its options ends before this. */
const PLACE_MASK = 0x7f

/** Reading: what the parts of the function share: facts of the packet on the stack, and where it goes when they fail. */
interface Reading {
  readonly p: Builder
  readonly shape: Shape
  readonly memory: Memory
  readonly context: StashedContext
  /** Where the transport header is, and which. */
  readonly place: Stashed<'u32'>
  readonly protocol: Stashed<'u32'>
  readonly ports: Stashed<'u32'>
  /** Of the flow's key. */
  readonly sum: Stashed<'u64'>
  /** What the change of the address adds to sums. */
  readonly changed: Stashed<'u64'>
  readonly unknown: Label
  readonly expired: Label
}

/** Record: where it is, and its port, with the seal above it. */
export interface Record {
  readonly at: StashedPlace<typeof AnswerEntry>
  readonly port: Stashed<'u64'>
}

export function answerFunction(
  shape: Shape,
  memory: Memory,
  flows: FlowsShape,
  answers: Answers,
): BuiltFunction {
  return plainFunction('answer', (p) => {
    const reading: Reading = {
      p,
      shape,
      memory,
      context: p.stashContext(),
      place: p.slot('u32'),
      protocol: p.slot('u32'),
      ports: p.slot('u32'),
      sum: p.slot('u64'),
      changed: p.slot('u64'),
      unknown: p.label('unknown'),
      expired: p.label('expired'),
    }
    const now = p.stash(ticks(p, memory, flows))
    readFlow(reading)
    const record = findRecord(reading, answers, now)
    const way = wayOut(p, shape, record, reading.unknown)
    turnAddress(reading, record, way)
    const closes = turnPort(reading, record)
    touch(p, record, closes, now)
    leaveBy(p, way)
    p.bind(reading.expired)
    p.exitValue(ANSWER.ttl)
    p.bind(reading.unknown)
    p.exitValue(ANSWER.unknown)
  })
}

const frameOf = ({ p, context }: Reading) => p.packet(p.contextOf(context))

function ipv4Of(reading: Reading) {
  const { data, end } = frameOf(reading)
  return reading.p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, reading.unknown)
}

function ipv6Of(reading: Reading) {
  const { data, end } = frameOf(reading)
  return reading.p.headers(data, end, { eth: Ethernet, ip: Ipv6 }, reading.unknown)
}

/** byFamily: the code of each family that the shape has, told by the frame's type. */
function byFamily(reading: Reading, ways: { readonly ipv4: () => void; readonly ipv6: () => void }): void {
  const { p, shape, unknown } = reading
  const [six, done] = [p.label('answer-6'), p.label('answer-family')]
  const { eth } = ipv4Of(reading)
  const type = p.load(eth.type)
  if (has(shape, 6)) p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
  p.jumpIf(ne(type, be16(ETH_P_IP)), unknown)
  if (has(shape, 4)) {
    ways.ipv4()
    p.goto(done)
  } else p.goto(unknown)
  if (has(shape, 6)) {
    p.bind(six)
    ways.ipv6()
  }
  p.bind(done)
}

/** byProtocol: the code of each protocol, with its header, which is there. */
function byProtocol(
  reading: Reading,
  ways: {
    readonly tcp: (header: View<(typeof Tcp)['fields']>) => void
    readonly udp: (header: View<(typeof Udp)['fields']>) => void
  },
): void {
  const { p, shape, protocol, place, unknown } = reading
  const [udp, done] = [p.label('answer-udp'), p.label('answer-transport')]
  const at = () => {
    const { data, end } = frameOf(reading)
    return { start: p.advance(data, p.alu('and', p.unstash(place), PLACE_MASK)), end }
  }
  if (isMixed(shape)) p.jumpIf(anyBits(p.unstash(protocol), UDP_BIT), udp)
  if (has(shape, 'tcp')) {
    const { start, end } = at()
    ways.tcp(p.headers(start, end, { tcp: Tcp }, unknown).tcp)
    if (has(shape, 'udp')) p.goto(done)
  }
  if (has(shape, 'udp')) {
    p.bind(udp)
    const { start, end } = at()
    ways.udp(p.headers(start, end, { udp: Udp }, unknown).udp)
  }
  p.bind(done)
}

/** readFlow: whose answer it would be: the sum of the flow's key. */
function readFlow(reading: Reading): void {
  const { p, shape, place, unknown } = reading
  byFamily(reading, {
    ipv4: () => {
      const { ip } = ipv4Of(reading)
      const first = p.load(ip.versionIhl)
      p.jumpIf(ne(p.alu('rsh', first, 4), 4), unknown)
      const size = p.alu('lsh', p.alu('and', first, 15), 2)
      p.jumpIf(lt(size, Ipv4.size), unknown)
      p.setSlot(place, p.alu('add', size, Ethernet.size))
      p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), unknown)
      guard(p.load(ip.protocol))
      hashFlow(reading, 4, ip.source, ip.destination)
    },
    ipv6: () => {
      const { ip } = ipv6Of(reading)
      p.jumpIf(ne(p.alu('rsh', p.load(ip.versionClass), 4), 6), unknown)
      p.setSlot(place, Ethernet.size + Ipv6.size)
      guard(p.load(ip.next))
      hashFlow(reading, 6, ip.source, ip.destination)
    },
  })

  function guard(number: Val<'u8'>): void {
    const fits = p.label('protocol-fits')
    if (isMixed(shape)) p.jumpIf(eq(number, IPPROTO_TCP), fits)
    p.jumpIf(ne(number, has(shape, 'udp') ? IPPROTO_UDP : IPPROTO_TCP), unknown)
    p.bind(fits)
    p.setSlot(reading.protocol, p.narrow(p.widen(number)))
  }
}

function hashFlow(reading: Reading, family: Family, source: Place, destination: Place): void {
  const { p, shape, memory, ports, protocol, sum } = reading
  const keepPorts = (header: { readonly ports: Place<ReturnType<typeof bytes<4>>> }) =>
    p.setSlot(ports, p.load(part(header.ports, 0, 'u32')))
  byProtocol(reading, { tcp: keepPorts, udp: keepPorts })
  const first = firstKey(p, shape, () => p.unstash(protocol), UDP_BIT)
  const rest = restSum(p, memory, family, first, {
    client: wordsOf(p, destination),
    ports: () => p.unstash(ports),
  })
  p.setSlot(sum, p.alu('add', rest, serverSum(p, memory, family, wordsOf(p, source))))
}

const wordsOf =
  (p: Builder, { base, offset }: Place): Word =>
  (index) =>
    p.load<'u32'>({ base, offset: offset + 4 * index, type: 'u32' })

/** findRecord: it is the flow's as long as its seal says so. */
export function findRecord(
  { p, shape, sum, unknown }: Pick<Reading, 'p' | 'shape' | 'sum' | 'unknown'>,
  answers: Answers,
  now: Stashed<'u32'>,
): Record {
  const key = p.stash(spread(p, p.unstash(sum)))
  const number = p.callSub(answers.seek, p.unstash(key), p.unstash(now))
  p.jumpIf(eq(p.alu('and', number, HELD), 0), unknown)
  const entry = entryAt(p, answers, number, unknown)
  const at = p.stashPlace(entry)
  const { low, high, portAndSeal: sealed } = halvesOf(entry)
  const port = p.stash(p.load(sealed))
  const wanted = portAndSeal(
    p,
    p.unstash(key),
    p.load(low),
    has(shape, 6) ? p.load(high) : undefined,
    p.alu('and', p.unstash(port), 0xffff),
  )
  p.jumpIf(ne(wanted, p.unstash(port)), unknown)
  return { at, port }
}

/** turnAddress: source address, TTL or hop limit, MACs. */
function turnAddress(reading: Reading, record: Record, way: Way | undefined): void {
  const { p, shape, changed, expired } = reading
  const { address } = fields(p.unstashPlace(record.at))
  const word: Word = (index) => p.load(part(address, 4 * index, 'u32'))
  byFamily(reading, {
    ipv4: () => {
      const { eth, ip } = ipv4Of(reading)
      const hops = p.load(ip.ttl)
      p.jumpIf(le(hops, 1), expired)
      const less = hopsLess(p, p.load({ ...ip.ttl, type: 'u16' as const }))
      p.storeLow(ip.ttl, p.alu('sub', hops, 1))
      const added = replaceAddress(p, 4, { ...ip.source, type: bytes(4) }, word)
      p.setSlot(changed, added)
      follow(p, ip.checksum, p.alu('add', added, less))
      turnMacs(p, shape, record, way, eth)
    },
    ipv6: () => {
      const { eth, ip } = ipv6Of(reading)
      const hops = p.load(ip.hopLimit)
      p.jumpIf(le(hops, 1), expired)
      p.storeLow(ip.hopLimit, p.alu('sub', hops, 1))
      p.setSlot(changed, replaceAddress(p, 6, ip.source, word))
      turnMacs(p, shape, record, way, eth)
    },
  })
}

/** turnPort: source port and checksum. Gives what is not 0 where the packet closes its flow. */
function turnPort(reading: Reading, { port }: Record): Stashed<'u32'> {
  const { p, changed } = reading
  const closes = p.slot('u32')
  p.setSlot(closes, p.constant(0))
  const turn = (ports: Place<ReturnType<typeof bytes<4>>>): Val<'u64'> => {
    const shown = p.narrow(p.alu('and', p.unstash(port), 0xffff))
    return p.alu('add', replacePort(p, part(ports, 0, 'u16'), shown), p.unstash(changed))
  }
  byProtocol(reading, {
    tcp: (tcp) => {
      follow(p, part(tcp.rest, 2, 'u16'), turn(tcp.ports))
      p.setSlot(closes, p.alu('and', p.load(tcp.flags), TCP_FIN | TCP_RST))
    },
    udp: (udp) => {
      const unsummed = p.label('no-checksum')
      followUdp(p, part(udp.lengthChecksum, 2, 'u16'), turn(udp.ports), unsummed)
      p.bind(unsummed)
    },
  })
  return closes
}

/** touch the record: a FIN or RST closes it, anything else leaves its state. */
export function touch(p: Builder, { at }: Record, closes: Stashed<'u32'>, now: Stashed<'u32'>): void {
  const { value } = halvesOf(p.unstashPlace(at))
  const before = p.load(value)
  const state = p.variable('u32')
  const [closed, written] = [p.label('answer-closes'), p.label('answer-touched')]
  p.set(state, (FLOW.closed << STATE_SHIFT) >>> 0)
  p.jumpIf(ne(p.unstash(closes), 0), closed)
  p.set(state, p.alu('and', p.narrow(p.alu('rsh', before, 32)), ~TIME_MASK >>> 0))
  p.bind(closed)
  const upper = p.alu('lsh', p.widen(p.alu('or', state, p.unstash(now))), 32)
  const after = p.alu('or', upper, p.narrow(before))
  p.jumpIf(eq(after, before), written)
  p.store(value, after)
  p.bind(written)
}
