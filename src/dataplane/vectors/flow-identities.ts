// Which packets are of one flow: addresses, ports and protocol make it, and nothing else does. Then what services differ
// in, and which of a flow chooses its slot.

import type { ExtensionKind } from '../../wire/ipv6-extension.ts'
import { vip6 } from './fixture.ts'
import { wordOff } from './fixtures6.ts'
import type { Step, Story } from './story.ts'
import { ack, calm, datagram, learns, moved, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

const word = moved(1, 2)

/** Two packets, the first of a connection that begins. */
const alike = (name: string, fixture: Story['fixture'], first: Parts, second: Parts, service = 0): Story => ({
  name: `one flow: ${name}`,
  fixture,
  steps: [
    { word, send: syn(first), to: 1, service, events: 'miss insert', record: recordOf('syn', service) },
    { word, send: ack(second), to: 1, service, events: 'hit', record: recordOf('established', service) },
  ],
})
const recordOf = (state: string, service: number, server = 1): string =>
  `${state} ${server}${service === 0 ? '' : ` of ${service}`}`
const apart = (name: string, fixture: Story['fixture'], first: Parts, second: Parts, service = 0): Story => ({
  name: `two flows: ${name}`,
  fixture,
  steps: [
    { word, send: syn(first), to: 1, service, events: 'miss insert', record: recordOf('syn', service) },
    {
      word,
      send: ack(second),
      to: 2,
      service,
      events: 'miss insert',
      record: recordOf('established', service, 2),
    },
    { word, send: ack(first), to: 1, service, events: 'hit', record: recordOf('established', service) },
  ],
})

const extension = (number: ExtensionKind) => ({ kind: 'extension', number, fields: {} }) as const
const client = '2001:db8:ffff::7'

const identities: readonly Story[] = [
  alike('IP options', 'changes', {}, { ip: { options: new Uint8Array(8).fill(1) } }),
  alike('the most IP options', 'changes', { ip: { options: new Uint8Array(40).fill(1) } }, {}),
  alike(
    'TCP options and payload',
    'changes',
    {},
    { tcp: { options: new Uint8Array(12).fill(1) }, payload: 'x' },
  ),
  alike('TTL, DSCP, identification', 'changes', {}, { ip: { ttl: 7, dscp: 46, identification: 77 } }),
  alike('another source MAC', 'changes', {}, { ether: { source: '02:99:88:77:66:55' } }),
  alike('an extension header', 'six', six({}), six({ extensions: [extension(60)] })),
  alike(
    'three extension headers',
    'six',
    six({ extensions: [extension(0), extension(43), extension(60)] }),
    six({}),
  ),
  alike('hop limit, class and label', 'six', six({}), { ip6: { hopLimit: 3, flowLabel: 0xabcde } }),
  apart(
    'another source address',
    'changes',
    { ip: { source: '198.51.100.7' } },
    { ip: { source: '198.51.100.8' } },
  ),
  apart(
    'a source address with its octets turned',
    'changes',
    { ip: { source: '1.2.3.4' } },
    { ip: { source: '4.3.2.1' } },
  ),
  apart('another source port', 'changes', { tcp: { source: 40_000 } }, { tcp: { source: 40_001 } }),
  apart('another destination port', 'source', { tcp: { destination: 80 } }, { tcp: { destination: 81 } }),
  apart(
    'another source port, where the source alone chooses the slot',
    'source',
    { tcp: { source: 1 } },
    { tcp: { source: 2 } },
  ),
  apart(
    'ports in turn',
    'source',
    { tcp: { source: 81, destination: 80 } },
    { tcp: { source: 80, destination: 81 } },
  ),
  ...[0, 1, 2, 3].flatMap((at) => [
    apart(
      `another bit of word ${at} of the IPv6 source`,
      'six',
      { ip6: { source: client } },
      { ip6: { source: wordOff(at, 1, client) } },
    ),
    apart(
      `another bit of word ${at} of the IPv6 destination`,
      'six-words',
      { ip6: { destination: vip6 } },
      { ip6: { destination: wordOff(at, 0x80000000) } },
    ),
  ]),
  apart(
    'words of the IPv6 source in turn',
    'six',
    { ip6: { source: '1:2:3:4:5:6:7:8' } },
    { ip6: { source: '3:4:1:2:5:6:7:8' } },
  ),
]

/** The services of `mixed` and `tabled`, in one table. */
const services = (fixture: 'mixed' | 'tabled'): readonly Story[] => {
  const both = (step: Step): Step => ({ word: [word, word], ...step })
  return [
    {
      name: `services that keep, reset, track all and do not track: ${fixture}`,
      fixture,
      steps: [
        both({ send: syn(), to: 1, events: 'miss insert', record: 'syn 1' }),
        both({ send: datagram(), service: 1, to: 1, events: 'miss insert', record: 'established 1 of 1' }),
        both({ send: six(syn()), service: 2, to: 1, events: 'miss insert', record: 'syn 1 of 2' }),
        both({ send: six(datagram()), service: 3, to: 1 }),
        { word: [calm(1), calm(1)], send: syn(), to: 1, record: 'syn 1' },
        { send: datagram(), service: 1, to: 1, record: 'established 1 of 1' },
        { send: six(ack()), service: 2, to: 1, events: 'hit', record: 'established 1 of 2' },
        { send: six(datagram()), service: 3, to: 1 },
      ],
    },
    {
      name: `a server that has failed in one pool is well in another: ${fixture}`,
      fixture,
      steps: [
        both({ send: ack(), to: 2, events: 'miss insert', record: 'established 2' }),
        both({ send: six(ack()), service: 2, to: 2, events: 'miss insert', record: 'established 2 of 2' }),
        both({ failed: [[1, 2]], send: ack(), to: 2, events: 'hit', record: 'established 2' }),
        both({ send: six(ack()), service: 2, to: 'reset', events: 'hit', record: 'established 2 of 2' }),
        both({ failed: [[0, 2]], send: ack(), to: 'reset', events: 'hit', record: 'established 2' }),
        both({ send: six(ack()), service: 2, to: 2, events: 'hit', record: 'established 2 of 2' }),
      ],
    },
    {
      name: `a service that keeps beside one that resets: ${fixture}`,
      fixture,
      steps: [
        {
          word: [learns(1, 2), learns(1, 2)],
          send: datagram(),
          service: 1,
          to: 2,
          events: 'miss insert',
          record: 'established 2 of 1',
        },
        {
          failed: [[0, 2]],
          send: datagram(),
          service: 1,
          to: 2,
          events: 'hit',
          record: 'established 2 of 1',
        },
        { send: ack(), to: 'reset', events: 'miss' },
        {
          failed: [[1, 2]],
          send: datagram(),
          service: 1,
          to: 1,
          events: 'hit',
          record: 'established 1 of 1',
        },
        { send: ack(), to: 2, events: 'miss insert', record: 'established 2' },
      ],
    },
    {
      name: `UDP behind an extension header is UDP: ${fixture}`,
      fixture,
      steps: [
        { word: [calm(1), calm(1)], send: six(datagram({ extensions: [extension(0)] })), service: 3, to: 1 },
        both({
          send: six(syn({ extensions: [extension(0)] })),
          service: 2,
          to: 1,
          events: 'miss insert',
          record: 'syn 1 of 2',
        }),
        both({ send: six(ack()), service: 2, to: 1, events: 'hit', record: 'established 1 of 2' }),
        both({
          send: six(datagram({ extensions: [extension(60)], udp: { destination: 69 } })),
          service: 1,
          to: 1,
          events: 'miss insert',
          record: 'established 1 of 1',
        }),
        both({
          send: six(datagram({ udp: { destination: 69 } })),
          service: 1,
          to: 1,
          events: 'hit',
          record: 'established 1 of 1',
        }),
      ],
    },
  ]
}

/** Listeners in tables, whose services keep and reset; and one whose pool is not the first. */
const pools: readonly Story[] = [
  {
    name: 'a TCP service that keeps beside one that resets, found in tables',
    fixture: 'tabled',
    steps: [
      {
        word: [word, word],
        failed: [
          [0, 2],
          [1, 2],
        ],
        send: ack({ ip: { destination: '203.0.113.1' } }),
        service: 4,
        to: 2,
        events: 'miss insert',
        record: 'established 2 of 4',
      },
      { send: ack({ ip: { destination: '203.0.113.2' } }), service: 5, to: 'reset', events: 'miss' },
      {
        failed: [[0, 2]],
        send: ack({ ip: { destination: '203.0.113.2' } }),
        service: 5,
        to: 2,
        events: 'miss insert',
        record: 'established 2 of 5',
      },
    ],
  },
  {
    name: 'the only listener’s pool is the second',
    fixture: 'second-pool',
    steps: [
      {
        word: [0, word],
        failed: [[0, 2]],
        send: ack(),
        to: 2,
        events: 'miss insert',
        record: 'established 2',
      },
      { failed: [[1, 2]], send: ack(), to: 'reset', events: 'hit', record: 'established 2' },
    ],
  },
]

const slots: readonly Story[] = [
  {
    name: 'the source alone chooses the slot',
    fixture: 'source',
    // 10.0.0.200 is 0xc800000a, 0.78125 of 2^32: slot 797 of 1,021
    steps: [
      { word: calm(1), slots: { 797: calm(2) }, send: syn({ ip: { source: '10.0.0.200' } }), to: 2 },
      { send: syn({ ip: { source: '10.0.0.200' }, tcp: { source: 1 } }), to: 2 },
      { send: syn({ ip: { source: '10.0.0.200' }, tcp: { source: 65_535 } }), to: 2 },
      { send: syn({ ip: { source: '10.0.0.200' }, tcp: { destination: 81 } }), to: 2 },
      { send: syn({ ip: { source: '200.0.0.10' } }), to: 1 },
    ],
  },
  {
    name: 'the source chooses the slot of one service, the flow that of another',
    fixture: 'source-and-flow',
    // port 0xffc8 is 0xc8ff0000: slot 801; port 0x0dc8 is slot 797 as well as 0x00c8
    steps: [
      { word: calm(1), slots: { 797: calm(2), 0: calm(2) }, send: syn({ tcp: { source: 0x00c8 } }), to: 2 },
      { send: syn({ tcp: { source: 0xffc8 } }), to: 1 },
      { send: syn({ tcp: { source: 0x00c8, destination: 81 } }), to: 2, service: 1 },
      { send: syn({ tcp: { source: 0xffc8, destination: 81 } }), to: 2, service: 1 },
    ],
  },
]

/** flowIdentityStories. */
export const flowIdentityStories: readonly Story[] = [
  ...identities,
  ...services('mixed'),
  ...services('tabled'),
  ...pools,
  ...slots,
]
