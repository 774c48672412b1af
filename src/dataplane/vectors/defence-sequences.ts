// What is bounded in a second: what rules let through, what one source sends, what services and the node take.

import { fragment } from '../../wire/packet.ts'
import { tcpFlag } from '../../wire/tcp.ts'
import { perWindow } from '../flow-clock.ts'
import { ceilingsOfUdp } from './ceiling-sequences.ts'
import { clock } from './fixture.ts'
import { BANNED_UNTIL } from './fixtures-defence.ts'
import { outcomeAt, type Sequence, type Step } from './sequence.ts'
import { frameOf, type Kept, type Parts } from './vector.ts'

/** A second of the fixtures' clock: 2^8 jiffies. */
const SECOND = 256
const within = (perSecond: number) => perWindow(clock, perSecond)

const times = (count: number, now: number, parts: Parts, outcome: Kept | 'forwarded'): Step[] => {
  const frame = frameOf(parts)
  return Array.from({ length: count }, () => outcomeAt(now, frame, outcome))
}
/** up to so many pass at `now`, and no more. */
const upTo = (perSecond: number, now: number, parts: Parts, refused: Kept): Step[] => [
  ...times(within(perSecond), now, parts, 'forwarded'),
  ...times(3, now, parts, refused),
]

const starts: readonly (readonly [string, number])[] = [
  ['the first of all', 0],
  ['an ordinary one', 123_457 * SECOND],
  ['the last before seconds of a source have 17 bits', 65_535 * SECOND],
  ['the last before jiffies have 33 bits', 2 ** 32 - SECOND],
  ['the last before seconds have 33 bits', 2 ** 40 - SECOND],
]
/** everyStart: a sequence for each second to start at, where all is allowed again in the next. */
const everyStart = (
  name: string,
  fixture: Sequence['fixture'],
  second: (now: number) => readonly Step[],
): Sequence[] =>
  starts.map(([what, start]) => ({
    name: `${name}: ${what}`,
    fixture,
    steps: [...second(start), ...second(start + SECOND), ...second(start + 9 * SECOND - 1)],
  }))

const syn = (source: string, port = 40_000): Parts =>
  source.includes(':')
    ? { ip6: { source }, tcp: { source: port } }
    : { ip: { source }, tcp: { source: port } }
const ack: Parts = { tcp: { flags: tcpFlag.ACK } }
/** A datagram as long as a TCP header, which takes the straight path. */
const datagram = (source: string): Parts => ({ ip: { source }, udp: {}, payload: 'twelve bytes' })

/** Fragments of a datagram, the first or one behind it; and what a later one has. */
const piece = (identification: number, isFirst: boolean) => ({
  identification,
  ...(isFirst ? { moreFragments: true } : { fragmentOffset: 185 }),
})
const piece6 = (identification: number, offset: number): Parts => ({
  ip6: {},
  extensions: [fragment({ identification, offset, nextHeader: 17, ...(offset === 0 && { more: true }) })],
})
const rest = new Uint8Array(40).fill(0xab)

/** What a flood looks like in a second: each knob is turned every second. */
const shapesOf = (second: number): Step[] => {
  const now = second * SECOND
  const shape = (i: number): Parts => ({
    ip: { source: `10.${second}.0.${i}`, ttl: 40 + 7 * second, identification: second },
    tcp: {
      source: 1_000 + i,
      window: (second * 9_973) & 0xffff,
      ...(second % 2 === 1 && { options: Uint8Array.of(2, 4, 5, 180) }),
    },
    ...(second % 3 === 2 && { payload: new Uint8Array(second) }),
  })
  const one = (i: number): Parts => ({ ...shape(i), ip: { ...shape(i).ip, source: '198.51.100.7' } })
  return [
    ...Array.from({ length: within(10) }, (_, i) => times(1, now, one(i), 'forwarded')).flat(),
    ...times(2, now, one(200), 'source-limit'),
    ...Array.from({ length: within(30) - within(10) }, (_, i) => times(1, now, shape(i), 'forwarded')).flat(),
    ...times(3, now, shape(201), 'service-limit'),
  ]
}

