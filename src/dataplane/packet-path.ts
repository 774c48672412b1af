// The packet path as a program, for one shape: docs/packet-path.md step by step. The hot path takes untagged
// IPv4 TCP without options or fragments straight down; all else goes to the slow path, which parses anything and
// only ever passes or drops. What a shape does not need costs no instruction.

import { macBytes } from '../base/addresses.ts'
import { invariant } from '../base/errors.ts'
import type { Builder } from '../bpf/builder.ts'
import type { Pointer, Val } from '../bpf/values.ts'
import { anyBits, be16, eq, fields, gt, le, lt, ne, part, type View, whole } from '../bpf/values.ts'
import { type Built, type BuiltFunction, program, xdpFunction } from '../bpf/xdp.ts'
import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  Ethernet,
  IP_FRAGMENT,
  IPPROTO_TCP,
  Ipv4,
  Tags,
  Tcp,
} from './headers.ts'
import { type Match, matchAddress, matchListener } from './match.ts'
import type { Memory } from './memory.ts'
import { type OutcomeName, outcomeNames, outcomes, type Verdict } from './outcomes.ts'
import { KEY_PORTS, KEY_SOURCE, type Shape } from './shape.ts'

type Path = Builder<OutcomeName>
type EthernetView = View<(typeof Ethernet)['fields']>

/** The program's name in the kernel. */
const PATH_NAME = 'tenbin'

const verdicts = Object.fromEntries(outcomeNames.map((name) => [name, outcomes[name].verdict])) as Record<
  OutcomeName,
  Verdict
>
const word = (bytes: Uint8Array, offset: number, width: 2 | 4): number => {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return width === 4 ? view.getUint32(offset, true) : view.getUint16(offset, true)
}

/** countersOfCpu: this CPU's block of counters: there are as many as possible CPUs, so no other CPU writes it. */
function countersOfCpu(p: Path, shape: Shape, memory: Memory) {
  const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
  return fields(p.pin(p.element(p.memory(memory.counters).blocks, cpu)))
}

function otherHost(p: Path, shape: Shape, eth: EthernetView): void {
  const own = macBytes(shape.mac)
  p.exitIf(ne(p.load(part(eth.dst, 0, 'u32')), word(own, 0, 4)), 'other-host')
  p.exitIf(ne(p.load(part(eth.dst, 4, 'u16')), word(own, 4, 2)), 'other-host')
}

/** slowPath: steps 1 to 11 for frames of any make. It never forwards. */
function slowPath(p: Path, shape: Shape, memory: Memory, data: Pointer, end: Pointer): void {
  const { eth } = p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, 'short')
  const network = p.pointerVariable()
  const type = p.variable('be16')
  const tagged = p.variable('u32')
  const parse = p.label('slow-ip')
  const tag = p.label('tagged')
  p.set(type, p.load(eth.type))
  p.set(tagged, 0)
  p.setPointer(network, p.advance(data, Ethernet.size))
  p.jumpIf(eq(type, be16(ETH_P_8021Q)), tag)
  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)
  p.bind(tag)
  const { tags } = p.headers(data, end, { eth: Ethernet, tags: Tags }, 'short')
  const twice = p.label('tagged-twice')
  p.set(tagged, 1)
  p.set(type, p.load(tags.type))
  p.setPointer(network, p.advance(data, Ethernet.size + 4))
  p.jumpIf(eq(type, be16(ETH_P_8021Q)), twice)
  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)
  p.bind(twice)
  p.set(type, p.load(tags.type2))
  p.setPointer(network, p.advance(data, Ethernet.size + 8))
  p.bind(parse)

  const { ip } = p.headers(network, end, { ip: Ipv4 }, 'short')
  p.exitIf(ne(type, be16(ETH_P_IP)), 'not-ipv4')
  otherHost(p, shape, eth)
  const first = p.load(ip.versionIhl)
  p.exitIf(ne(p.alu('rsh', first, 4), 4), 'malformed')
  const ihl = p.alu('and', first, 15)
  p.exitIf(lt(ihl, 5), 'malformed')
  p.exitIf(ne(p.load(ip.protocol), IPPROTO_TCP), 'not-tcp')

  const destination = p.load(ip.destination)
  const isFragment = p.variable('u32')
  const unreadable = p.label('ports-unreadable')
  p.set(isFragment, 1)
  p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), unreadable)
  p.set(isFragment, 0)
  const { tcp } = p.headers(p.advance(network, p.alu('lsh', ihl, 2)), end, { tcp: Tcp }, unreadable)
  matchListener(p, shape, memory, destination, p.load(part(tcp.ports, 2, 'be16')), 'no-listener')
  p.exitIf(ne(tagged, 0), 'vlan')
  p.leave('ip-options')

  p.bind(unreadable)
  matchAddress(p, shape, memory, destination, 'no-listener')
  p.exitIf(ne(isFragment, 0), 'fragment')
  p.leave('truncated')
}

