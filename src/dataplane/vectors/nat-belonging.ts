// Nat of what only belongs to a flow: later fragments, and ICMP errors that quote what a client got. What leaves is
// assembled anew: the error quotes the packet that the server had sent.

import { icmp6Type, icmpType } from '../../wire/icmp.ts'
import type { IcmpFields } from '../../wire/layer.ts'
import { ether, fragment, icmp, ipv4, ipv6, packet, tcp, udp } from '../../wire/packet.ts'
import { client, client6, own, router, vip, vip6, web1 } from './fixture.ts'
import { PORT, targets, targets6 } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import type { NatStep, NatStory } from './nat-story.ts'
import { ack, datagram, six, syn } from './story-words.ts'

const teller = '198.18.0.1'
const teller6 = '2001:db8:1:2:3:4:5:6'
const into = { source: router, destination: own }
const out = { source: own, destination: web1 }
/** An answer as the client got it, and as the server had sent it; so many bytes are quoted of it. */
type Answer = (address: string, port: number, length?: number) => Uint8Array
const cutTo = (frame: Uint8Array, length = frame.length): Uint8Array => frame.subarray(0, length)
const tcp4: Answer = (source, port, length) =>
  cutTo(
    packet(ipv4({ source, destination: client, ttl: 9 }), tcp({ source: port, destination: 40_000 }), 'x'),
    length,
  )
const udp4: Answer = (source, port, length) =>
  cutTo(
    packet(ipv4({ source, destination: client, ttl: 9 }), udp({ source: port, destination: 40_000 }), 'xy'),
    length,
  )
const bare4: Answer = (source, port) =>
  packet(ipv4({ source, destination: client }), udp({ source: port, destination: 40_000, checksum: 0 }), 'xy')
const options4: Answer = (source, port, length) =>
  cutTo(
    packet(
      ipv4({ source, destination: client, options: new Uint8Array(8).fill(1) }),
      tcp({ source: port, destination: 40_000 }),
    ),
    length,
  )
const tcp6: Answer = (source, port, length) =>
  cutTo(
    packet(ipv6({ source, destination: client6 }), tcp({ source: port, destination: 40_000 }), 'x'),
    length,
  )
const udp6: Answer = (source, port, length) =>
  cutTo(
    packet(ipv6({ source, destination: client6 }), udp({ source: port, destination: 40_000 }), 'xy'),
    length,
  )

const needed: IcmpFields = { type: icmpType.DEST_UNREACH, code: 4, rest: 1_400 }
const tooBig: IcmpFields = { type: icmp6Type.PKT_TOOBIG, code: 0, rest: 1_280 }

/** error: from a router of IPv4, about an answer; what it is to the server. */
function error(answer: Answer, port: number, serverPort: number, fields = needed, length?: number): NatStep {
  const about = (destination: string, quoted: Uint8Array, ttl: number, outer: typeof into) =>
    packet(ether(outer), ipv4({ source: teller, destination, ttl }), icmp(fields), quoted)
  return {
    frames: [
      about(vip, answer(vip, port, length), 64, into),
      about(targets[0], answer(targets[0], serverPort, length), 63, out),
    ],
    to: 1,
    events: 'hit',
  }
}

function error6(answer: Answer, port: number, serverPort: number, length?: number): NatStep {
  const about = (destination: string, quoted: Uint8Array, hopLimit: number, outer: typeof into) =>
    packet(ether(outer), ipv6({ source: teller6, destination, hopLimit }), icmp(tooBig), quoted)
  return {
    frames: [
      about(vip6, answer(vip6, port, length), 64, into),
      about(targets6[0], answer(targets6[0], serverPort, length), 63, out),
    ],
    to: 1,
    events: 'hit',
  }
}

const open: NatStep = { send: syn(), to: 1, events: made }
const openPort: NatStep = { ...open, port: PORT }
const openUdp: NatStep = { send: datagram(), to: 1, port: PORT, events: made }
const open6: NatStep = { send: six(syn()), to: 1, port: PORT, events: made }
const openUdp6: NatStep = { send: six(datagram()), to: 1, events: made }

const story = (name: string, fixture: NatStory['fixture'], ...steps: readonly NatStep[]): NatStory => ({
  name: `nat: ${name}`,
  fixture,
  steps,
})

