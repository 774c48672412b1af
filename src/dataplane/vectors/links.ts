// The Ethernet header: frames to others, and what is not IPv4.

import { type Mac, macBytes, macFromBytes } from '../../base/addresses.ts'
import { arp, ether, packet } from '../../wire/packet.ts'
import { own, router, web1 } from './fixture.ts'
import { cut, frameOf, keeps, type Vector } from './vector.ts'

/** own with one bit of one octet changed. */
const beside = (octet: number, bit: number): Mac => {
  const bytes = macBytes(own)
  bytes[octet]! ^= 1 << bit
  return macFromBytes(bytes)
}
const octets = [0, 1, 2, 3, 4, 5]
const strangers: Readonly<Record<string, string>> = {
  'the broadcast address': 'ff:ff:ff:ff:ff:ff',
  'the multicast address of VRRP': '01:00:5e:00:00:12',
  'an IPv6 multicast address': '33:33:00:00:00:01',
  'the MAC of zeros': '00:00:00:00:00:00',
  'a virtual MAC of VRRP': '00:00:5e:00:01:33',
  'the server’s MAC': web1,
  'the router’s MAC': router,
  'our own MAC reversed': '9f:7e:5d:3c:1b:02',
  'our own MAC with its halves exchanged': '5d:7e:9f:02:1b:3c',
}
const types: Readonly<Record<string, number>> = {
  IPv6: 0x86dd,
  'a length, as in 802.3': 60,
  LLDP: 0x88cc,
  LACP: 0x8809,
  MPLS: 0x8847,
  PPPoE: 0x8864,
  'IPv4’s type with its octets exchanged': 0x0008,
  'type 0x0801': 0x0801,
  'type 0x0900': 0x0900,
  'type 0': 0,
  'type 0xffff': 0xffff,
  '0x8100 with its octets exchanged': 0x0081,
  'type 0x88a7': 0x88a7,
}

/** linkVectors. */
export const linkVectors: readonly Vector[] = [
  ...octets.flatMap((octet) =>
    [0, 7].map((bit) =>
      keeps('other-host', `our own MAC but for bit ${bit} of octet ${octet}`, {
        ether: { destination: beside(octet, bit) },
      }),
    ),
  ),
  ...Object.entries(strangers).map(([name, destination]) =>
    keeps('other-host', `to ${name}`, { ether: { destination } }),
  ),
  ...Object.entries(types).map(([name, type]) => keeps('not-ip', name, { ether: { type } })),
  keeps(
    'not-ip',
    'an ARP request',
    packet(ether({ destination: 'ff:ff:ff:ff:ff:ff', source: router }), arp({ senderMac: router })),
  ),
  keeps(
    'not-ip',
    'an ARP reply to us',
    packet(ether({ destination: own, source: web1 }), arp({ operation: 2, senderMac: web1 })),
  ),
  keeps('other-host', 'to another host, IP version 6', {
    ether: { destination: beside(5, 0) },
    ip: { version: 6 },
  }),
  keeps('other-host', 'to another host, UDP', { ether: { destination: beside(5, 0) }, ip: { protocol: 17 } }),
  keeps('other-host', 'to another host, a fragment', {
    ether: { destination: beside(0, 1) },
    ip: { moreFragments: true },
  }),
  keeps('other-host', 'to another host, TTL 0', { ether: { destination: beside(2, 3) }, ip: { ttl: 0 } }),
  keeps(
    'other-host',
    'to another host, 34 bytes',
    cut(frameOf({ ether: { destination: beside(3, 3) } }), 34),
  ),
  keeps('short', 'to another host, 33 bytes', cut(frameOf({ ether: { destination: beside(3, 3) } }), 33)),
  keeps('not-ip', 'to another host, IPv6', { ether: { destination: beside(4, 4), type: 0x86dd } }),
]
