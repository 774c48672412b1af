// The slow path: frames of any make, step by step. What is for a listener and can be forwarded joins the straight
// path again where the server is chosen; all else is passed or dropped here.

import type { Stashed } from '../bpf/emitter.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, be16, eq, lt, ne, type Pointer, type Val } from '../bpf/values.ts'
import type { Path } from './cell.ts'
import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  Ethernet,
  IP_FRAGMENT,
  IPPROTO_UDP,
  Ipv4,
  Ipv6,
  Tags,
  Tcp,
  Udp,
} from './headers.ts'
import { isMixed, matchAddress } from './match.ts'
import { has } from './memory.ts'
import { guardProtocol, leastOf, otherHost, type Route } from './path.ts'
import { finishIpv4 } from './path-ipv4.ts'
import { finishIpv6, walkExtensions } from './path-ipv6.ts'
import { whereAt } from './path-where.ts'
import type { Shape } from './shape.ts'

/** Frame: the packet's start and end. */
export interface Frame {
  readonly data: Pointer
  readonly end: Pointer
}

/** parseTags: steps 2 and 3: what type of packet starts where, and whether a tag came before it. */
function parseTags(p: Path, { data, end }: Frame) {
  const { eth } = p.headers(data, end, { eth: Ethernet, ip: Ipv4 }, 'short')
  const network = p.pointerVariable()
  const type = p.variable('be16')
  const [tag, twice, parse] = [p.label('tagged'), p.label('tagged-twice'), p.label('network')]
  p.set(type, p.load(eth.type))
  p.setPointer(network, p.advance(data, Ethernet.size))
  p.jumpIf(eq(type, be16(ETH_P_8021Q)), tag)
  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)
  p.bind(tag)
  const { tags } = p.headers(data, end, { eth: Ethernet, tags: Tags }, 'short')
  p.set(type, p.load(tags.type))
  p.setPointer(network, p.advance(data, Ethernet.size + 4))
  p.jumpIf(eq(type, be16(ETH_P_8021Q)), twice)
  p.jumpIf(ne(type, be16(ETH_P_8021AD)), parse)
  p.bind(twice)
  p.set(type, p.load(tags.type2))
  p.setPointer(network, p.advance(data, Ethernet.size + 8))
  p.bind(parse)
  return { eth, network, type }
}

/** portsAt: step 10: the transport header is there, or `truncated`. */
function portsAt(
  p: Path,
  shape: Shape,
  at: Pointer,
  end: Pointer,
  protocol: () => Val<'u8'>,
  truncated: Label,
) {
  const { l4 } = p.headers(at, end, { l4: has(shape, 'udp') ? Udp : Tcp }, truncated)
  if (!isMixed(shape)) return l4.ports
  const enough = p.label('enough')
  p.jumpIf(eq(protocol(), IPPROTO_UDP), enough)
  p.headers(at, end, { l4: Tcp }, truncated)
  p.bind(enough)
  return l4.ports
}

/** addressOnly: a packet whose ports cannot be read: dropped where the address is a service's. */
function addressOnly(p: Path, isFragment: Stashed<'u32'>, match: () => void): void {
  match()
  p.exitIf(ne(p.unstash(isFragment), 0), 'fragment')
  p.leave('truncated')
}

/** slowPath: steps 1 to 16 for any frame. It ends by leaving, or at the choice of the server. */
export function slowPath(p: Path, route: Route, frame: Frame): void {
  const { shape, memory } = route
  const { end } = frame
  const { eth, network, type } = parseTags(p, frame)
  const { ip } = p.headers(network, end, { ip: Ipv4 }, 'short')
  const six = p.label('slow-ipv6')
  if (has(shape, 6)) p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
  p.exitIf(ne(type, be16(ETH_P_IP)), 'not-ip')
  otherHost(p, shape, eth)
  slowIpv4()
  if (has(shape, 6)) {
    p.bind(six)
    slowIpv6()
  }

  function tagged(): void {
    p.exitIf(ne(p.length(frame.data, network), Ethernet.size), 'vlan')
  }

  function slowIpv4(): void {
    const first = () => p.load(ip.versionIhl)
    const protocol = () => p.load(ip.protocol)
    const size = () => p.alu('lsh', p.alu('and', first(), 15), 2)
    p.exitIf(ne(p.alu('rsh', first(), 4), 4), 'malformed')
    p.exitIf(lt(size(), Ipv4.size), 'malformed')
    guardProtocol(p, shape, protocol(), 'other-protocol')
    if (!has(shape, 4)) {
      p.leave('no-listener')
      return
    }
    const isFragment = p.slot('u32')
    const unreadable = p.label('ports-unreadable')
    p.setSlot(isFragment, p.constant(1))
    p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), unreadable)
    p.setSlot(isFragment, p.constant(0))
    const ports = portsAt(p, shape, p.advance(network, size()), end, protocol, unreadable)
    const least = () => p.alu('add', size(), leastOf(p, shape, protocol))
    const where = () => {
      const before = p.narrow(p.length(frame.data, network))
      return whereAt(p, before, p.alu('add', before, size()))
    }
    finishIpv4(p, route, ip, { ports, protocol, least, where, tagged })
    p.goto(route.join)
    p.bind(unreadable)
    addressOnly(p, isFragment, () =>
      matchAddress(p, shape, memory, { family: 4, place: ip.destination }, 'no-listener'),
    )
  }

  function slowIpv6(): void {
    const { wide } = p.headers(network, end, { wide: Ipv6 }, 'short')
    otherHost(p, shape, eth)
    p.exitIf(ne(p.alu('rsh', p.load(wide.versionClass), 4), 6), 'malformed')
    const isFragment = p.slot('u32')
    const [fragment, truncated] = [p.label('fragment6'), p.label('truncated6')]
    const at = p.pointerVariable()
    const next = p.variable('u8')
    p.setSlot(isFragment, p.constant(0))
    p.set(next, p.load(wide.next))
    p.setPointer(at, p.advance(network, Ipv6.size))
    walkExtensions(p, shape, network, end, at, next, { fragment, truncated })
    const upper = p.stash(next)
    const protocol = () => p.unstash(upper)
    const ports = portsAt(p, shape, at, end, protocol, truncated)
    const extensions = () => p.alu('sub', p.narrow(p.length(network, at)), Ipv6.size)
    const least = () => p.alu('add', extensions(), leastOf(p, shape, protocol))
    const where = () => {
      const [before, all] = [p.length(frame.data, network), p.length(frame.data, at)].map((each) =>
        p.narrow(each),
      )
      return whereAt(p, before!, all!, isMixed(shape) ? protocol : undefined)
    }
    finishIpv6(p, route, wide, { ports, protocol, least, where, tagged })
    p.goto(route.join)
    p.bind(fragment)
    p.setSlot(isFragment, p.constant(1))
    p.bind(truncated)
    addressOnly(p, isFragment, () =>
      matchAddress(p, shape, memory, { family: 6, place: wide.destination }, 'no-listener'),
    )
  }
}
