// TCP and UDP side by side: a listener has one of them, and a file that has one only knows no other.

import { ipProtocol } from '../../wire/ipv4.ts'
import { icmp } from '../../wire/packet.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const tcpTo = (destination: number, ip: Parts['ip'] = {}): Parts => ({ ip, tcp: { destination } })
const udpTo = (destination: number, ip: Parts['ip'] = {}): Parts => ({ ip, udp: { destination } })
const numbers = Array.from({ length: 256 }, (_, i) => i)

/** All 70 listeners: TCP and UDP in turn at 35 ports. */
const seventy = numbers.slice(0, 70).map((service) => {
  const port = 8_001 + (service >> 1)
  return service % 2
    ? forwards(`UDP listener ${service + 1} of 70`, udpTo(port), {
        fixture: 'both-seventy',
        service,
        server: 2,
      })
    : forwards(`TCP listener ${service + 1} of 70`, tcpTo(port), { fixture: 'both-seventy', service })
})
const beside70 = [8_000, 8_036, 53, 80, 0x411f].flatMap((port) => [
  keeps('no-listener', `UDP port ${port} beside 70`, udpTo(port), 'both-seventy'),
  keeps('no-listener', `TCP port ${port} beside 70`, tcpTo(port), 'both-seventy'),
])

/** A SYN with every protocol number, where TCP and UDP are known; port 80 is TCP's alone. */
const everyNumber = numbers.map((protocol): Vector => {
  const name = `both protocols known: protocol ${protocol}`
  const parts = tcpTo(80, { protocol })
  if (protocol === ipProtocol.TCP) return forwards(name, parts, { fixture: 'both', service: 2 })
  return keeps(protocol === ipProtocol.UDP ? 'no-listener' : 'other-protocol', name, parts, 'both')
})

const cutTo = (length: number, parts: Parts) => cut(frameOf(parts), length)

/** bothProtocolVectors. */
export const bothProtocolVectors: readonly Vector[] = [
  forwards('port 53 in TCP', tcpTo(53), { fixture: 'both' }),
  forwards('port 53 in UDP', udpTo(53), { fixture: 'both', service: 1, server: 2 }),
  forwards('port 80 in TCP', tcpTo(80), { fixture: 'both', service: 2 }),
  forwards('port 69 in UDP', udpTo(69), { fixture: 'both', service: 3, server: 2 }),
  keeps('no-listener', 'port 80 in UDP', udpTo(80), 'both'),
  keeps('no-listener', 'port 69 in TCP', tcpTo(69), 'both'),
  forwards(
    'port 53 in TCP behind options',
    { ...tcpTo(53), ip: { options: new Uint8Array(12) } },
    { fixture: 'both' },
  ),
  forwards('port 53 in UDP behind options', udpTo(53, { options: new Uint8Array(12) }), {
    fixture: 'both',
    service: 1,
    server: 2,
  }),
  ...everyNumber,
  ...seventy,
  ...beside70,

  forwards('TCP at the address that has TCP', tcpTo(53), { fixture: 'apart' }),
  forwards('UDP at the address that has UDP', udpTo(53, { destination: '192.0.2.11' }), {
    fixture: 'apart',
    service: 1,
    server: 2,
  }),
  keeps('no-listener', 'UDP at the address that has TCP', udpTo(53), 'apart'),
  keeps('no-listener', 'TCP at the address that has UDP', tcpTo(53, { destination: '192.0.2.11' }), 'apart'),
  // an address is a service address for both
  keeps('truncated', 'UDP cut at the address that has TCP', cutTo(41, udpTo(53)), 'apart'),
  keeps('no-listener', 'UDP whole at the address that has TCP', cutTo(42, udpTo(53)), 'apart'),
  keeps(
    'truncated',
    'TCP cut at the address that has UDP',
    cutTo(53, tcpTo(53, { destination: '192.0.2.11' })),
    'apart',
  ),
  keeps('truncated', 'TCP of 42 bytes, which UDP could do with', cutTo(42, tcpTo(53)), 'both'),
  keeps(
    'fragment-held',
    'a UDP fragment at the address that has TCP',
    udpTo(53, { fragmentOffset: 1 }),
    'apart',
  ),
  keeps(
    'bad-length',
    'TCP of total length 39, which UDP could do with',
    tcpTo(53, { totalLength: 39 }),
    'both',
  ),
  forwards(
    'UDP of total length 39 in 60 bytes',
    { ...udpTo(53, { totalLength: 39 }), payload: new Uint8Array(18) },
    {
      fixture: 'both',
      service: 1,
      server: 2,
    },
  ),

  keeps('other-protocol', 'TCP where only UDP is known', tcpTo(53), 'udp'),
  keeps(
    'other-protocol',
    'a TCP fragment where only UDP is known',
    tcpTo(53, { moreFragments: true }),
    'udp',
  ),
  keeps('other-protocol', 'a cut SYN where only UDP is known', cutTo(40, tcpTo(53)), 'udp'),
  keeps('other-protocol', 'UDP where only TCP is known', udpTo(80), 'one'),
  keeps('other-protocol', 'a cut datagram where only TCP is known', cutTo(36, udpTo(80)), 'one'),
  keeps('other-protocol', 'a ping where both are known', { behind: icmp() }, 'both'),

  // word 0x..c8 at the source port's low octet: slot 797 of 1,021
  forwards(
    'UDP: the slot by source port 0x01c8',
    { udp: { source: 0x01c8 } },
    {
      fixture: 'udp-by-port',
      service: 1,
      server: 2,
    },
  ),
  forwards(
    'UDP: the slot by source port 0xc801',
    { udp: { source: 0xc801 } },
    { fixture: 'udp-by-port', service: 1 },
  ),
  forwards(
    'UDP: the slot by source port behind options',
    { ip: { options: new Uint8Array(40) }, udp: { source: 0x01c8 } },
    { fixture: 'udp-by-port', service: 1, server: 2 },
  ),
  forwards(
    'TCP: the slot by source port behind options',
    { ip: { options: new Uint8Array(4).fill(0xc8) }, tcp: { source: 0xc801, destination: 53 } },
    { fixture: 'udp-by-port' },
  ),
  forwards(
    'TCP: the slot by source port 0x01c8',
    { tcp: { source: 0x01c8, destination: 53 } },
    {
      fixture: 'udp-by-port',
      server: 2,
    },
  ),
  forwards(
    'UDP: the slot by source address',
    { ip: { source: '10.0.0.200' }, udp: {} },
    {
      fixture: 'udp-by-address',
      server: 2,
    },
  ),
  forwards(
    'UDP: the slot by another source address',
    { ip: { source: '200.0.0.10' }, udp: {} },
    {
      fixture: 'udp-by-address',
    },
  ),
]
