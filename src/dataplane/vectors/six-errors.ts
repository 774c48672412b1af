// ICMPv6 errors about flows of ours, and what only looks like one.

import { icmp6Type } from '../../wire/icmp.ts'
import { ipv6Next } from '../../wire/ipv6.ts'
import type { IcmpFields, Ipv6Fields, Layer } from '../../wire/layer.ts'
import { extension, fragment, icmp, ipv6, packet, tcp, udp } from '../../wire/packet.ts'
import { client6, vip6 } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { wordOff } from './fixtures6.ts'
import { cut, forwards, frameOf, keeps, type Parts, type Vector } from './vector.ts'

const { DEST_UNREACH, PKT_TOOBIG, TIME_EXCEED, PARAMPROB } = icmp6Type
const { AH, DSTOPTS, HOPOPTS, ROUTING } = ipv6Next
const teller = '2001:db8:beef::1'
const zeros = (length: number) => new Uint8Array(length)

/** Quote: what an error quotes; what is absent is that of an answer from the vip6's port 80 to the client. */
interface Quote {
  readonly ip6?: Ipv6Fields
  readonly extensions?: readonly Layer[]
  readonly behind?: Layer
  readonly length?: number
}

const answer: Layer = tcp({ source: 80, destination: 40_000 })
const udpAnswer = udp({ source: 53, destination: 40_000 })

function quoted({ ip6, extensions = [], behind = answer, length }: Quote): Uint8Array {
  const whole = packet(ipv6({ source: vip6, destination: client6, ...ip6 }), ...extensions, behind)
  return length === undefined ? whole : whole.subarray(0, length)
}

const about = (quote: Quote = {}, fields: IcmpFields = {}, parts: Parts = {}): Parts => ({
  ...parts,
  ip6: { source: teller, ...parts.ip6 },
  behind: icmp({ type: PKT_TOOBIG, rest: 1_280, ...fields }),
  payload: quoted(quote),
})
const on = (fixture: FixtureName, server = 1, service = 0) => ({ fixture, server, service })

const kinds: readonly (readonly [string, IcmpFields])[] = [
  ['destination unreachable', { type: DEST_UNREACH, code: 4, rest: 0 }],
  ['too big', {}],
  ['time exceeded', { type: TIME_EXCEED, rest: 0 }],
  ['parameter problem', { type: PARAMPROB, code: 1, rest: 40 }],
]
const noErrors = [0, 5, 100, 127, 128, 129, 130, 134, 135, 136, 137, 143, 255]

