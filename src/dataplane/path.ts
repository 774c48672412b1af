// What the parts of the packet path share: the places where a route's facts are left for the common end, and the
// guards that several of them have. docs/packet-path.md has the steps that comments number.

import { type Mac, macBytes } from '../base/addresses.ts'
import type { Builder } from '../bpf/builder.ts'
import type { Label } from '../bpf/isa.ts'
import type { Bytes } from '../bpf/types.ts'
import { anyBits, eq, fields, gt, le, lt, ne, type Place, part, type Val, type View } from '../bpf/values.ts'
import { type Cell, type Path, put, take } from './cell.ts'
import { type Ethernet, IPPROTO_TCP, IPPROTO_UDP, Tcp, Udp } from './headers.ts'
import { isMixed, type Match } from './match.ts'
import type { RangeFunctions } from './match-ranges.ts'
import { has, type Memory, SETTING, someUse } from './memory.ts'
import type { OutcomeName } from './outcomes.ts'
import type { Recording } from './path-record.ts'
import type { Where } from './path-where.ts'
import { KEY_MIX, KEY_PORTS, type Shape } from './shape.ts'

/** Route: what is known of a packet when its server is chosen. Each way through the parsing sets all of it. */
export interface Route {
  readonly shape: Shape
  readonly memory: Memory
  readonly match: Match
  /** What finds ranges of ports in tables. */
  readonly ranges: RangeFunctions
  /** The flow's 32-bit hash. */
  readonly hash: Cell<'u64'>
  /** IP bytes. */
  readonly bytes: Cell
  /** held emits the number of bytes behind the Ethernet header, wherever they are. */
  readonly held: () => Val<'u64'>
  /** Where the headers are (path-where.ts), where a shape tracks flows, or records. */
  readonly where: Cell<'u64'> | undefined
  /** Where this way joins the straight one, and where it goes when TTL or hop limit has run out. */
  readonly join: Label
  readonly expired: Label
  /** What is for no listener: an answer, perhaps. */
  readonly unserved: OutcomeName | Label
  /** Where a shape records. */
  readonly recording: Recording | undefined
}

/** macWord: `width` bytes of a MAC from `offset` on, as the machine reads them. */
export function macWord(mac: Mac, offset: 0 | 4): number {
  const view = new DataView(macBytes(mac).buffer)
  return offset === 0 ? view.getUint32(0, true) : view.getUint16(4, true)
}

/** countersOfCpu: this CPU's block of counters: there are as many as possible CPUs, so no other CPU writes it. */
export function countersOfCpu<C extends string>(p: Builder<C>, shape: Shape, memory: Memory) {
  const cpu = p.alu('and', p.narrow(p.call('get_smp_processor_id')), shape.cpus - 1)
  return fields(p.pin(p.element(p.memory(memory.counters).blocks, cpu)))
}

/** otherHost: step 5. */
export function otherHost(
  p: Path,
  { mac, virtual = [] }: Shape,
  memory: Memory,
  eth: View<(typeof Ethernet)['fields']>,
): void {
  const first = () => p.load(part(eth.dst, 0, 'u32'))
  const last = () => p.load(part(eth.dst, 4, 'u16'))
  if (virtual.length === 0 || !memory.roles) {
    p.exitIf(ne(first(), macWord(mac, 0)), 'other-host')
    p.exitIf(ne(last(), macWord(mac, 4)), 'other-host')
    return
  }
  const { words } = p.memory(memory.roles)
  const [other, ours] = [p.label('other-mac'), p.label('our-mac')]
  p.jumpIf(ne(first(), macWord(mac, 0)), other)
  p.jumpIf(ne(last(), macWord(mac, 4)), other)
  p.cold(other, () => {
    // all virtual router MACs begin alike
    p.exitIf(ne(first(), macWord(virtual[0]!.mac, 0)), 'other-host')
    for (const { mac, at, active } of virtual) {
      const next = p.label('next-mac')
      p.jumpIf(ne(last(), macWord(mac, 4)), next)
      p.jumpIf(eq(p.load(p.element(words, at)), active), ours)
      p.leave('other-host')
      p.bind(next)
    }
    p.leave('other-host')
  })
  p.bind(ours)
}

/** guardProtocol: what no listener has takes `unknown`. */
export function guardProtocol(
  p: Path,
  shape: Shape,
  protocol: Val<'u8' | 'u32'>,
  unknown: OutcomeName | Label,
): void {
  const known = p.label('known-protocol')
  if (isMixed(shape)) p.jumpIf(eq(protocol, IPPROTO_TCP), known)
  p.exitIf(ne(protocol, has(shape, 'udp') ? IPPROTO_UDP : IPPROTO_TCP), unknown)
  if (isMixed(shape)) p.bind(known)
}

