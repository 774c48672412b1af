// Step 15: the frame leaves for its server. Where the server is behind the interface that the frame came in by, it goes
// back out there, at once; where it is behind another, the kernel takes it there. All of that is known when the program
// is made but which of them it is, so a file with one interface has no code for others.

import type { StashedContext } from '../bpf/builder.ts'
import {
  be16,
  eq,
  eqLow,
  fields,
  lt,
  ne,
  type Place,
  type Pointer,
  part,
  type Val,
  type View,
  whole,
} from '../bpf/values.ts'
import { type Path, take } from './cell.ts'
import { ETH_P_IP, ETH_P_IPV6, Ethernet, Ipv4, Ipv6 } from './headers.ts'
import { has, STATE_VIA, stateOf } from './memory.ts'
import { type OutcomeName, outcomeNames } from './outcomes.ts'
import { countersOfCpu, macWord, type Route } from './path.ts'
import { fullAt, recordForwarded } from './path-record.ts'
import type { OtherInterface } from './shape.ts'

export type EthernetView = View<(typeof Ethernet)['fields']>

/** Leaving: a frame that is about to, from its first byte on; `upper` is the upper half of its server's entry: the MAC's end and the state. */
interface Leaving {
  readonly data: Pointer
  readonly eth: EthernetView
  readonly server: Val<'u32'>
  readonly entry: Val<'u64'>
  readonly upper: Val<'u64'>
}

/** forward the frame that begins at `data` to a server. Ends by leaving. `context` is where the context waits if it has no register. */
export function forward(
  p: Path,
  route: Route,
  data: Pointer,
  server: Val<'u32'>,
  context: StashedContext | undefined,
): void {
  const { shape, memory } = route
  const { eth } = p.checked(data, { eth: Ethernet })
  const entry = p.load(whole(p.element(p.memory(memory.tables).servers, server), 'u64'))
  const upper = p.alu('rsh', entry, 32)
  const leaving = { data, eth, server, entry, upper }
  if (shape.others.length === 0) p.exitIf(lt(upper, 0x10000), 'no-server')
  else p.exitIf(ne(p.alu('rsh', upper, 16), stateOf(shape.own)), () => redirect(p, route, leaving, context))
  const onward = p.label('onward')
  p.exitIf(eqLow(entry, p.load(part(eth.src, 0, 'u32'))), () => hairpin(p, route, leaving, context, onward))
  p.bind(onward)
  storeTarget(p, leaving)
  storeSource(p, eth, shape)
  countForwarded(p, route, server, 'forwarded', context)
  p.exitCounted('forwarded')
}

function storeTarget(p: Path, { eth, entry, upper }: Leaving): void {
  p.storeLow(part(eth.dst, 0, 'u32'), entry)
  p.storeLow(part(eth.dst, 4, 'u16'), upper)
}

function storeSource(p: Path, eth: EthernetView, { mac }: Pick<OtherInterface, 'mac'>): void {
  p.store(part(eth.src, 0, 'u32'), macWord(mac, 0))
  p.store(part(eth.src, 4, 'u16'), macWord(mac, 4))
}

/** countForwarded: the outcome; packet and bytes for the service and for the server; and what is recorded of it. */
function countForwarded(
  p: Path,
  route: Route,
  server: Val<'u32'>,
  outcome: OutcomeName,
  context: StashedContext | undefined,
): void {
  const { shape, memory, match, bytes, recording } = route
  const full = recording && fullAt(p, recording, 'established')
  // behind the call of the helper that redirects, no register is left that survives the next
  const stashed = full && outcome === 'redirected' ? p.stash(full) : undefined
  const counters = countersOfCpu(p, shape, memory)
  p.increment(p.element(counters.outcomes, outcomeNames.indexOf(outcome)), 1)
  for (const place of [
    p.element(counters.services, take(p, match.service)),
    p.element(counters.servers, server),
  ]) {
    const traffic = fields(place)
    p.increment(traffic.packets, 1)
    p.increment(traffic.bytes, take(p, bytes))
  }
  if (!recording || !full || !context) return
  const told = { outcome: outcomeNames.indexOf(outcome), server, service: () => take(p, match.service) }
  recordForwarded(p, route, recording, counters, context, stashed ? p.unstash(stashed) : full, told)
}

/** redirect: to a server that is not reachable by this interface: by another, or not at all. Ends by leaving. */
function redirect(p: Path, route: Route, leaving: Leaving, context: StashedContext | undefined): void {
  const { eth, server, upper } = leaving
  p.exitIf(lt(upper, 0x10000), 'no-server')
  const ifindex = p.variable('u32')
  const found = p.label('interface')
  const via = p.alu('rsh', upper, 16 + STATE_VIA)
  for (const other of route.shape.others) {
    const next = p.label('next-interface')
    p.jumpIf(ne(via, other.number), next)
    storeSource(p, eth, other)
    p.set(ifindex, other.ifindex)
    p.goto(found)
    p.bind(next)
  }
  p.leave('no-server')
  p.bind(found)
  storeTarget(p, leaving)
  p.call('redirect', ifindex, 0)
  countForwarded(p, route, server, 'redirected', context)
  p.exitCounted('redirected')
}

/**
 * hairpin: the frame seems to come from the server that it is to go to. If that is where the packet began as well, it is
 * dropped: the server would take it for its own. Else, from a server that routes, it goes `onward`.
 */
function hairpin(
  p: Path,
  { shape, memory }: Route,
  { data, eth, server, upper }: Leaving,
  context: StashedContext | undefined,
  onward: ReturnType<Path['label']>,
): void {
  const target = p.element(p.memory(memory.tables).targets, server)
  const differs = (at: number, place: Place<'u32' | 'u64'>) => {
    const { address } = fields(target)
    p.jumpIf(ne(p.load(part(address, at, place.type)), p.load(place)), onward)
  }
  p.jumpIf(ne(p.alu('and', upper, 0xffff), p.widen(p.load(part(eth.src, 4, 'u16')))), onward)
  const { end } = p.packet(context ? p.contextOf(context) : p.ctx)
  const six = p.label('hairpin-ipv6')
  const type = p.load(eth.type)
  if (has(shape, 6)) p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
  if (has(shape, 4)) {
    p.jumpIf(ne(type, be16(ETH_P_IP)), onward)
    const { ip } = p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, onward)
    differs(0, { ...ip.source, type: 'u32' })
    p.leave('hairpin')
  }
  if (has(shape, 6)) {
    if (!has(shape, 4)) p.goto(onward)
    p.bind(six)
    const { wide } = p.headers(data, end, { eth: Ethernet, wide: Ipv6 }, onward)
    differs(0, part(wide.source, 0, 'u64'))
    differs(8, part(wide.source, 8, 'u64'))
    p.leave('hairpin')
  }
}
