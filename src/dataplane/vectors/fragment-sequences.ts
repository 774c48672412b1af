// Fragments and their firsts: in order, alone, too late, pushed out, of senders and datagrams that resemble each other;
// and how many are handed over in a second.

import { ipv6Next } from '../../wire/ipv6.ts'
import { extension, fragment } from '../../wire/packet.ts'
import { HELD_PER_SECOND, LIFE } from '../path-fragment.ts'
import { own } from './fixture.ts'
import type { FixtureName } from './fixtures.ts'
import { at, outcomeAt, type Sequence, type Step } from './sequence.ts'
import { forwards, frameOf, type Parts } from './vector.ts'

/** A tick of the fixtures' clock, and a second. */
const TICK = 16
const SECOND = 256
const tag: Parts['ether'] = { tags: [{ id: 7 }] }

/** A first fragment, and a later one, whose ports are nobody's: both have what they are about in `ip` or `ip6`. */
const first = (parts: Parts = {}): Parts => ({ ...parts, ip: { moreFragments: true, ...parts.ip } })
const later = (parts: Parts = {}): Parts => ({
  ...parts,
  ip: { fragmentOffset: 185, protocol: parts.udp ? 17 : 6, ...parts.ip },
  behind: new Uint8Array(40).fill(0xab),
})
const first6 = (parts: Parts = {}, identification = 9): Parts => ({
  ip6: {},
  ...parts,
  extensions: [fragment({ more: true, identification })],
})
const later6 = (parts: Parts = {}, identification = 9): Parts => ({
  ip6: {},
  ...parts,
  extensions: [fragment({ offset: 181, identification, nextHeader: parts.udp ? 17 : 6 })],
  behind: new Uint8Array(40).fill(0xab),
})

interface Went {
  readonly fixture?: FixtureName
  readonly server?: number
  readonly service?: number
}
const goes = (now: number, parts: Parts, went: Went = {}): Step => at(now, forwards('', parts, went))
const isHeld = (now: number, parts: Parts): Step => outcomeAt(now, frameOf(parts), 'fragment-held')

const sequence = (name: string, steps: readonly Step[], fixture: FixtureName = 'one'): Sequence => ({
  name: `fragments: ${name}`,
  fixture,
  steps,
})

/** Both in order, and the later alone before it and after it is forgotten. */
const inOrder = (
  name: string,
  one: Parts,
  two: Parts,
  went: Went & { readonly fixture: FixtureName },
  start = 0,
): Sequence =>
  sequence(
    `${name}: a later one goes where its first went`,
    [
      isHeld(start, two),
      goes(start, one, went),
      goes(start, two, went),
      goes(start + LIFE * TICK, two, went),
      isHeld(start + (LIFE + 1) * TICK, two),
      goes(start + (LIFE + 1) * TICK, one, went),
      goes(start + (LIFE + 1) * TICK, two, went),
    ],
    went.fixture,
  )

const twos: Went = { fixture: 'by-address', server: 2 }

/** What makes another datagram of it. */
const others: readonly (readonly [string, Parts])[] = [
  ['identification', { ip: { identification: 1 } }],
  ['identification, octets exchanged', { ip: { identification: 0x0100 } }],
  ['source', { ip: { source: '198.51.100.8' } }],
  ['destination', { ip: { destination: '192.0.2.11' } }],
]
const others6: readonly (readonly [string, Parts, number])[] = [
  ['identification', {}, 8],
  ['identification, its upper half', {}, 0x00010009],
  ['source', { ip6: { source: '2001:db8:ffff::8' } }, 9],
  ['source, its first word', { ip6: { source: '2001:db9:ffff::7' } }, 9],
]

/** So many others that some must have come into every bucket. */
const many = Array.from({ length: 40_000 }, (_, i) =>
  outcomeAt(
    0,
    frameOf(first({ ip: { identification: i & 0xffff, source: `10.${i >> 16}.0.1` } })),
    'forwarded',
  ),
)