/** leastOf: how many bytes a header of this protocol, which is a listener's, has at least. */
export function leastOf(p: Path, shape: Shape, protocol: () => Val<'u8' | 'u32'>): Val<'u32'> | number {
  if (!isMixed(shape)) return has(shape, 'tcp') ? Tcp.size : Udp.size
  const least = p.variable('u32', Tcp.size)
  const known = p.label('least')
  p.set(least, Udp.size)
  p.jumpIf(eq(protocol(), IPPROTO_UDP), known)
  p.set(least, Tcp.size)
  p.bind(known)
  return least
}

/** plus: a sum of what is known or not. */
export const plus = (p: Path, a: Val<'u32'> | number, b: number): Val<'u32'> | number =>
  typeof a === 'number' ? a + b : p.alu('add', a, b)

/**
 * Flow: what of a packet tells its flow. All are functions that emit when it is needed, so that nothing is held in
 * registers in between. `least` is the least total length (IPv4) or payload length (IPv6).
 */
export interface Flow {
  readonly protocol: () => Val<'u8' | 'u32'>
  /** The client's address, word by word. */
  readonly client: (word: number) => Val<'u32'>
  /** The client's port and the service's, as in a packet of the client; and the service's alone. */
  readonly ports: () => Val<'u32'>
  readonly port: () => Val<'u32'>
  readonly least: () => Val<'u32'> | number
  /** For the route. */
  readonly where: () => Where | Val<'u64'> | number
}

/** portsIn: both ports where they lie in a packet of the client. */
export const portsIn = (p: Path, place: Place<Bytes<4>>): Pick<Flow, 'ports' | 'port'> => ({
  ports: () => p.load(part(place, 0, 'u32')),
  port: () => p.bits(p.load(part(place, 2, 'be16'))),
})

/** checkLength: step 12: a length field that counts what is behind `before` bytes. Gives the IP bytes. */
export function checkLength(
  p: Path,
  { held }: Route,
  field: Val<'be16'>,
  least: () => Val<'u32'> | number,
  before: number,
): Val<'u32'> {
  const counted = p.widen(p.toHost(field))
  const needed = least()
  p.exitIf(lt(counted, typeof needed === 'number' ? needed : p.widen(needed)), 'bad-length')
  const bytes = before === 0 ? counted : p.alu('add', counted, before)
  p.exitIf(gt(bytes, held()), 'bad-length')
  return p.narrow(bytes)
}

/** decrementHops: steps 13 and 15: TTL or hop limit. */
export function decrementHops(p: Path, { expired }: Route, place: Place<'u8'>): void {
  const hops = p.load(place)
  p.jumpIf(le(hops, 1), expired)
  p.storeLow(place, p.alu('sub', hops, 1))
}

/** Term: a word of the flow, read when its turn comes, and the key that multiplies it. */
export type Term = readonly [key: number, word: () => Val<'u32'>]

/** hashedPorts: the ports' word; 0 for a service whose flows are chosen for by source. */
function hashedPorts(p: Path, { shape, memory, match }: Route, ports: () => Val<'u32'>): Val<'u32'> {
  if (!someUse(shape, ({ hash }) => hash === 'source')) return ports()
  const hashed = p.variable('u32')
  const bySource = p.label('by-source')
  const settings = p.load(p.element(p.memory(memory.tables).settings, take(p, match.service)))
  p.set(hashed, 0)
  p.jumpIf(anyBits(settings, SETTING.bySource), bySource)
  p.set(hashed, ports())
  p.bind(bySource)
  return hashed
}

/** hashFlow: step 14's hash of the words, into the route. The ports are left out where the source alone chooses. */
export function hashFlow(p: Path, route: Route, constant: number, terms: readonly Term[]): void {
  const { memory, hash } = route
  const keys = p.pin(p.memory(memory.tables).keys)
  const key = (index: number) => p.load(p.element(keys, index))
  let sum = key(constant)
  for (const [index, word] of terms) {
    if (index === KEY_PORTS && !someUse(route.shape, ({ hash }) => hash === 'flow')) continue
    const value = index === KEY_PORTS ? () => hashedPorts(p, route, word) : word
    sum = p.alu('add', sum, p.alu('mul', key(index), p.widen(value())))
  }
  // without this one client's ports in a row would lie unevenly (schedule/hash.ts)
  const folded = p.alu('xor', sum, p.alu('rsh', sum, 32))
  put(p, hash, p.alu('rsh', p.alu('mul', folded, key(KEY_MIX)), 32))
}