const halves = (parts: { source: string; destination: string; ttl: number }, id: number) => ({
  first: { ...parts, identification: id, moreFragments: true },
  later: { ...parts, identification: id, fragmentOffset: 3 },
})
/** A datagram of 24 bytes with its header, and 8 more, of IPv4: as it comes in fragments, and as these leave. */
function fragments4(port: number): readonly [first: NatStep, later: NatStep] {
  const made4 = (destination: string, to: number, ttl: number, outer: typeof into) => {
    const { first, later } = halves({ source: client, destination, ttl }, 77)
    const whole = packet(
      ipv4({ source: client, destination }),
      udp({ source: 40_000, destination: to }),
      'sixteen bytes...and eight',
    )
    const [head, tail] = [whole.subarray(20, 44), whole.subarray(44)]
    return [
      packet(ether(outer), ipv4({ ...first, protocol: 17 }), head),
      packet(ether(outer), ipv4({ ...later, protocol: 17 }), tail),
    ] as const
  }
  const [arrives, leaves] = [made4(vip, 53, 64, into), made4(targets[0], port, 63, out)]
  return [
    { frames: [arrives[0], leaves[0]], to: 1, events: made },
    { frames: [arrives[1], leaves[1]], to: 1, events: 'hit' },
  ]
}

function fragments6(): readonly [first: NatStep, later: NatStep] {
  const made6 = (destination: string, hopLimit: number, outer: typeof into) => {
    const whole = packet(
      ipv6({ source: client6, destination }),
      udp({ source: 40_000, destination: 53 }),
      'sixteen bytes...and eight',
    )
    const of = (from: number, to: number | undefined, fields: Parameters<typeof fragment>[0]) =>
      packet(
        ether(outer),
        ipv6({ source: client6, destination, hopLimit }),
        fragment({ ...fields, nextHeader: 17, identification: 77 }),
        whole.subarray(40 + from, to === undefined ? undefined : 40 + to),
      )
    return [of(0, 24, { more: true }), of(24, undefined, { offset: 3 })] as const
  }
  const [arrives, leaves] = [made6(vip6, 64, into), made6(targets6[0], 63, out)]
  return [
    { frames: [arrives[0], leaves[0]], to: 1, events: made },
    { frames: [arrives[1], leaves[1]], to: 1, events: 'hit' },
  ]
}

/** natBelongingStories. */
export const natBelongingStories: readonly NatStory[] = [
  story('fragmentation needed, about TCP', 'nat', open, error(tcp4, 80, 80)),
  story('fragmentation needed, about TCP at a port of its own', 'nat-port', openPort, error(tcp4, 80, PORT)),
  story('fragmentation needed, about UDP', 'nat-udp', openUdp, error(udp4, 53, PORT)),
  story('an error about a datagram without checksum', 'nat-udp', openUdp, error(bare4, 53, PORT)),
  story('an error that quotes options', 'nat-port', openPort, error(options4, 80, PORT)),
  story('port unreachable', 'nat-udp', openUdp, error(udp4, 53, PORT, { type: 3, code: 3, rest: 0 })),
  story('time exceeded', 'nat-port', openPort, error(tcp4, 80, PORT, { type: 11, code: 0, rest: 0 })),
  ...[28, 30, 35, 36, 38, 39, 40].map((length) =>
    story(
      `an error that quotes ${length} bytes of TCP`,
      'nat-port',
      openPort,
      error(tcp4, 80, PORT, needed, length),
    ),
  ),
  ...[28, 29].map((length) =>
    story(
      `an error that quotes ${length} bytes of UDP`,
      'nat-udp',
      openUdp,
      error(udp4, 53, PORT, needed, length),
    ),
  ),
  story('packet too big, about TCP', 'nat-six', open6, error6(tcp6, 80, PORT)),
  story('packet too big, about UDP', 'nat-six-udp', openUdp6, error6(udp6, 53, 53)),
  ...[48, 50, 56, 58, 60].map((length) =>
    story(
      `packet too big, of which ${length} bytes are quoted`,
      'nat-six',
      open6,
      error6(tcp6, 80, PORT, length),
    ),
  ),
  story(
    'an error about a flow that went to another server',
    'nat-port',
    { word: 1, send: syn(), to: 1, port: PORT, events: made },
    { word: 2, ...error(tcp4, 80, PORT) },
    { send: ack(), to: 1, port: PORT, events: 'hit', kept: ['established 1'] },
  ),
  story('an error about a flow whose server is lost', 'nat', open, {
    lost: [1],
    events: 'hit',
    send: {
      ip: { source: teller },
      behind: icmp(needed),
      payload: tcp4(vip, 80),
    },
    to: 'no-server',
  }),
  story('fragments of a datagram', 'nat-udp', ...fragments4(PORT)),
  story('fragments of a datagram over IPv6', 'nat-six-udp', ...fragments6()),
]
