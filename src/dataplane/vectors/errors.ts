// ICMP errors about flows of ours, and what only looks like one: which server gets them, what a quote must hold, what
// is left to the node's kernel.

import { icmpType } from '../../wire/icmp.ts'
import type { IcmpFields, Ipv4Fields, Layer } from '../../wire/layer.ts'
import { icmp, ipv4, packet, tcp, udp } from '../../wire/packet.ts'
import { client, vip } from './fixture.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const { DEST_UNREACH, TIME_EXCEEDED, PARAMETERPROB } = icmpType
/** A router between client and service, which tells the error. */
const teller = '198.18.0.1'
const zeros = (length: number) => new Uint8Array(length)

/** Quote: what an error quotes; what is absent is that of an answer from the vip's port 80 to the client. */
interface Quote {
  readonly ip?: Ipv4Fields
  readonly behind?: Layer
  /** How many bytes of the quoted packet there are; all where not said. */
  readonly length?: number
}

const answer: Layer = tcp({ source: 80, destination: 40_000 })

function quoted({ ip, behind = answer, length }: Quote): Uint8Array {
  const whole = packet(ipv4({ source: vip, destination: client, ttl: 1, ...ip }), behind)
  return length === undefined ? whole : whole.subarray(0, length)
}

/** about: an error whose quote is so. */
const about = (quote: Quote = {}, fields: IcmpFields = {}, parts: Parts = {}): Parts => ({
  ...parts,
  ip: { source: teller, ...parts.ip },
  behind: icmp({ type: DEST_UNREACH, code: 4, rest: 1_400, ...fields }),
  payload: quoted(quote),
})

const kinds: readonly (readonly [string, IcmpFields])[] = [
  ['fragmentation needed', {}],
  ['network unreachable', { code: 0, rest: 0 }],
  ['port unreachable', { code: 3, rest: 0 }],
  ['destination unreachable with a code of nobody', { code: 255 }],
  ['time exceeded', { type: TIME_EXCEEDED, code: 0, rest: 0 }],
  ['parameter problem', { type: PARAMETERPROB, code: 0, rest: 0x14000000 }],
]
const noErrors = [0, 1, 2, 4, 5, 8, 9, 10, 13, 14, 15, 16, 17, 18, 30, 40, 42, 43, 255]

const toNobody = { source: 81, destination: 40_000 }
const udpAnswer = udp({ source: 53, destination: 40_000 })

