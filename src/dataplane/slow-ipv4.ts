// IPv4 on the slow path: options, fragments, errors about a flow.

import { anyBits, be16, eq, lt, ne, type Pointer, type Val } from '../bpf/values.ts'
import type { Path } from './cell.ts'
import { Icmp, IP_FRAGMENT, IP_OFFSET, IPPROTO_ICMP, Ipv4 } from './headers.ts'
import { matchAddress } from './match.ts'
import { has } from './memory.ts'
import { guardProtocol, leastOf } from './path.ts'
import { fragmentHash } from './path-fragment.ts'
import { finishIpv4, type Ipv4View } from './path-ipv4.ts'
import { quotedIpv4 } from './path-quote.ts'
import { KEY_ADDRESS, KEY_PORTS, KEY_SOURCE } from './shape.ts'
import {
  addressOnly,
  belongs,
  type FragmentWays,
  flowOf,
  followFirst,
  readPorts,
  type Slow,
  startOf,
  tellWhere,
} from './slow-facts.ts'

/** slowIpv4: steps 6 to 14 of a packet whose header's first 20 bytes are there. */
export function slowIpv4(p: Path, slow: Slow, network: Pointer, end: Pointer): void {
  const { route, facts } = slow
  const { shape, memory } = route
  const { ip } = p.checked(network, { ip: Ipv4 })
  const first = () => p.load(ip.versionIhl)
  const protocol = () => p.load(ip.protocol)
  const size = () => p.alu('lsh', p.alu('and', first(), 15), 2)
  p.exitIf(ne(p.alu('rsh', first(), 4), 4), 'malformed')
  p.exitIf(lt(size(), Ipv4.size), 'malformed')
  if (!has(shape, 4)) {
    guardProtocol(p, shape, protocol(), 'other-protocol')
    p.leave('no-listener')
    return
  }
  const [error, fragment, whole] = [p.label('error'), p.label('fragment'), p.label('whole')]
  const [known, unreadable] = [p.label('flow-known'), p.label('ports-unreadable')]
  const at = p.advance(network, size())
  p.jumpIf(eq(protocol(), IPPROTO_ICMP), error)
  guardProtocol(p, shape, protocol(), 'other-protocol')
  p.setSlot(facts.protocol, p.narrow(p.widen(protocol())))
  p.setSlot(facts.client, p.bits(p.load(ip.source)))
  p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), fragment)
  p.cold(fragment, () => fragmentIpv4(p, slow, ip, size, { first: whole, known, unreadable }))
  p.bind(whole)
  readPorts(p, shape, facts, at, end, unreadable)
  p.setSlot(facts.least, p.alu('add', size(), leastOf(p, shape, protocol)))
  if (route.where) p.setSlot(facts.at, p.alu('add', startOf(p, facts), size()))
  p.cold(error, () => {
    p.setSlot(facts.isSilent, 1)
    quotedIpv4(p, shape, facts, ip, { network, at, end })
    // the quoted destination, 16 bytes into the quoted header, is 12 into what is 4 further on
    const quoted = () => p.alu('add', p.alu('add', startOf(p, facts), size()), Icmp.size + 4)
    belongs(p, route, facts, quoted)
    p.goto(known)
  })
  p.bind(known)
  const flow = flowOf(p, facts)
  finishIpv4(p, tellWhere(p, route, flow), ip, flow)
  p.goto(route.join)
  p.bind(unreadable)
  addressOnly(p, slow, (none) => matchAddress(p, shape, memory, { family: 4, place: ip.destination }, none))
}

function fragmentIpv4(p: Path, slow: Slow, ip: Ipv4View, size: () => Val<'u32'>, ways: FragmentWays): void {
  const { facts, route } = slow
  const identification = () => p.alu('or', p.alu('lsh', p.load(ip.protocol), 16), p.bits(p.load(ip.id)))
  const hash = fragmentHash(p, route.memory, KEY_SOURCE - 1, [
    [KEY_SOURCE, () => p.bits(p.load(ip.source))],
    [KEY_ADDRESS, () => p.bits(p.load(ip.destination))],
    [KEY_PORTS, identification],
  ])
  p.setSlot(facts.fragment, hash)
  p.setSlot(facts.least, p.alu('add', size(), 1))
  followFirst(p, slow, p.alu('and', p.toHost(p.load(ip.fragment)), IP_OFFSET), ways)
}