/** defenceSequences. */
export const defenceSequences: readonly Sequence[] = [
  ...everyStart('a rule lets ten a second through, whoever sends them', 'defence-rule-limit', (now) => [
    ...upTo(10, now, { tcp: { window: 100 } }, 'rule'),
    ...times(2, now, { ip: { source: '203.0.113.5' }, tcp: { window: 0 } }, 'rule'),
    ...times(2, now, { ip6: {}, tcp: { window: 0 } }, 'rule'),
    ...times(2, now, { tcp: { window: 101 } }, 'forwarded'),
    ...times(2, now, { udp: {} }, 'forwarded'),
  ]),
  {
    name: 'what one rule lets through the next one counts for itself',
    fixture: 'defence-rule-limit',
    steps: [
      ...upTo(5, 0, { tcp: { window: 55 } }, 'rule'),
      // those that the second dropped have been counted by the first
      ...times(within(10) - within(5) - 3, 0, { tcp: { window: 100 } }, 'forwarded'),
      ...times(1, 0, { tcp: { window: 100 } }, 'rule'),
    ],
  },
  ...everyStart('a source opens ten flows a second', 'defence-sources', (now) => [
    ...upTo(10, now, syn('198.51.100.7'), 'source-limit'),
    ...times(1, now, syn('198.51.100.7', 50_000), 'source-limit'),
    ...times(2, now, syn('198.51.100.8'), 'forwarded'),
    ...times(2, now, ack, 'forwarded'),
    ...times(2, now, { tcp: { flags: tcpFlag.SYN | tcpFlag.ACK } }, 'forwarded'),
    ...times(2, now, { tcp: { flags: tcpFlag.RST } }, 'forwarded'),
    ...times(2, now, { tcp: { flags: tcpFlag.FIN | tcpFlag.ACK } }, 'forwarded'),
    ...times(1, now, { ether: { tags: [{ id: 3 }] } }, 'source-limit'),
  ]),
  ...everyStart(
    'a source sends twenty datagrams a second, and its flows count apart',
    'defence-sources',
    (now) => [
      ...upTo(20, now, datagram('198.51.100.7'), 'source-limit'),
      ...upTo(10, now, syn('198.51.100.7'), 'source-limit'),
    ],
  ),
  {
    name: 'of IPv6 a source is a /64',
    fixture: 'defence-sources',
    steps: [
      ...Array.from({ length: within(10) }, (_, i) =>
        times(1, 0, syn(`2001:db8:9:1::${i}`), 'forwarded'),
      ).flat(),
      ...times(1, 0, syn('2001:db8:9:1:ffff::9'), 'source-limit'),
      ...times(1, 0, syn('2001:db8:9:0::9'), 'forwarded'),
      ...times(1, 0, syn('2001:db8:9:2::9'), 'forwarded'),
    ],
  },
  {
    name: 'who is allowed has no limit',
    fixture: 'defence-sources',
    steps: [
      ...times(60, 0, syn('198.18.0.7'), 'forwarded'),
      ...times(60, 0, datagram('198.18.0.7'), 'forwarded'),
    ],
  },
  {
    name: 'a source is a /24, or a /48, where the file says so',
    fixture: 'defence-sources-wide',
    steps: [
      ...Array.from({ length: within(10) }, (_, i) => times(1, 0, syn(`203.0.113.${i}`), 'forwarded')).flat(),
      ...times(1, 0, syn('203.0.113.255'), 'source-limit'),
      ...times(1, 0, syn('203.0.112.255'), 'forwarded'),
      ...Array.from({ length: within(10) }, (_, i) =>
        times(1, 0, syn(`2001:db8:9:${i}::1`), 'forwarded'),
      ).flat(),
      ...times(1, 0, syn('2001:db8:9:ffff::'), 'source-limit'),
      ...times(1, 0, syn('2001:db8:8:ffff::'), 'forwarded'),
      ...times(60, 0, datagram('203.0.113.1'), 'forwarded'),
    ],
  },
  {
    name: 'sources that come once do not put out one that has sent more, nor are they limited for it',
    fixture: 'defence-sources',
    steps: [
      ...times(within(10) - 1, 0, syn('198.51.100.7'), 'forwarded'),
      ...Array.from({ length: 500 }, (_, i) =>
        times(1, 0, syn(`10.1.${i >> 8}.${i & 255}`), 'forwarded'),
      ).flat(),
      ...times(1, 0, syn('198.51.100.7'), 'forwarded'),
      ...times(2, 0, syn('198.51.100.7'), 'source-limit'),
    ],
  },
  {
    name: 'sources of the second before make room for those of now',
    fixture: 'defence-sources',
    steps: [
      ...Array.from({ length: 8 }, (_, i) => times(5, 0, syn(`10.2.0.${i}`), 'forwarded')).flat(),
      ...Array.from({ length: 8 }, (_, i) => times(2, SECOND, syn(`10.3.0.${i}`), 'forwarded')).flat(),
      ...Array.from({ length: 8 }, (_, i) =>
        times(within(10) - 2, SECOND, syn(`10.3.0.${i}`), 'forwarded'),
      ).flat(),
      ...Array.from({ length: 8 }, (_, i) => times(1, SECOND, syn(`10.3.0.${i}`), 'source-limit')).flat(),
    ],
  },
  ...everyStart('a service takes ten flows a second, the node thirty', 'defence-ceilings', (now) => [
    ...times(within(10), now, {}, 'forwarded'),
    ...times(2, now, {}, 'service-limit'),
    ...times(2, now, { ip: { source: '203.0.113.5' } }, 'service-limit'),
    ...times(2, now, ack, 'forwarded'),
    ...times(within(30) - within(10), now, { ip6: {} }, 'forwarded'),
    ...times(2, now, { ip6: {} }, 'node-limit'),
    ...times(2, now, { udp: {} }, 'forwarded'),
    ...times(2, now, { ip6: {}, tcp: { flags: tcpFlag.ACK } }, 'forwarded'),
  ]),
  {
    name: 'what follows a first fragment that a rule has dropped finds nothing, IPv4 and IPv6',
    fixture: 'defence-rules',
    steps: [
      outcomeAt(0, frameOf({ ip: piece(5, true), udp: { source: 7 }, payload: 'sixteen bytes at' }), 'rule'),
      outcomeAt(0, frameOf({ ip: { ...piece(5, false), protocol: 17 }, behind: rest }), 'fragment-held'),
      outcomeAt(
        0,
        frameOf({ ip: piece(6, true), udp: { source: 8 }, payload: 'sixteen bytes at' }),
        'forwarded',
      ),
      outcomeAt(0, frameOf({ ip: { ...piece(6, false), protocol: 17 }, behind: rest }), 'forwarded'),
      ...(['rule', 'forwarded'] as const).flatMap((outcome, i) => [
        outcomeAt(
          0,
          frameOf({ ...piece6(i, 0), udp: { source: 7 + i }, payload: 'sixteen bytes at' }),
          outcome,
        ),
        outcomeAt(0, frameOf({ ...piece6(i, 3), behind: rest }), i === 0 ? 'fragment-held' : 'forwarded'),
      ]),
    ],
  },
  {
    name: 'SYNs in first fragments count as any',
    fixture: 'defence-sources',
    steps: [
      ...Array.from({ length: within(10) }, (_, i) =>
        times(
          1,
          0,
          { ip: { source: '198.51.100.7', ...piece(i, true) }, tcp: { source: 1_000 + i } },
          'forwarded',
        ),
      ).flat(),
      ...times(
        1,
        0,
        { ip: { source: '198.51.100.7', ...piece(99, true) }, tcp: { source: 9 } },
        'source-limit',
      ),
      ...times(1, 0, syn('198.51.100.7'), 'source-limit'),
    ],
  },
  {
    name: 'shapes that are others every second have one ceiling, and one source one limit',
    fixture: 'defence-shapes',
    steps: Array.from({ length: 12 }, (_, i) => shapesOf(i)).flat(),
  },
  {
    name: 'who takes addresses that are allowed opens no more flows than the service takes',
    fixture: 'defence-shapes',
    steps: Array.from({ length: 3 }, (_, second) => [
      ...times(within(30), second * SECOND, syn('203.0.113.5'), 'forwarded'),
      ...times(3, second * SECOND, syn('203.0.113.6'), 'service-limit'),
      ...times(1, second * SECOND, ack, 'forwarded'),
    ]).flat(),
  },
  ...ceilingsOfUdp,
  {
    name: 'a ban ends at its tick, and not one before',
    fixture: 'defence-lists',
    steps: [
      outcomeAt((BANNED_UNTIL - 1) * 16 + 15, frameOf(syn('203.0.113.9')), 'banned'),
      outcomeAt(BANNED_UNTIL * 16, frameOf(syn('203.0.113.9')), 'forwarded'),
      outcomeAt((BANNED_UNTIL - 1) * 16, frameOf(syn('203.0.113.65')), 'banned'),
      outcomeAt(BANNED_UNTIL * 16, frameOf(syn('203.0.113.65')), 'denied'),
      outcomeAt(BANNED_UNTIL * 16, frameOf(syn('2001:db8:d::1')), 'forwarded'),
      outcomeAt(4 * 16 + 15, frameOf(syn('198.51.100.35')), 'banned'),
    ],
  },
]
