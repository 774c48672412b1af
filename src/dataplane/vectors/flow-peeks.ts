// What only belongs to a flow, an error about it or a later fragment: it goes where the flow is, and the flow's record
// stays as it is.

import type { Layer } from '../../wire/layer.ts'
import { fragment, icmp, ipv4, ipv6, packet, tcp, udp } from '../../wire/packet.ts'
import { client, client6, vip, vip6 } from './fixture.ts'
import type { FlowFixtureName } from './flow-fixtures.ts'
import type { Step, Story } from './story.ts'
import { ack, datagram, learns, moved, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

/** LIKE_TCP: it stands where the length of a TCP header would, and the flags, if the error were a segment. */
const LIKE_TCP = 0x5000

/** about: an error about the answer to a packet of the client. */
function about({ ip6, udp: asked, tcp: segment }: Parts, parts: Parts = {}): Parts {
  const ports = { source: asked ? 53 : (segment?.destination ?? 80), destination: 40_000 }
  const answer: Layer = asked ? udp(ports) : tcp(ports)
  const quoted = ip6
    ? packet(ipv6({ source: vip6, destination: client6 }), answer)
    : packet(ipv4({ source: vip, destination: client, identification: LIKE_TCP }), answer)
  const from = ip6 ? { ip6: { source: '2001:db8:beef::1' } } : { ip: { source: '198.18.0.1', ...parts.ip } }
  return { ...parts, ...from, behind: icmp({ type: ip6 ? 2 : 3, code: ip6 ? 0 : 4 }), payload: quoted }
}

/** pieces: a packet of the client as a first fragment, and a later one of the same. */
function pieces(parts: Parts): readonly [Parts, Parts] {
  const behind = new Uint8Array(24).fill(0xee)
  if (!parts.ip6)
    return [
      { ...parts, ip: { moreFragments: true, identification: 7 } },
      { ip: { fragmentOffset: 185, identification: 7, protocol: parts.udp ? 17 : 6 }, behind },
    ]
  const of = (fields: Parameters<typeof fragment>[0]) => [fragment({ identification: 7, ...fields })]
  return [
    { ...parts, extensions: of({ more: true }) },
    { ip6: {}, extensions: of({ offset: 181, nextHeader: parts.udp ? 17 : 6 }), behind },
  ]
}

const segment6 = six(ack())
const datagram6 = six(datagram())

interface Kind {
  readonly name: string
  readonly fixture: FlowFixtureName
  readonly of: Parts
  readonly service?: number
}
const kinds: readonly Kind[] = [
  { name: 'TCP', fixture: 'changes', of: ack() },
  { name: 'TCP, jumbo', fixture: 'changes-jumbo', of: ack() },
  { name: 'UDP', fixture: 'udp', of: datagram() },
  { name: 'IPv6', fixture: 'six', of: segment6 },
  { name: 'TCP among all', fixture: 'mixed', of: ack() },
  { name: 'UDP among all', fixture: 'mixed', of: datagram(), service: 1 },
  { name: 'TCP of IPv6 among all', fixture: 'mixed', of: segment6, service: 2 },
  { name: 'TCP in tables', fixture: 'tabled', of: ack() },
  { name: 'UDP in tables', fixture: 'tabled', of: datagram(), service: 1 },
  { name: 'TCP of IPv6 in tables', fixture: 'tabled', of: segment6, service: 2 },
]

const word = [moved(1, 2), moved(1, 2)]
const of = (service: number): string => (service === 0 ? '' : ` of ${service}`)

/** With a record, and without. */
const errors = kinds.flatMap(({ name, fixture, of: packet, service = 0 }): Story[] => {
  const common = { word: fixture === 'mixed' || fixture === 'tabled' ? word : word[0]!, service, of: packet }
  const step: Step = { ...common, send: about(packet), to: 2, events: 'hit' }
  const isUdp = packet.udp !== undefined
  return [
    {
      name: `an error about a flow with a record follows it and leaves it: ${name}`,
      fixture,
      held: [{ place: 0, record: `established 2${of(service)} @900`, own: true }],
      steps: [{ ...step, record: `established 2${of(service)} @900` }],
    },
    {
      name: `an error about a flow without a record goes where the flow would, and makes none: ${name}`,
      fixture,
      steps: [{ ...step, to: isUdp ? 1 : 2, events: 'miss', record: 'none' }],
    },
  ]
})

const fragments = [
  ...kinds,
  { name: 'UDP of IPv6, not tracked', fixture: 'mixed', of: datagram6, service: 3 } as const,
].map(({ name, fixture, of: packet, service = 0 }: Kind): Story => {
  const [first, later] = pieces(packet)
  const isTracked = service !== 3
  const server = packet.udp ? 1 : 2
  const record = isTracked ? `established ${server}${of(service)} @1000` : 'none'
  const isOne = fixture !== 'mixed' && fixture !== 'tabled'
  return {
    name: `a later fragment follows the flow of its first and leaves the record: ${name}`,
    fixture,
    steps: [
      {
        word: isOne ? word[0]! : word,
        service,
        of: packet,
        send: first,
        to: server,
        events: isTracked ? 'miss insert' : '',
        record,
      },
      {
        at: 1_010,
        word: isOne ? moved(2, 1) : [moved(2, 1), moved(2, 1)],
        service,
        of: packet,
        send: later,
        to: isTracked ? server : 2,
        events: isTracked ? 'hit' : '',
        record,
      },
    ],
  }
})

const single: readonly Story[] = [
  {
    name: 'an error about a closed flow leaves it closed, one about a SYN leaves it one',
    fixture: 'changes',
    held: [{ place: 0, record: 'closed 2 @900', own: true }],
    steps: [
      { word: moved(1, 2), of: ack(), send: about(ack()), to: 2, events: 'hit', record: 'closed 2 @900' },
      { send: syn(), to: 1, events: 'hit', record: 'syn 1' },
      { at: 1_100, of: ack(), send: about(ack()), to: 1, events: 'hit', record: 'syn 1 @1000' },
    ],
  },
  {
    name: 'an error in a tagged frame, with options',
    fixture: 'changes',
    held: [{ place: 0, record: 'established 2 @900', own: true }],
    steps: [
      {
        word: moved(1, 2),
        of: ack(),
        send: about(ack(), { ether: { tags: [{ id: 7 }, { id: 8 }] }, ip: { options: new Uint8Array(8) } }),
        to: 2,
        events: 'hit',
        record: 'established 2 @900',
      },
    ],
  },
  {
    name: 'an error about a flow whose server has failed and resets is nobody’s, and no RST is sent',
    fixture: 'resets',
    held: [{ place: 0, record: 'established 2 @900', own: true }],
    steps: [
      {
        word: moved(1, 1),
        failed: [2],
        of: ack(),
        send: about(ack()),
        to: 'no-server',
        events: 'hit',
        record: 'established 2 @900',
      },
    ],
  },
  {
    name: 'an error about a flow of before whose settled server has failed and resets is nobody’s',
    fixture: 'resets',
    steps: [
      {
        word: moved(1, 2),
        failed: [2],
        of: ack(),
        send: about(ack()),
        to: 'no-server',
        events: 'miss',
        record: 'none',
      },
    ],
  },
  {
    name: 'an error about a datagram’s flow goes to the settled server while flows are learnt',
    fixture: 'udp',
    steps: [
      { word: learns(1, 2), of: datagram(), send: about(datagram()), to: 2, events: 'miss', record: 'none' },
    ],
  },
  {
    name: 'an error about a datagram’s flow whose server has failed goes to the current one, and its record stays',
    fixture: 'udp',
    held: [{ place: 0, record: 'established 2 @900', own: true }],
    steps: [
      {
        word: moved(1, 1),
        failed: [2],
        of: datagram(),
        send: about(datagram()),
        to: 1,
        events: 'hit',
        record: 'established 2 @900',
      },
    ],
  },
]

/** flowPeekStories. */
export const flowPeekStories: readonly Story[] = [...errors, ...fragments, ...single]