/** chooseServer: step 14, the flow's slot and the server that holds it now. */
function chooseServer(
  p: Path,
  memory: Memory,
  { base, slots }: Match,
  source: Val<'be32'>,
  ports: Val<'u32'>,
): Val<'u32'> {
  const keys = p.pin(p.memory(memory.tables).keys)
  const key = (index: number) => p.load(p.element(keys, index))
  const sum = p.alu('add', p.alu('mul', key(KEY_SOURCE), p.widen(p.bits(source))), key(KEY_SOURCE - 1))
  const hash = p.alu('rsh', p.alu('add', sum, p.alu('mul', key(KEY_PORTS), p.widen(ports))), 32)
  const words = p.memory(memory.slots).words
  let index =
    typeof slots === 'number' ? p.scale(hash, slots) : p.alu('rsh', p.alu('mul', hash, p.widen(slots)), 32)
  if (base !== 0) index = p.alu('add', index, typeof base === 'number' ? base : p.widen(base))
  if (index.max >= memory.totalSlots) index = p.below(index, memory.totalSlots, 'no-server')
  return p.alu('and', p.load(p.element(words, index)), memory.serverCapacity - 1)
}

/** decrementTtl: steps 13 and 15; the header checksum follows by RFC 1624, kept in ones' complement. */
function decrementTtl(p: Path, ip: View<(typeof Ipv4)['fields']>, ttl: Val<'u8'>): void {
  p.storeLow(ip.ttl, p.alu('sub', ttl, 1))
  const sum = p.alu('add', p.load(ip.checksum), 1)
  const carry = p.alu('rsh', p.alu('add', sum, 1), 16)
  p.storeLow(ip.checksum, p.alu('add', sum, carry))
}

/** packetPath: the function that decides about one packet, to be entered by the kernel or called by a bench. */
export function packetPath(shape: Shape, memory: Memory): BuiltFunction {
  invariant(shape.listeners.length > 0, 'a packet path has listeners')
  const own = macBytes(shape.mac)
  const count = (p: Path, index: Val<'u32'>) => {
    const { outcomes } = countersOfCpu(p, shape, memory)
    p.increment(p.element(outcomes, index), 1)
  }
  return xdpFunction(PATH_NAME, { outcomes: verdicts, count }, (p) => {
    const frame = shape.jumbo ? p.call('xdp_get_buff_len', p.ctx) : undefined
    const { data, end } = p.packet()
    const slow = p.label('slow')
    const { eth, ip, tcp } = p.headers(data, end, { eth: Ethernet, ip: Ipv4, tcp: Tcp }, slow)
    p.jumpIf(ne(p.load(eth.type), be16(ETH_P_IP)), slow)
    otherHost(p, shape, eth)
    p.jumpIf(ne(p.load(ip.versionIhl), 0x45), slow)
    p.exitIf(ne(p.load(ip.protocol), IPPROTO_TCP), 'not-tcp')
    p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), slow)
    p.cold(slow, () => slowPath(p, shape, memory, data, end))

    const match = matchListener(
      p,
      shape,
      memory,
      p.load(ip.destination),
      p.load(part(tcp.ports, 2, 'be16')),
      'no-listener',
    )
    const length = p.toHost(p.load(ip.length))
    p.exitIf(lt(length, Ipv4.size + Tcp.size), 'bad-length')
    const held = p.alu('sub', frame ?? p.length(data, end), Ethernet.size)
    p.exitIf(gt(p.widen(length), held), 'bad-length')
    const ttl = p.load(ip.ttl)
    p.exitIf(le(ttl, 1), 'ttl')

    const server = chooseServer(p, memory, match, p.load(ip.source), p.load(part(tcp.ports, 0, 'u32')))
    const entry = p.load(whole(p.element(p.memory(memory.tables).servers, server), 'u64'))
    const upper = p.alu('rsh', entry, 32)
    p.exitIf(lt(upper, 0x10000), 'no-server')
    p.storeLow(part(eth.dst, 0, 'u32'), entry)
    p.storeLow(part(eth.dst, 4, 'u16'), upper)
    p.store(part(eth.src, 0, 'u32'), word(own, 0, 4))
    p.store(part(eth.src, 4, 'u16'), word(own, 4, 2))
    decrementTtl(p, ip, ttl)

    const counters = countersOfCpu(p, shape, memory)
    p.increment(p.element(counters.outcomes, outcomeNames.indexOf('forwarded')), 1)
    for (const place of [p.element(counters.services, match.service), p.element(counters.servers, server)]) {
      const traffic = fields(place)
      p.increment(traffic.packets, 1)
      p.increment(traffic.bytes, length)
    }
    p.exitCounted('forwarded')
  })
}

/** packetProgram: the program to attach. Its maps are memory's. */
export const packetProgram = (shape: Shape, memory: Memory): Built =>
  program(PATH_NAME, packetPath(shape, memory))
