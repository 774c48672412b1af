// Nat on the way back: ICMP errors from servers and from routers behind the node, which quote a request as the server got it.

import type { Mac } from '../../base/addresses.ts'
import { icmp6Type, icmpType } from '../../wire/icmp.ts'
import type { EtherFields, IcmpFields, Layer } from '../../wire/layer.ts'
import { ether, icmp, ipv4, ipv6, packet, tcp, udp } from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { client, client6, own, router, vip, vip6, web1 } from './fixture.ts'
import { PORT, targets, targets6 } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import type { NatStep, NatStory } from './nat-story.ts'
import { datagram, six, syn } from './story-words.ts'

const teller = '10.1.2.1'
const teller6 = 'fd00:1:2:3::1'
const tag: EtherFields = { tags: [{ id: 7 }] }
const tags: EtherFields = { tags: [{ tpid: 0x88a8, id: 7 }, { id: 8 }] }
const into: EtherFields = { source: web1, destination: own }
const out: EtherFields = { source: own, destination: router }

/** Request: a request as the client had sent it, and as the server got it. */
export type Request = (address: string, port: number) => Uint8Array
const ports = (destination: number) => ({ source: 40_000, destination })
const requests4 =
  (...behind: readonly ((port: number) => Layer)[]): Request =>
  (destination, port) =>
    packet(ipv4({ source: client, destination, ttl: 63 }), ...behind.map((layer) => layer(port)))
export const tcp4 = requests4((port) => tcp({ ...ports(port), flags: tcpFlag.SYN }))
const udp4 = requests4(
  (port) => udp(ports(port)),
  () => 'xy',
)
const bare4 = requests4(
  (port) => udp({ ...ports(port), checksum: 0 }),
  () => 'xy',
)
const options4: Request = (destination, port) =>
  packet(
    ipv4({ source: client, destination, options: new Uint8Array(8).fill(1) }),
    tcp({ ...ports(port), flags: tcpFlag.SYN }),
  )
const first4: Request = (destination, port) =>
  packet(
    ipv4({ source: client, destination, moreFragments: true, identification: 5 }),
    udp(ports(port)),
    'xy',
  )
const requests6 =
  (...behind: readonly ((port: number) => Layer)[]): Request =>
  (destination, port) =>
    packet(ipv6({ source: client6, destination, hopLimit: 63 }), ...behind.map((layer) => layer(port)))
export const tcp6 = requests6((port) => tcp({ ...ports(port), flags: tcpFlag.SYN }))
const udp6 = requests6(
  (port) => udp(ports(port)),
  () => 'xy',
)

const unreachable: IcmpFields = { type: icmpType.DEST_UNREACH, code: 3, rest: 0 }
const needed: IcmpFields = { type: icmpType.DEST_UNREACH, code: 4, rest: 1_400 }
const exceeded: IcmpFields = { type: 11, code: 0, rest: 0 }
const tooBig: IcmpFields = { type: icmp6Type.PKT_TOOBIG, code: 0, rest: 1_280 }
const unreachable6: IcmpFields = { type: icmp6Type.DEST_UNREACH, code: 4, rest: 0 }

/** What an error is like: whom it is from (the server itself, if nobody), how much it quotes, in which frame. */
interface Error {
  readonly port: number
  readonly serverPort: number
  readonly fields?: IcmpFields
  readonly from?: string
  readonly length?: number
  readonly outer?: EtherFields
  readonly server?: 0 | 1
  /** The MAC of the interface that it leaves by, if that is another. */
  readonly by?: Mac
}

/** error: about a request, as it comes in, and as the client gets it. */
export function error(
  request: Request,
  { port, serverPort, fields = unreachable, from, length, outer, server = 0, by }: Error,
): NatStep {
  const about = (frame: EtherFields, source: string, ttl: number, quoted: Uint8Array) =>
    packet(
      ether({ ...outer, ...frame }),
      ipv4({ source, destination: client, ttl }),
      icmp(fields),
      quoted.subarray(0, length),
    )
  return {
    frames: [
      about(into, from ?? targets[server], 64, request(targets[server], serverPort)),
      about({ ...out, ...(by && { source: by }) }, from ?? vip, 63, request(vip, port)),
    ],
    to: 'client',
    ...(by && { by }),
  }
}

/** error6, likewise. */
export function error6(
  request: Request,
  { port, serverPort, fields = unreachable6, from, length, outer, server = 0, by }: Error,
): NatStep {
  const about = (frame: EtherFields, source: string, hopLimit: number, quoted: Uint8Array) =>
    packet(
      ether({ ...outer, ...frame }),
      ipv6({ source, destination: client6, hopLimit }),
      icmp(fields),
      quoted.subarray(0, length),
    )
  return {
    frames: [
      about(into, from ?? targets6[server], 64, request(targets6[server], serverPort)),
      about({ ...out, ...(by && { source: by }) }, from ?? vip6, 63, request(vip6, port)),
    ],
    to: 'client',
    ...(by && { by }),
  }
}

const open: NatStep = { send: syn(), to: 1, events: made }
const openPort: NatStep = { ...open, port: PORT }
const openUdp: NatStep = { send: datagram(), to: 1, port: PORT, events: made }
const open6: NatStep = { send: six(syn()), to: 1, port: PORT, events: made }
const openUdp6: NatStep = { send: six(datagram()), to: 1, events: made }

const story = (name: string, fixture: NatStory['fixture'], ...steps: readonly NatStep[]): NatStory => ({
  name: `nat, on the way back: ${name}`,
  fixture,
  steps,
})
/** Nothing is done with what arrives. */
const untouched = ({ frames }: NatStep, to: NatStep['to'] = 'no-listener'): NatStep => ({
  frames: [frames![0]],
  to,
})

