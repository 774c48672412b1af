// IPv6 in the packet path: `guard` for the straight path, `finish` for any packet for a listener's address, and the
// walk over extension headers of the slow path (RFC 8200 4).

import type { Label } from '../bpf/isa.ts'
import type { Bytes } from '../bpf/types.ts'
import { anyBits, be16, eq, ne, type Place, type Pointer, part, type Val, type View } from '../bpf/values.ts'
import { type Path, put } from './cell.ts'
import {
  Ethernet,
  EXTENSION,
  EXTENSIONS,
  Extension,
  IP6_FRAGMENT,
  IPPROTO_TCP,
  IPPROTO_UDP,
  Ipv6,
} from './headers.ts'
import { matchListener, portOf } from './match.ts'
import { has } from './memory.ts'
import {
  checkLength,
  decrementHops,
  guardProtocol,
  hashFlow,
  leastOf,
  type Route,
  type Term,
  type Upper,
} from './path.ts'
import { whereIs } from './path-where.ts'
import { KEY_PORTS, KEY_SOURCE, KEY_SOURCE6, type Shape } from './shape.ts'

/** REACH: beyond all that six extension headers can take. */
const REACH = Ipv6.size + EXTENSIONS * 8 * 256 + 1

export type Ipv6View = View<(typeof Ipv6)['fields']>

/** guardIpv6: what is not plain IPv6 goes `slow`. Gives the upper header right behind. */
export function guardIpv6(p: Path, shape: Shape, ip: Ipv6View, ports: Place<Bytes<4>>, slow: Label): Upper {
  p.jumpIf(ne(p.alu('rsh', p.load(ip.versionClass), 4), 6), slow)
  const protocol = () => p.load(ip.next)
  guardProtocol(p, shape, protocol(), slow)
  return {
    ports,
    protocol,
    least: () => leastOf(p, shape, protocol),
    where: () => whereIs(Ethernet.size, Ethernet.size + Ipv6.size),
  }
}

/** finishIpv6: steps 11 to 16 but for the server, into the route. */
export function finishIpv6(
  p: Path,
  route: Route,
  ip: Ipv6View,
  { ports, protocol, least, where, tagged }: Upper,
): void {
  const { shape } = route
  matchListener(
    p,
    route,
    { family: 6, place: ip.destination },
    portOf(p, shape, ports, protocol),
    protocol,
    'no-listener',
  )
  tagged?.()
  if (route.where) p.setSlot(route.where, where())
  put(p, route.bytes, checkLength(p, route, p.load(ip.length), least, Ipv6.size))
  decrementHops(p, ip.hopLimit)
  const source = (index: number) => (): Val<'u32'> => p.load(part(ip.source, 4 * index, 'u32'))
  hashFlow(p, route, KEY_SOURCE - 1, [
    [KEY_SOURCE, source(0)],
    [KEY_PORTS, () => p.load(part(ports, 0, 'u32'))],
    ...[1, 2, 3].map((index): Term => [KEY_SOURCE6 + index - 1, source(index)]),
  ])
}

/**
 * walkExtensions moves `at` over extension headers until a listener's protocol is next; `next` says what that is.
 * `fragment` and `truncated` are labels ahead, for what the names say.
 */
export function walkExtensions(
  p: Path,
  shape: Shape,
  network: Pointer,
  end: Pointer,
  at: Pointer,
  next: Val<'u8'>,
  ways: { readonly fragment: Label; readonly truncated: Label },
): void {
  const upper = p.label('upper-header')
  for (let passed = 0; passed <= EXTENSIONS; passed++) {
    if (has(shape, 'tcp')) p.jumpIf(eq(next, IPPROTO_TCP), upper)
    if (has(shape, 'udp')) p.jumpIf(eq(next, IPPROTO_UDP), upper)
    if (passed === EXTENSIONS) break
    const [read, plain, advance] = [
      p.label('extension'),
      p.label('extension-units'),
      p.label('extension-passed'),
    ]
    for (const kind of [EXTENSION.hopByHop, EXTENSION.routing, EXTENSION.fragment, EXTENSION.authentication])
      p.jumpIf(eq(next, kind), read)
    p.exitIf(ne(next, EXTENSION.destination), 'other-protocol')
    p.bind(read)
    const { header } = p.headers(at, end, { header: Extension }, ways.truncated)
    const size = p.variable('u32', 8 * 256)
    const isAuthentication = p.label('authentication')
    p.jumpIf(eq(next, EXTENSION.authentication), isAuthentication)
    p.jumpIf(ne(next, EXTENSION.fragment), plain)
    p.jumpIf(anyBits(p.load(header.fragment), be16(IP6_FRAGMENT)), ways.fragment)
    p.set(size, 8)
    p.goto(advance)
    p.bind(isAuthentication)
    p.set(size, p.alu('lsh', p.alu('add', p.load(header.length), 2), 2))
    p.goto(advance)
    p.bind(plain)
    p.set(size, p.alu('lsh', p.alu('add', p.load(header.length), 1), 3))
    p.bind(advance)
    p.set(next, p.load(header.next))
    // the verifier forgets here by which headers it came, and need not go on once for each way
    const offset = p.length(network, p.advance(at, size))
    p.setPointer(at, p.advance(network, p.below(offset, REACH, 'truncated')))
  }
  p.leave('other-protocol')
  p.bind(upper)
}
