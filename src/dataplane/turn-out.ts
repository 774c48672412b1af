// The program on this side's end of the veth that checks through a service address come out of: a packet of TCP or UDP
// goes to the server that its source port is for, by the interface and to the MAC that the kernel's routes and neighbours
// say. All else stays here: the namespace has nothing else to say to anybody. It runs in generic mode, so that what
// it redirects leaves by any driver's usual way.

import type { Builder } from '../bpf/builder.ts'
import { AF_INET, AF_INET6, FibLookup } from '../bpf/helper-builder.ts'
import type { Label } from '../bpf/isa.ts'
import { anyBits, be16, eq, fields, ne, type Place, part, type Val, type View } from '../bpf/values.ts'
import { type Built, plainFunction, program } from '../bpf/xdp.ts'
import {
  ETH_P_IP,
  ETH_P_IPV6,
  Ethernet,
  IP_FRAGMENT,
  IPPROTO_TCP,
  IPPROTO_UDP,
  Ipv4,
  Ipv6,
  Ports,
} from './headers.ts'
import { PORT_BITS, PORTS, turns } from './turn.ts'

/** enum xdp_action, linux/bpf.h. */
const [XDP_DROP, XDP_REDIRECT] = [1, 4]

/** turnOut: the program for the veth's end with this index. */
export const turnOut = (ifindex: number): Built =>
  program(
    'tenbin_turn_out',
    plainFunction('turn_out', (p) => {
      const [six, stays] = [p.label('ipv6'), p.label('stays')]
      const { data, end } = p.packet()
      const { eth, ip, ports } = p.headers(data, end, { eth: Ethernet, ip: Ipv4, ports: Ports }, stays)
      const type = p.load(eth.type)
      p.jumpIf(eq(type, be16(ETH_P_IPV6)), six)
      p.jumpIf(ne(type, be16(ETH_P_IP)), stays)
      p.jumpIf(ne(p.load(ip.versionIhl), 0x45), stays)
      p.jumpIf(anyBits(p.load(ip.fragment), be16(IP_FRAGMENT)), stays)
      send(p, {
        ifindex,
        family: AF_INET,
        eth,
        ports,
        protocol: p.load(ip.protocol),
        source: address(ip.source, 4),
        stays,
      })
      p.bind(six)
      const wide = p.headers(data, end, { eth: Ethernet, ip: Ipv6, ports: Ports }, stays)
      send(p, {
        ifindex,
        family: AF_INET6,
        eth: wide.eth,
        ports: wide.ports,
        protocol: p.load(wide.ip.next),
        source: address(wide.ip.source, 16),
        stays,
      })
      p.bind(stays)
      p.exitValue(XDP_DROP)
    }),
  )

interface Leaving {
  readonly ifindex: number
  readonly family: number
  readonly eth: View<(typeof Ethernet)['fields']>
  readonly ports: View<(typeof Ports)['fields']>
  readonly protocol: Val<'u8'>
  /** The address that the packet comes from, in words. */
  readonly source: readonly Place<'u32'>[]
  readonly stays: Label
}

const address = ({ base, offset }: Place, size: 4 | 16): Place<'u32'>[] =>
  Array.from({ length: size / 4 }, (_, word) => ({ base, offset: offset + 4 * word, type: 'u32' as const }))

/** send the packet to its port's server. Ends by leaving. */
function send(p: Builder, { ifindex, family, eth, ports, protocol, source, stays }: Leaving): void {
  const known = p.label('protocol')
  p.jumpIf(eq(protocol, IPPROTO_TCP), known)
  p.jumpIf(ne(protocol, IPPROTO_UDP), stays)
  p.bind(known)
  const port = p.toHost(p.load(ports.source))
  p.jumpIf(ne(p.alu('and', port, PORT_BITS), PORT_BITS), stays)
  const { server } = p.lookup(turns, { index: p.alu('and', port, PORTS - 1) }, stays)
  // nobody, or one of the other family: there is a route for such an address too, the default one
  const rest = p.alu('or', p.load(part(server, 8, 'u64')), p.load(part(server, 4, 'u32')))
  if (family === AF_INET6) p.jumpIf(eq(rest, 0), stays)
  else {
    p.jumpIf(ne(rest, 0), stays)
    p.jumpIf(eq(p.load(part(server, 0, 'u32')), 0), stays)
  }
  const params = p.onStack(FibLookup, {
    family,
    l4_protocol: 0,
    sport: be16(0),
    dport: be16(0),
    tot_len: 0,
    ifindex,
    tos: 0,
    src: 'zero',
    dst: server,
    h_vlan_proto: be16(0),
    h_vlan_TCI: be16(0),
    smac: 'zero',
    dmac: 'zero',
  })
  const asked = fields(params)
  for (const [word, place] of source.entries()) p.store(part(asked.src, 4 * word, 'u32'), p.load(place))
  p.fibLookup(params, () => p.exitValue(XDP_DROP))
  p.copy(eth.dst, asked.dmac)
  p.copy(eth.src, asked.smac)
  p.call('redirect', p.load(asked.ifindex), 0)
  p.exitValue(XDP_REDIRECT)
}