const at80 = { port: 80, serverPort: PORT }
const at53 = { port: 53, serverPort: PORT }
/** natBackStories. */
export const natBackStories: readonly NatStory[] = [
  story('a server’s port unreachable', 'nat-udp', openUdp, error(udp4, at53)),
  story(
    'a server’s port unreachable where ports are kept',
    'nat',
    open,
    error(tcp4, { port: 80, serverPort: 80 }),
  ),
  story('a server’s port unreachable, jumbo', 'nat-jumbo', open, error(tcp4, { port: 80, serverPort: 80 })),
  story('port unreachable about a datagram without checksum', 'nat-udp', openUdp, error(bare4, at53)),
  story('port unreachable about a first fragment', 'nat-udp', openUdp, error(first4, at53)),
  story(
    'a router’s fragmentation needed',
    'nat-port',
    openPort,
    error(tcp4, { ...at80, fields: needed, from: teller }),
  ),
  story(
    'a router’s time exceeded',
    'nat-port',
    openPort,
    error(tcp4, { ...at80, fields: exceeded, from: teller }),
  ),
  story('an error that quotes options', 'nat-port', openPort, error(options4, { ...at80, from: teller })),
  story('another server’s error', 'nat-port', openPort, error(tcp4, { ...at80, from: targets[1] })),
  ...[28, 30, 35, 36, 38, 39].map((length) =>
    story(
      `an error that quotes ${length} bytes of TCP`,
      'nat-port',
      openPort,
      error(tcp4, { ...at80, length }),
    ),
  ),
  ...[28, 29].map((length) =>
    story(
      `an error that quotes ${length} bytes of UDP`,
      'nat-udp',
      openUdp,
      error(udp4, { ...at53, length }),
    ),
  ),
  story('an error that quotes no ports', 'nat-port', openPort, {
    ...untouched(error(tcp4, { ...at80, length: 27 }), 'other-protocol'),
  }),
  story('an error in a tagged frame', 'nat-udp', openUdp, error(udp4, { ...at53, outer: tag })),
  story('an error behind two tags', 'nat-udp', openUdp, error(udp4, { ...at53, outer: tags })),
  story(
    'a server’s port unreachable over IPv6',
    'nat-six-udp',
    openUdp6,
    error6(udp6, { port: 53, serverPort: 53 }),
  ),
  story(
    'a router’s packet too big',
    'nat-six',
    open6,
    error6(tcp6, { ...at80, fields: tooBig, from: teller6 }),
  ),
  story('packet too big of a server', 'nat-six', open6, error6(tcp6, { ...at80, fields: tooBig })),
  ...[
    'fd01:1:2:3:4:5:6:71',
    'fd00:1:2:4:4:5:6:71',
    'fd00:1:2:3:4:5:7:71',
    'fd00:1:2:3:4:6:6:71',
    'fd00:1:2:3:4:5:6:70',
  ].map((from) =>
    story(`an error of ${from}, who is not the server`, 'nat-six', open6, error6(tcp6, { ...at80, from })),
  ),
  story('an error over IPv6 in a tagged frame', 'nat-six', open6, error6(tcp6, { ...at80, outer: tag })),
  ...[48, 50, 56, 58, 60].map((length) =>
    story(
      `packet too big that quotes ${length} bytes`,
      'nat-six',
      open6,
      error6(tcp6, { ...at80, fields: tooBig, length }),
    ),
  ),
  story('an error among all kinds, IPv4', 'nat-mixed', openPort, error(tcp4, at80)),
  story(
    'an error among all kinds, UDP',
    'nat-mixed',
    { send: datagram(), to: 1, service: 1, events: made },
    error(udp4, { port: 53, serverPort: 53 }),
  ),
  story(
    'an error among all kinds, IPv6',
    'nat-mixed',
    { send: six(syn()), to: 2, service: 2, events: made },
    error6(tcp6, { port: 80, serverPort: 80, server: 1 }),
  ),
  story(
    'an error with listeners in tables',
    'nat-tabled',
    { send: six(datagram()), to: 2, service: 3, port: PORT, events: made },
    error6(udp6, { ...at53, server: 1 }),
  ),
  story('an error leaves the record as it is', 'nat-udp', openUdp, {
    at: 1_009,
    ...error(udp4, at53),
    kept: ['established 1 @1000'],
  }),
  story(
    'an error goes where the client’s last packet came from',
    'nat-port',
    openPort,
    {
      ...{ send: syn({ ether: { source: '02:00:5e:00:01:aa' } }), to: 1, port: PORT, events: 'hit' },
    },
    {
      frames: [
        error(tcp4, at80).frames![0],
        packet(
          ether({ source: own, destination: '02:00:5e:00:01:aa' }),
          ipv4({ source: vip, destination: client, ttl: 63 }),
          icmp(unreachable),
          tcp4(vip, 80),
        ),
      ],
      to: 'client',
    },
  ),
  story('an error about a flow that nobody knows', 'nat-udp', untouched(error(udp4, at53))),
  story(
    'an error about another port of the server',
    'nat-port',
    openPort,
    untouched(error(tcp4, { port: 80, serverPort: 80 })),
  ),
  story('an error about another protocol of the flow', 'nat-mixed', openPort, untouched(error(udp4, at80))),
  story('an error whose record is torn', 'nat-udp', openUdp, {
    tearAnswers: true,
    ...untouched(error(udp4, at53)),
  }),
  story('an error whose TTL has run out', 'nat-udp', openUdp, {
    frames: [
      packet(
        ether(into),
        ipv4({ source: targets[0], destination: client, ttl: 1 }),
        icmp(unreachable),
        udp4(targets[0], PORT),
      ),
    ],
    to: 'ttl',
  }),
]