/** errorVectors. */
export const errorVectors: readonly Vector[] = [
  ...kinds.map(([name, fields]) => forwards(`ICMP: ${name}`, about({}, fields))),
  ...noErrors.map((type) =>
    keeps('other-protocol', `ICMP: type ${type} with a quote of ours`, about({}, { type })),
  ),

  // whose flow it is
  forwards('ICMP: the quoted client chooses the slot', about({ ip: { destination: '10.0.0.200' } }), {
    fixture: 'by-address',
    server: 2,
  }),
  forwards('ICMP: who tells the error does not', about({}, {}, { ip: { source: '10.0.0.200' } }), {
    fixture: 'by-address',
    server: 1,
  }),
  forwards(
    'ICMP: the client’s port chooses the slot: 200',
    about({ behind: tcp({ source: 80, destination: 0x00c8 }) }),
    { fixture: 'by-port', server: 2 },
  ),
  forwards(
    'ICMP: the client’s port chooses the slot: 51200',
    about({ behind: tcp({ source: 80, destination: 0xc800 }) }),
    { fixture: 'by-port', server: 1 },
  ),
  forwards(
    'ICMP: both ports choose the slot, the service’s first',
    about({ behind: tcp({ source: 0x00c8, destination: 40_000 }) }),
    { fixture: 'by-ports', server: 2 },
  ),
  forwards(
    'ICMP: both ports choose the slot, the service’s other',
    about({ behind: tcp({ source: 0xc800, destination: 40_000 }) }),
    { fixture: 'by-ports', server: 1 },
  ),
  forwards('ICMP: a second service', about({ behind: tcp({ source: 443, destination: 40_000 }) }), {
    fixture: 'shared',
    server: 2,
  }),
  forwards(
    'ICMP: the last of 70 listeners',
    about({ ip: { source: '203.0.113.30' } }, {}, { ip: { source: teller, destination: '203.0.113.30' } }),
    { fixture: 'seventy', service: 69, server: 2 },
  ),
  forwards('ICMP: UDP', about({ behind: udpAnswer }), { fixture: 'udp' }),
  forwards('ICMP: TCP where both are known', about({ behind: tcp({ source: 53, destination: 40_000 }) }), {
    fixture: 'both',
  }),
  forwards('ICMP: UDP where both are known', about({ behind: udpAnswer }), {
    fixture: 'both',
    service: 1,
    server: 2,
  }),
  keeps('no-listener', 'ICMP: UDP to a port of TCP', about({ behind: udp({ source: 80 }) }), 'both'),
  keeps('no-listener', 'ICMP: about nobody’s port', about({ behind: tcp(toNobody) })),
  keeps(
    'no-listener',
    'ICMP: about what the client sent',
    about({ behind: tcp({ source: 40_000, destination: 80 }) }),
  ),
  keeps('no-listener', 'ICMP: about the node’s own flow', {
    ...about({ ip: { source: '192.0.2.2' } }),
    ip: { source: teller, destination: '192.0.2.2' },
  }),
  keeps(
    'other-protocol',
    'ICMP: quotes another source than it goes to',
    about({ ip: { source: '192.0.2.11' } }),
  ),
  keeps('other-protocol', 'ICMP: goes to another than it quotes', {
    ...about(),
    ip: { source: teller, destination: '192.0.2.2' },
  }),
  keeps(
    'other-protocol',
    'ICMP: quotes the client’s packet',
    about({ ip: { source: client, destination: vip } }),
  ),

  // what is quoted
  forwards('ICMP: eight bytes of a segment', about({ length: 28 })),
  keeps('other-protocol', 'ICMP: seven bytes of a segment', about({ length: 27 })),
  keeps('other-protocol', 'ICMP: no byte of a segment', about({ length: 20 })),
  keeps('other-protocol', 'ICMP: 19 bytes of a header', about({ length: 19 })),
  keeps('other-protocol', 'ICMP: nothing quoted', about({ length: 0 })),
  keeps('other-protocol', 'ICMP: a cut ICMP header', cut(frameOf(about()), 14 + 20 + 7)),
  keeps('other-protocol', 'ICMP: no ICMP header', cut(frameOf(about()), 14 + 20)),
  forwards(
    'ICMP: a whole segment with data',
    about({ behind: packet(answer, zeros(400)) as Layer, ip: { protocol: 6 } }),
  ),
  forwards('ICMP: quoted options', about({ ip: { options: zeros(4) } })),
  forwards('ICMP: quoted options, as many as there can be', about({ ip: { options: zeros(40) } })),
  forwards('ICMP: quoted options and eight bytes', about({ ip: { options: zeros(40) }, length: 68 })),
  keeps(
    'other-protocol',
    'ICMP: quoted options and seven bytes',
    about({ ip: { options: zeros(40) }, length: 67 }),
  ),
  keeps('other-protocol', 'ICMP: a quoted IHL of 4', about({ ip: { ihl: 4 } })),
  keeps('other-protocol', 'ICMP: a quoted IHL of 0', about({ ip: { ihl: 0 } })),
  keeps('other-protocol', 'ICMP: quoted version 6', about({ ip: { version: 6 } })),
  keeps('other-protocol', 'ICMP: quoted version 0', about({ ip: { version: 0 } })),
  forwards('ICMP: a quoted first fragment', about({ ip: { moreFragments: true } })),
  forwards('ICMP: a quoted header that may not be cut', about({ ip: { dontFragment: true } })),
  keeps(
    'other-protocol',
    'ICMP: a quoted later fragment',
    about({ ip: { moreFragments: true, fragmentOffset: 9 } }),
  ),
  keeps(
    'other-protocol',
    'ICMP: a quoted fragment at the highest offset',
    about({ ip: { fragmentOffset: 0x1000 } }),
  ),
  forwards('ICMP: a quoted total length that lies', about({ ip: { totalLength: 0 } })),
  forwards('ICMP: a quoted TTL of 0', about({ ip: { ttl: 0 } })),
  forwards('ICMP: a quoted checksum that is wrong', about({ ip: { checksum: 1 } })),
  keeps('other-protocol', 'ICMP: quotes a ping', about({ behind: icmp() })),
  keeps(
    'other-protocol',
    'ICMP: quotes an error',
    about({ behind: packet(icmp({ type: DEST_UNREACH }), quoted({})) as Layer, ip: { protocol: 1 } }),
  ),
  keeps('other-protocol', 'ICMP: quotes UDP where only TCP is known', about({ behind: udpAnswer })),
  keeps('other-protocol', 'ICMP: quotes TCP where only UDP is known', about(), 'udp'),
  keeps('other-protocol', 'ICMP: quotes IPIP', about({ ip: { protocol: 4 } })),

  // the packet that it comes in
  forwards('ICMP: options before it', about({}, {}, { ip: { source: teller, options: zeros(12) } })),
  forwards(
    'ICMP: options before and within',
    about({ ip: { options: zeros(8) } }, {}, { ip: { source: teller, options: zeros(40) } }),
  ),
  forwards('ICMP: a tag', about({}, {}, { ether: { tags: [{ id: 7 }] } })),
  forwards(
    'ICMP: two tags and options',
    about({}, {}, { ether: { tags: [{ id: 7 }, { id: 8 }] }, ip: { source: teller, options: zeros(4) } }),
  ),
  forwards('ICMP: padding behind it', about({ length: 28 }, {}, { trailer: zeros(4) })),
  forwards('ICMP: a checksum that is wrong', about({}, { checksum: 0xdead })),
  forwards('ICMP: jumbo', about(), { fixture: 'jumbo' }),
  keeps(
    'other-protocol',
    'ICMP: a first fragment',
    about({}, {}, { ip: { source: teller, moreFragments: true } }),
  ),
  keeps(
    'other-protocol',
    'ICMP: a later fragment',
    about({}, {}, { ip: { source: teller, fragmentOffset: 1 } }),
  ),
  keeps(
    'bad-length',
    'ICMP: a total length that ends within the quote',
    about({}, {}, { ip: { source: teller, totalLength: 55 } }),
  ),
  forwards(
    'ICMP: a total length that ends with what is read',
    about({}, {}, { ip: { source: teller, totalLength: 56 } }),
  ),
  keeps(
    'bad-length',
    'ICMP: a total length beyond the frame',
    about({}, {}, { ip: { source: teller, totalLength: 69 } }),
  ),
  keeps('bad-length', 'ICMP: a total length of 0', about({}, {}, { ip: { source: teller, totalLength: 0 } })),
  keeps('ttl', 'ICMP: TTL 1', about({}, {}, { ip: { source: teller, ttl: 1 } })),
  keeps('ttl', 'ICMP: TTL 0', about({}, {}, { ip: { source: teller, ttl: 0 } })),
  forwards('ICMP: TTL 2', about({}, {}, { ip: { source: teller, ttl: 2 } })),
  keeps(
    'other-host',
    'ICMP: to another host',
    about({}, {}, { ether: { destination: '02:1b:3c:5d:7e:90' } }),
  ),
  keeps('malformed', 'ICMP: IHL 4', about({}, {}, { ip: { source: teller, ihl: 4 } })),
  keeps('no-server', 'ICMP: nobody is in the slots', about(), 'nobody'),
  keeps('no-server', 'ICMP: the server has lost its MAC', about(), 'unusable'),
  keeps('other-protocol', 'ICMP: an error where only IPv6 listens', about(), 'six'),
]
