// Ceilings of flows of UDP: a datagram is of a new flow where its flow is not known; who is known is so for LVS's time-out of
// UDP behind its last datagram, and room is made by who was seen least lately.

import { tcpFlag } from '../../wire/tcp.ts'
import { perWindow } from '../flow-clock.ts'
import { TIMEOUTS } from '../shape.ts'
import { clock } from './fixture.ts'
import { outcomeAt, type Sequence, type Step } from './sequence.ts'
import { frameOf, type Kept, type Parts } from './vector.ts'

/** Jiffies of the fixtures' clock: a tick, a second, and how long a flow is known. */
const [TICK, SECOND] = [16, 256]
const KNOWN = Math.ceil((TIMEOUTS.udp * 250) / TICK) * TICK
const TEN = perWindow(clock, 10)
const THIRTY = perWindow(clock, 30)

/** A flow by its client's port; as long as a TCP header, so that it takes the straight path. */
const flow = (port: number, parts: Parts = {}): Parts => ({
  ...(!parts.ip6 && { ip: {} }),
  udp: { source: port },
  payload: 'twelve bytes',
  ...parts,
})
const six = (port: number, source = '2001:db8:9::1'): Parts => flow(port, { ip6: { source } })
const is = (outcome: Kept | 'forwarded', now: number, parts: Parts): Step =>
  outcomeAt(now, frameOf(parts), outcome)
const goes = (now: number, parts: Parts): Step => is('forwarded', now, parts)
const each = (count: number, one: (i: number) => Step | readonly Step[]): Step[] =>
  Array.from({ length: count }, (_, i) => one(i)).flat()

/** A first fragment of a flow, and one that follows it. */
const first = (port: number, identification: number): Parts =>
  flow(port, { ip: { moreFragments: true, identification } })
const later = (identification: number): Parts => ({
  ip: { fragmentOffset: 185, protocol: 17, identification },
  behind: new Uint8Array(40).fill(0xab),
})
/** Three that do nothing, and the end. */
const options = Uint8Array.of(1, 1, 1, 0)
/** Starts: of all, where jiffies have 33 bits, and where ticks come round. */
const starts = [0, 123_457 * SECOND, 2 ** 32 - SECOND, 2 ** 36 - SECOND] as const

/** ceilingsOfUdp: sequences. */
export const ceilingsOfUdp: readonly Sequence[] = [
  ...starts.map(
    (start): Sequence => ({
      name: `a service takes ten flows of UDP a second, however many datagrams each has: from ${start} on`,
      fixture: 'defence-ceilings-udp',
      steps: [
        ...each(TEN, (i) => [goes(start, flow(1_000 + i)), goes(start, flow(1_000 + i))]),
        ...each(3, (i) => is('service-limit', start, flow(2_000 + i))),
        ...each(TEN, (i) => goes(start, flow(1_000 + i))),
        // who was refused is a new one in the next second
        ...each(TEN, (i) => goes(start + SECOND, flow(2_000 + i))),
        is('service-limit', start + SECOND, flow(3_000)),
        ...each(TEN, (i) => goes(start + SECOND, flow(1_000 + i))),
      ],
    }),
  ),
  {
    name: 'a flow of UDP is known for as long as it sends, and a time-out longer',
    fixture: 'defence-ceilings-udp',
    steps: [
      ...each(2, (i) => goes(0, flow(i + 1))),
      goes(KNOWN - TICK, flow(1)),
      // the other one is new again: the ceiling is reached one flow sooner
      goes(KNOWN, flow(2)),
      ...each(TEN - 1, (i) => goes(KNOWN, flow(100 + i))),
      goes(KNOWN, flow(1)),
      is('service-limit', KNOWN, flow(200)),
      goes(2 * KNOWN - 2 * TICK, flow(1)),
    ],
  },
  {
    name: 'the node’s ceiling is for flows of both protocols, and a service without one of its own has that',
    fixture: 'defence-ceilings-udp',
    steps: [
      ...each(10, (i) => goes(0, six(1_000 + i))),
      ...each(10, (i) => goes(0, { tcp: { source: 1_000 + i } })),
      ...each(THIRTY - 20, (i) => goes(0, six(1_010 + i))),
      is('node-limit', 0, six(3_000)),
      is('node-limit', 0, { tcp: { source: 3_000 } }),
      ...each(THIRTY - 10, (i) => goes(0, six(1_000 + i))),
      goes(0, { tcp: { source: 1_000, flags: tcpFlag.ACK } }),
    ],
  },
  {
    name: 'a flow of UDP is one of an address, a port and a service',
    fixture: 'defence-ceilings-udp',
    steps: [
      ...each(THIRTY, (i) => goes(0, six(1_000, `2001:db8:9::${(i + 1).toString(16)}`))),
      is('node-limit', 0, six(1_000, '2001:db8:9::ffff')),
      is('node-limit', 0, six(1_001)),
      is('node-limit', 0, flow(1_000)),
      goes(0, six(1_000, '2001:db8:9::1')),
    ],
  },
  {
    name: 'tags and options make no other flow',
    fixture: 'defence-ceilings-udp',
    steps: [
      ...each(TEN, (i) => goes(0, flow(1_000 + i))),
      goes(0, flow(1_000, { ether: { tags: [{ id: 3 }] } })),
      goes(0, flow(1_000, { ip: { options } })),
      is('service-limit', 0, flow(2_000, { ether: { tags: [{ id: 3 }] } })),
      is('service-limit', 0, flow(2_000, { ip: { options } })),
    ],
  },
  {
    name: 'what follows a first fragment is let in as that was',
    fixture: 'defence-ceilings-udp',
    steps: [
      ...each(TEN, (i) => goes(0, flow(1_000 + i))),
      is('service-limit', 0, first(2_000, 5)),
      is('fragment-held', 0, later(5)),
      goes(0, first(1_000, 6)),
      goes(0, later(6)),
      // and is no flow of its own
      goes(SECOND, first(2_000, 7)),
      ...each(TEN, () => goes(SECOND, later(7))),
      ...each(TEN - 1, (i) => goes(SECOND, flow(3_000 + i))),
      is('service-limit', SECOND, flow(4_000)),
    ],
  },
  {
    name: 'a service without a ceiling is not asked where the node has none',
    fixture: 'defence-ceilings-udp-service',
    steps: [
      ...each(60, (i) => goes(0, six(1_000 + i))),
      ...each(TEN, (i) => goes(0, flow(1_000 + i))),
      is('service-limit', 0, flow(2_000)),
    ],
  },
  {
    name: 'a flood of new flows of UDP takes no place of one that sends',
    fixture: 'defence-ceilings-udp',
    steps: [
      goes(0, flow(1)),
      ...each(60, (second) => [
        goes((second + 1) * SECOND, flow(1)),
        ...each(TEN, (i) => goes((second + 1) * SECOND, flow(1_000 + 64 * second + i))),
        ...each(3, (i) => is('service-limit', (second + 1) * SECOND, flow(10_000 + i))),
        goes((second + 1) * SECOND + TICK, flow(1)),
      ]),
    ],
  },
]
