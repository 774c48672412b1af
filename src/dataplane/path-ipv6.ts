// IPv6 in the packet path: `guard` lets the straight path's packets through, `finish` takes any of which the flow is
// known (RFC 8200).

import type { Label } from '../bpf/isa.ts'
import type { Bytes } from '../bpf/types.ts'
import { ne, type Place, part, type Val, type View } from '../bpf/values.ts'
import { type Path, put } from './cell.ts'
import { Ethernet, Ipv6 } from './headers.ts'
import { matchListener, portOf } from './match.ts'
import {
  checkLength,
  decrementHops,
  type Flow,
  guardProtocol,
  hashFlow,
  leastOf,
  portsIn,
  type Route,
  type Term,
} from './path.ts'
import { straightWhere } from './path-admit.ts'
import { putWhere } from './path-where.ts'
import { KEY_PORTS, KEY_SOURCE, KEY_SOURCE6, type Shape } from './shape.ts'

/** HEADERS: where they are on the straight path. */
const HEADERS = { network: Ethernet.size, transport: Ethernet.size + Ipv6.size }

export type Ipv6View = View<(typeof Ipv6)['fields']>

/** addressWords: an IPv6 address, word by word. */
export const addressWords =
  (p: Path, place: Place<Bytes<16>>) =>
  (word: number): Val<'u32'> =>
    p.load(part(place, 4 * word, 'u32'))

/** guardIpv6: what is not plain IPv6 goes `slow`. Gives the flow, whose ports are right behind. */
export function guardIpv6(p: Path, shape: Shape, ip: Ipv6View, ports: Place<Bytes<4>>, slow: Label): Flow {
  p.jumpIf(ne(p.alu('rsh', p.load(ip.versionClass), 4), 6), slow)
  const protocol = () => p.load(ip.next)
  guardProtocol(p, shape, protocol(), slow)
  return {
    protocol,
    client: addressWords(p, ip.source),
    ...portsIn(p, ports),
    least: () => leastOf(p, shape, protocol),
    where: () => straightWhere(p, shape, HEADERS, protocol, ports),
  }
}

/** hashIpv6: step 14's hash. */
export function hashIpv6(p: Path, route: Route, { client, ports }: Flow): void {
  hashFlow(p, route, KEY_SOURCE - 1, [
    [KEY_SOURCE, () => client(0)],
    [KEY_PORTS, ports],
    ...[1, 2, 3].map((word): Term => [KEY_SOURCE6 + word - 1, () => client(word)]),
  ])
}

/** finishIpv6: steps 11 to 13, into the route. */
export function finishIpv6(p: Path, route: Route, ip: Ipv6View, flow: Flow): void {
  const { shape } = route
  const { port, protocol, least, where } = flow
  matchListener(
    p,
    route,
    { family: 6, place: ip.destination },
    portOf(p, shape, port, protocol),
    protocol,
    route.unserved,
  )
  if (route.where) putWhere(p, route.where, where())
  put(p, route.bytes, checkLength(p, route, p.load(ip.length), least, Ipv6.size))
  decrementHops(p, route, ip.hopLimit)
}