/** fragmentSequences. */
export const fragmentSequences: readonly Sequence[] = [
  inOrder('TCP', first(), later(), { fixture: 'one' }),
  inOrder('UDP', first({ udp: {} }), later({ udp: {} }), { fixture: 'udp' }),
  inOrder('TCP of IPv6', first6(), later6(), { fixture: 'six' }),
  inOrder('UDP of IPv6', first6({ udp: {} }), later6({ udp: {} }), { fixture: 'six-udp' }),
  inOrder('a tag', first({ ether: tag }), later({ ether: tag }), { fixture: 'one' }),
  inOrder('a tag and IPv6', first6({ ether: tag }), later6({ ether: tag }), { fixture: 'six' }),
  inOrder('options', first({ ip: { options: new Uint8Array(4) } }), later(), { fixture: 'one' }),
  inOrder('jumbo', first(), later(), { fixture: 'jumbo' }),
  inOrder('both protocols', first({ udp: {} }), later({ udp: {} }), {
    fixture: 'both',
    service: 1,
    server: 2,
  }),
  inOrder('all kinds, TCP of IPv6', first6(), later6(), { fixture: 'dual', service: 1, server: 2 }),
  inOrder('all kinds, UDP', first({ udp: {} }), later({ udp: {} }), {
    fixture: 'dual',
    service: 2,
    server: 2,
  }),
  inOrder(
    'listeners in a table',
    first({ ip: { destination: '203.0.113.30' }, tcp: { destination: 80 } }),
    later({ ip: { destination: '203.0.113.30' } }),
    {
      fixture: 'seventy',
      service: 69,
      server: 2,
    },
  ),
  inOrder('the port chooses', first({ tcp: { source: 0x00c8 } }), later(), { fixture: 'by-port', server: 2 }),
  inOrder('the clock’s ticks come round', first(), later(), { fixture: 'one' }, 256 * TICK - TICK),
  inOrder('jiffies get 33 bits', first(), later(), { fixture: 'one' }, 2 ** 32 - TICK),

  ...others.map(([what, parts]) =>
    sequence(`another ${what} is another datagram`, [
      goes(0, first()),
      what === 'destination' ? outcomeAt(0, frameOf(later(parts)), 'no-listener') : isHeld(0, later(parts)),
      goes(0, later()),
    ]),
  ),
  ...others6.map(([what, parts, id]) =>
    sequence(
      `IPv6: another ${what} is another datagram`,
      [
        goes(0, first6(), { fixture: 'six' }),
        isHeld(0, later6(parts, id)),
        goes(0, later6(), { fixture: 'six' }),
      ],
      'six',
    ),
  ),
  sequence(
    'another protocol is another datagram',
    [
      goes(0, first({ tcp: { destination: 53 } }), { fixture: 'both' }),
      isHeld(0, later({ udp: {} })),
      goes(0, later(), { fixture: 'both' }),
    ],
    'both',
  ),
  sequence('the newest of one name counts', [
    goes(0, first({ tcp: { source: 1 } })),
    goes(0, first({ tcp: { source: 2 } })),
    goes(0, later()),
  ]),
  sequence(
    'the newest of one name counts: where it went',
    [
      goes(0, first({ tcp: { source: 0x00c8 } }), { fixture: 'by-port', server: 2 }),
      goes(0, later(), { fixture: 'by-port', server: 2 }),
      goes(0, first({ tcp: { source: 0x00c9 } }), { fixture: 'by-port', server: 1 }),
      goes(0, later(), { fixture: 'by-port', server: 1 }),
    ],
    'by-port',
  ),
  sequence('one that is dropped is not remembered', [
    outcomeAt(0, frameOf(first({ ip: { ttl: 1 } })), 'ttl'),
    outcomeAt(0, frameOf(first({ ip: { totalLength: 39 } })), 'bad-length'),
    outcomeAt(0, frameOf(first({ tcp: { destination: 81 } })), 'no-listener'),
    isHeld(0, later()),
  ]),
  sequence(
    'one whose server is gone is remembered',
    [outcomeAt(0, frameOf(first()), 'no-server'), outcomeAt(0, frameOf(later()), 'no-server')],
    'nobody',
  ),
  sequence('a later one has a length and a TTL of its own', [
    goes(0, first()),
    outcomeAt(0, frameOf(later({ ip: { ttl: 1 } })), 'ttl'),
    outcomeAt(0, frameOf(later({ ip: { totalLength: 20 } })), 'bad-length'),
    goes(0, later({ ip: { totalLength: 21 } })),
    outcomeAt(0, frameOf(later({ ip: { totalLength: 61 } })), 'bad-length'),
    goes(0, later({ ip: { fragmentOffset: 0x1fff, moreFragments: true } })),
    outcomeAt(0, frameOf(later({ ip: { fragmentOffset: 2 } })), 'tiny-fragment'),
  ]),
  sequence(
    'IPv6: a later one has a length and a hop limit of its own',
    [
      goes(0, first6(), { fixture: 'six' }),
      outcomeAt(0, frameOf(later6({ ip6: { hopLimit: 1 } })), 'ttl'),
      outcomeAt(0, frameOf(later6({ ip6: { payloadLength: 8 } })), 'bad-length'),
      goes(0, later6({ ip6: { payloadLength: 9 } }), { fixture: 'six' }),
      outcomeAt(0, frameOf(later6({ ip6: { payloadLength: 49 } })), 'bad-length'),
    ],
    'six',
  ),
  sequence(
    'IPv6: headers before and behind the fragment header',
    [
      goes(
        0,
        {
          ip6: {},
          extensions: [
            extension(ipv6Next.HOPOPTS),
            fragment({ more: true, identification: 9 }),
            extension(ipv6Next.DSTOPTS),
          ],
        },
        { fixture: 'six' },
      ),
      goes(0, later6(), { fixture: 'six' }),
    ],
    'six',
  ),
  // the hash is the source address, its last octet first: these have one place
  sequence(
    'two of one place are remembered, a third pushes the older out',
    [
      ...[10, 11].map((octet) => goes(0, first({ ip: { source: `${octet}.0.0.200` } }), twos)),
      ...[10, 11].map((octet) => goes(0, later({ ip: { source: `${octet}.0.0.200` } }), twos)),
      isHeld(0, later({ ip: { source: '12.0.0.200' } })),
      goes(0, first({ ip: { source: '12.0.0.200' } }), twos),
      isHeld(0, later({ ip: { source: '10.0.0.200' } })),
      ...[11, 12].map((octet) => goes(0, later({ ip: { source: `${octet}.0.0.200` } }), twos)),
    ],
    'by-address',
  ),
  sequence(
    'IPv6: an atomic fragment is none, whatever its reserved bits',
    [
      goes(
        0,
        { ip6: {}, extensions: [fragment({ reservedBits: 3, reserved: 255, identification: 9 })] },
        { fixture: 'six' },
      ),
      isHeld(0, later6()),
    ],
    'six',
  ),
  sequence('the daemon runs it again, from our own MAC', [
    isHeld(0, later()),
    outcomeAt(5, frameOf(later({ ether: { source: own } })), 'fragment-lost'),
    goes(5, first()),
    goes(5, later({ ether: { source: own } })),
  ]),
  sequence('the oldest of a bucket is pushed out', [goes(0, first()), ...many, isHeld(0, later())]),
  sequence(`${HELD_PER_SECOND} a second are handed over`, [
    ...Array.from({ length: HELD_PER_SECOND }, () => isHeld(SECOND, later())),
    outcomeAt(SECOND, frameOf(later()), 'fragment'),
    outcomeAt(2 * SECOND - 1, frameOf(later()), 'fragment'),
    isHeld(2 * SECOND, later()),
  ]),
]
