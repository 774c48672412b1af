// IPv4 in the packet path. `guard` lets the straight path's packets through, `finish` takes any of which the flow is
// known: from the straight path, or from the slow one.

import type { Label } from '../bpf/isa.ts'
import type { Bytes } from '../bpf/types.ts'
import { anyBits, be16, ne, type Place, type View } from '../bpf/values.ts'
import { type Path, put } from './cell.ts'
import { Ethernet, IP_FRAGMENT, Ipv4 } from './headers.ts'
import { matchListener, portOf } from './match.ts'
import {
  checkLength,
  decrementHops,
  type Flow,
  guardProtocol,
  hashFlow,
  leastOf,
  plus,
  portsIn,
  type Route,
} from './path.ts'
import { straightWhere } from './path-admit.ts'
import { putWhere } from './path-where.ts'
import { KEY_PORTS, KEY_SOURCE, type Shape } from './shape.ts'

/** HEADERS: where they are on the straight path. */
const HEADERS = { network: Ethernet.size, transport: Ethernet.size + Ipv4.size }

export type Ipv4View = View<(typeof Ipv4)['fields']>

/** guardIpv4: what is not plain IPv4 goes `slow`. Gives the flow, whose ports are right behind. */
export function guardIpv4(p: Path, shape: Shape, ip: Ipv4View, ports: Place<Bytes<4>>, slow: Label): Flow {
  p.jumpIf(ne(p.load(ip.versionIhl), 0x45), slow)
  const protocol = () => p.load(ip.protocol)
  guardProtocol(p, shape, protocol(), slow)
  p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), slow)
  return {
    protocol,
    client: () => p.bits(p.load(ip.source)),
    ...portsIn(p, ports),
    least: () => plus(p, leastOf(p, shape, protocol), Ipv4.size),
    where: () => straightWhere(p, shape, HEADERS, protocol, ports),
  }
}

/** finishIpv4: steps 11 to 14 but for the server, into the route. */
export function finishIpv4(p: Path, route: Route, ip: Ipv4View, flow: Flow): void {
  const { shape } = route
  const { client, ports, port, protocol, least, where } = flow
  matchListener(
    p,
    route,
    { family: 4, place: ip.destination },
    portOf(p, shape, port, protocol),
    protocol,
    route.unserved,
  )
  if (route.where) putWhere(p, route.where, where())
  put(p, route.bytes, checkLength(p, route, p.load(ip.length), least, 0))
  decrementHops(p, route, ip.ttl)
  // RFC 1624: the word that holds the TTL has become 0x0100 less, so the sum becomes that much more
  const sum = p.alu('add', p.load(ip.checksum), 1)
  const carry = p.alu('rsh', p.alu('add', sum, 1), 16)
  p.storeLow(ip.checksum, p.alu('add', sum, carry))
  hashFlow(p, route, KEY_SOURCE - 1, [
    [KEY_SOURCE, () => client(0)],
    [KEY_PORTS, ports],
  ])
}