/** sixErrorVectors. */
export const sixErrorVectors: readonly Vector[] = [
  ...kinds.map(([name, fields]) => forwards(`ICMPv6: ${name}`, about({}, fields), on('six'))),
  ...noErrors.map((type) =>
    keeps('other-protocol', `ICMPv6: type ${type} with a quote of ours`, about({}, { type }), 'six'),
  ),

  // whose flow it is: word 0 of the address is the hash, 0xc800000a chooses server 2
  forwards(
    'ICMPv6: the quoted client chooses the slot',
    about({ ip6: { destination: 'a00:c8::' } }),
    on('six-s0', 2),
  ),
  forwards('ICMPv6: by its second word', about({ ip6: { destination: '0:0:a00:c8::' } }), on('six-s1', 2)),
  forwards('ICMPv6: by its third word', about({ ip6: { destination: '::a00:c8:0:0' } }), on('six-s2', 2)),
  forwards('ICMPv6: by its fourth word', about({ ip6: { destination: '::a00:c8' } }), on('six-s3', 2)),
  forwards(
    'ICMPv6: who tells the error does not',
    about({}, {}, { ip6: { source: 'a00:c8::' } }),
    on('six-s0'),
  ),
  forwards(
    'ICMPv6: the client’s port chooses the slot: 200',
    about({ behind: tcp({ source: 80, destination: 0x00c8 }) }),
    on('six-by-port', 2),
  ),
  forwards(
    'ICMPv6: the client’s port chooses the slot: 51200',
    about({ behind: tcp({ source: 80, destination: 0xc800 }) }),
    on('six-by-port'),
  ),
  forwards('ICMPv6: UDP', about({ behind: udpAnswer }), on('six-udp')),
  forwards('ICMPv6: TCP where all are known', about(), on('dual', 2, 1)),
  forwards('ICMPv6: UDP where all are known', about({ behind: udpAnswer }), on('dual', 1, 3)),
  forwards(
    'ICMPv6: a listener in a table',
    about({ ip6: { source: wordOff(0, 1) } }, {}, { ip6: { source: teller, destination: wordOff(0, 1) } }),
    on('six-seventy', 2, 1),
  ),
  keeps(
    'no-listener',
    'ICMPv6: about nobody’s port',
    about({ behind: tcp({ source: 81, destination: 40_000 }) }),
    'six',
  ),
  keeps(
    'no-listener',
    'ICMPv6: about what the client sent',
    about({ behind: tcp({ source: 40_000, destination: 80 }) }),
    'six',
  ),
  keeps(
    'no-listener',
    'ICMPv6: about the node’s own flow',
    about({ ip6: { source: '2001:db8::2' } }, {}, { ip6: { source: teller, destination: '2001:db8::2' } }),
    'six',
  ),
  ...[0, 1, 2, 3].flatMap((word) => [
    keeps(
      'other-protocol',
      `ICMPv6: quotes another source, in word ${word}`,
      about({ ip6: { source: wordOff(word, 1) } }),
      'six',
    ),
    keeps(
      'other-protocol',
      `ICMPv6: goes to another, in word ${word}`,
      about({}, {}, { ip6: { source: teller, destination: wordOff(word, 0x80000000) } }),
      'six',
    ),
  ]),

  // what is quoted
  forwards('ICMPv6: eight bytes of a segment', about({ length: 48 }), on('six')),
  keeps('other-protocol', 'ICMPv6: seven bytes of a segment', about({ length: 47 }), 'six'),
  keeps('other-protocol', 'ICMPv6: no byte of a segment', about({ length: 40 }), 'six'),
  keeps('other-protocol', 'ICMPv6: 39 bytes of a header', about({ length: 39 }), 'six'),
  keeps('other-protocol', 'ICMPv6: nothing quoted', about({ length: 0 }), 'six'),
  keeps('other-protocol', 'ICMPv6: a cut ICMPv6 header', cut(frameOf(about()), 14 + 40 + 7), 'six'),
  keeps('other-protocol', 'ICMPv6: quoted version 4', about({ ip6: { version: 4 } }), 'six'),
  forwards('ICMPv6: a quoted hop-by-hop header', about({ extensions: [extension(HOPOPTS)] }), on('six')),
  forwards(
    'ICMPv6: a quoted authentication header',
    about({ extensions: [extension(AH, { body: zeros(10) })] }),
    on('six'),
  ),
  forwards('ICMPv6: six quoted headers', about({ extensions: Array(6).fill(extension(DSTOPTS)) }), on('six')),
  forwards(
    'ICMPv6: six quoted headers and eight bytes',
    about({ extensions: Array(6).fill(extension(DSTOPTS)), length: 96 }),
    on('six'),
  ),
  keeps(
    'other-protocol',
    'ICMPv6: six quoted headers and seven bytes',
    about({ extensions: Array(6).fill(extension(DSTOPTS)), length: 95 }),
    'six',
  ),
  keeps(
    'other-protocol',
    'ICMPv6: seven quoted headers',
    about({ extensions: Array(7).fill(extension(ROUTING)) }),
    'six',
  ),
  keeps(
    'other-protocol',
    'ICMPv6: a cut quoted header',
    about({ extensions: [extension(DSTOPTS, { body: zeros(14) })], length: 47 }),
    'six',
  ),
  forwards('ICMPv6: a quoted atomic fragment', about({ extensions: [fragment()] }), on('six')),
  forwards('ICMPv6: a quoted first fragment', about({ extensions: [fragment({ more: true })] }), on('six')),
  keeps(
    'other-protocol',
    'ICMPv6: a quoted later fragment',
    about({ extensions: [fragment({ more: true, offset: 181 })] }),
    'six',
  ),
  keeps(
    'other-protocol',
    'ICMPv6: a quoted last fragment behind options',
    about({ extensions: [extension(HOPOPTS), fragment({ offset: 1 })] }),
    'six',
  ),
  forwards('ICMPv6: a quoted payload length that lies', about({ ip6: { payloadLength: 0 } }), on('six')),
  forwards('ICMPv6: a quoted hop limit of 0', about({ ip6: { hopLimit: 0 } }), on('six')),
  keeps('other-protocol', 'ICMPv6: quotes a ping', about({ behind: icmp() }), 'six'),
  keeps('other-protocol', 'ICMPv6: quotes an error', about({ behind: icmp({ type: DEST_UNREACH }) }), 'six'),
  keeps('other-protocol', 'ICMPv6: quotes UDP where only TCP is known', about({ behind: udpAnswer }), 'six'),
  keeps('other-protocol', 'ICMPv6: quotes TCP where only UDP is known', about(), 'six-udp'),

  // the packet that it comes in
  forwards('ICMPv6: an option before it', about({}, {}, { extensions: [extension(DSTOPTS)] }), on('six')),
  forwards(
    'ICMPv6: six headers before and six within',
    about(
      { extensions: Array(6).fill(extension(DSTOPTS)) },
      {},
      { extensions: Array(6).fill(extension(HOPOPTS)) },
    ),
    on('six'),
  ),
  keeps(
    'other-protocol',
    'ICMPv6: seven headers before',
    about({}, {}, { extensions: Array(7).fill(extension(HOPOPTS)) }),
    'six',
  ),
  keeps(
    'other-protocol',
    'ICMPv6: a first fragment',
    about({}, {}, { extensions: [fragment({ more: true })] }),
    'six',
  ),
  forwards('ICMPv6: an atomic fragment', about({}, {}, { extensions: [fragment()] }), on('six')),
  forwards('ICMPv6: a tag', about({}, {}, { ether: { tags: [{ id: 7 }] } }), on('six')),
  forwards(
    'ICMPv6: two tags, options before and within',
    about(
      { extensions: [extension(ROUTING)] },
      {},
      { ether: { tags: [{ id: 7 }, { id: 8 }] }, extensions: [extension(DSTOPTS)] },
    ),
    on('six'),
  ),
  forwards('ICMPv6: padding behind it', about({ length: 48 }, {}, { trailer: zeros(4) }), on('six')),
  forwards('ICMPv6: jumbo', about(), on('six-jumbo')),
  keeps(
    'bad-length',
    'ICMPv6: a payload length that ends within the quote',
    about({}, {}, { ip6: { source: teller, payloadLength: 55 } }),
    'six',
  ),
  forwards(
    'ICMPv6: a payload length that ends with what is read',
    about({}, {}, { ip6: { source: teller, payloadLength: 56 } }),
    on('six'),
  ),
  keeps(
    'bad-length',
    'ICMPv6: a payload length beyond the frame',
    about({}, {}, { ip6: { source: teller, payloadLength: 69 } }),
    'six',
  ),
  keeps('ttl', 'ICMPv6: hop limit 1', about({}, {}, { ip6: { source: teller, hopLimit: 1 } }), 'six'),
  keeps(
    'other-host',
    'ICMPv6: to another host',
    about({}, {}, { ether: { destination: '02:1b:3c:5d:7e:90' } }),
    'six',
  ),
  keeps('no-server', 'ICMPv6: nobody is in the slots', about(), 'six-nobody'),
  keeps('no-server', 'ICMPv6: the server has lost its MAC', about(), 'six-unusable'),
  keeps('not-ip', 'ICMPv6: an error where only IPv4 listens', about(), 'one'),
]
