// IP protocols other than TCP pass, to a service address too: the node's kernel answers pings and speaks VRRP.

import { ipProtocol } from '../../wire/ipv4.ts'
import { ether, icmp, ipv4, packet, tcp, udp } from '../../wire/packet.ts'
import { client, own, router, vip } from './fixture.ts'
import { keeps, type Vector } from './vector.ts'

const outer = ether({ destination: own, source: router })
const toVip = ipv4({ source: client, destination: vip })
const others: Readonly<Record<string, number>> = {
  'protocol 0': 0,
  IGMP: 2,
  'protocol 5': 5,
  'protocol 7': 7,
  ESP: 50,
  'SCTP, which has ports': 132,
  'protocol 134: TCP’s number with the top bit': 134,
  'protocol 255': 255,
  GRE: ipProtocol.GRE,
  VRRP: ipProtocol.VRRP,
}

/** protocolVectors. */
export const protocolVectors: readonly Vector[] = [
  keeps(
    'other-protocol',
    'a ping of a service address',
    packet(outer, toVip, icmp({ rest: 0x00010001 }), 'ping'),
  ),
  keeps('other-protocol', 'a ping without payload', packet(outer, toVip, icmp())),
  keeps(
    'other-protocol',
    'UDP to a listener’s port',
    packet(outer, toVip, udp({ source: 53, destination: 80 }), 'x'),
  ),
  keeps('other-protocol', 'a TCP packet within IPIP', packet(outer, toVip, toVip, tcp({ destination: 80 }))),
  ...Object.entries(others).map(([name, protocol]) => keeps('other-protocol', name, { ip: { protocol } })),
  keeps('other-protocol', 'UDP with options', { ip: { protocol: 17, options: new Uint8Array(4) } }),
  keeps('other-protocol', 'UDP with TTL 0', { ip: { protocol: 17, ttl: 0 } }),
  keeps('other-protocol', 'UDP whose total length lies', { ip: { protocol: 17, totalLength: 1 } }),
  keeps('malformed', 'UDP with IHL 4', { ip: { protocol: 17, ihl: 4 } }),
]
