// Nat both ways: connections from their SYN to their end, over both families and protocols, ports translated or not.

import { tcpFlag } from '../../wire/tcp.ts'
import { PORT } from './nat-fixtures.ts'
import type { NatStep, NatStory } from './nat-story.ts'
import { ack, data, datagram, fin, rst, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

const { SYN, ACK, FIN, RST } = tcpFlag
/** What is counted for a flow's first packet. */
export const made = 'miss insert answer-insert'

const toPort = (parts: Parts, destination: number): Parts => ({
  ...parts,
  tcp: { ...parts.tcp, destination },
})

/** One answer, after the client's packet that it answers. */
function answered(
  name: string,
  fixture: NatStory['fixture'],
  asks: Pick<NatStep, 'send' | 'to' | 'port' | 'service'>,
  answer: Parts,
  rest: Partial<NatStep> = {},
): NatStory {
  return {
    name: `nat: ${name}`,
    fixture,
    steps: [
      { ...asks, events: made },
      { answer, to: 'client', from: asks.to as 1, ...rest },
    ],
  }
}
const asked = { send: syn(), to: 1 } as const
const asked6 = { send: six(syn()), to: 1, port: PORT } as const

/** natFlowStories. */
export const natFlowStories: readonly NatStory[] = [
  {
    name: 'nat: a connection from its SYN to its end, and the next one of its ports',
    fixture: 'nat',
    steps: [
      { send: syn(), to: 1, events: made, kept: ['syn 1'] },
      { at: 1_001, answer: { tcp: { flags: SYN | ACK } }, to: 'client', kept: ['syn 1'] },
      { at: 1_002, send: ack(), to: 1, events: 'hit', kept: ['established 1'] },
      { at: 1_003, send: data({ payload: 'GET' }), to: 1, events: 'hit', kept: ['established 1'] },
      { at: 1_004, answer: { payload: 'answer' }, to: 'client', kept: ['established 1'] },
      { at: 1_005, answer: { tcp: { flags: FIN | ACK } }, to: 'client', kept: ['closed 1'] },
      { at: 1_006, send: ack(), to: 1, events: 'hit', kept: ['closed 1'] },
      { at: 1_007, send: fin(), to: 1, events: 'hit', kept: ['closed 1'] },
      { at: 1_008, answer: {}, to: 'client', kept: ['closed 1'] },
      { at: 1_009, send: syn(), to: 1, events: 'hit', kept: ['syn 1'] },
    ],
  },
  {
    name: 'nat: the same with a port of the servers’ own',
    fixture: 'nat-port',
    steps: [
      { send: syn(), to: 1, port: PORT, events: made, kept: ['syn 1'] },
      { answer: { tcp: { source: PORT, flags: SYN | ACK } }, to: 'client', kept: ['syn 1'] },
      { send: ack(), to: 1, port: PORT, events: 'hit', kept: ['established 1'] },
      { send: rst(), to: 1, port: PORT, events: 'hit', kept: ['closed 1'] },
      { answer: { tcp: { source: PORT, flags: RST } }, to: 'client', kept: ['closed 1'] },
    ],
  },
  {
    name: 'nat: the same over IPv6',
    fixture: 'nat-six',
    steps: [
      { send: six(syn()), to: 1, port: PORT, events: made, kept: ['syn 1'] },
      {
        answer: six({ tcp: { source: PORT, flags: SYN | ACK }, payload: 'odd' }),
        to: 'client',
        kept: ['syn 1'],
      },
      { send: six(data({ payload: 'x' })), to: 1, port: PORT, events: 'hit', kept: ['established 1'] },
      {
        answer: six({ tcp: { source: PORT, flags: FIN | ACK } }),
        to: 'client',
        kept: ['closed 1'],
      },
    ],
  },
  {
    name: 'nat: datagrams both ways',
    fixture: 'nat-udp',
    steps: [
      { send: datagram({ payload: 'question' }), to: 1, port: PORT, events: made, kept: ['established 1'] },
      {
        at: 1_003,
        answer: { udp: { source: PORT }, payload: 'answer' },
        to: 'client',
        kept: ['established 1'],
      },
      { send: datagram(), to: 1, port: PORT, events: 'hit', kept: ['established 1'] },
      {
        send: datagram({ udp: { destination: 54, source: 40_001 } }),
        to: 1,
        port: PORT,
        events: made,
        kept: ['established 1', 'established 1 for 192.0.2.10:54'],
      },
      { answer: { udp: { source: PORT, destination: 40_001 } }, to: 'client', as: { port: 54 } },
    ],
  },
  {
    name: 'nat: datagrams over IPv6',
    fixture: 'nat-six-udp',
    steps: [
      { send: six(datagram({ payload: 'question' })), to: 1, events: made, kept: ['established 1'] },
      { answer: six({ udp: {}, payload: 'answer!' }), to: 'client', kept: ['established 1'] },
    ],
  },
  {
    name: 'nat: beside dsr, both families and protocols',
    fixture: 'nat-mixed',
    steps: [
      { send: syn(), to: 1, port: PORT, events: made },
      { answer: { tcp: { source: PORT } }, to: 'client' },
      { send: datagram({ payload: 'q' }), to: 1, service: 1, events: made },
      { answer: { udp: {}, payload: 'a' }, to: 'client' },
      { send: six(syn()), to: 2, service: 2, events: made },
      { answer: six({}), from: 2, to: 'client' },
      { send: six(datagram()), to: 2, port: PORT, service: 3, events: made },
      { answer: six({ udp: { source: PORT } }), from: 2, to: 'client' },
      {
        send: toPort(syn(), 81),
        to: 1,
        service: 4,
        untranslated: true,
        kept: ['syn 1', 'established 1', 'syn 2', 'established 2'],
      },
      // its answers would go to the client straight: nothing is known of them
      { answer: { tcp: { source: 81 } }, to: 'no-listener' },
    ],
  },
  {
    name: 'nat: beside dsr, listeners in tables',
    fixture: 'nat-tabled',
    steps: [
      { send: syn(), to: 1, port: PORT, events: made },
      { answer: { tcp: { source: PORT } }, to: 'client' },
      { send: datagram({ payload: 'q' }), to: 1, service: 1, events: made },
      { answer: { udp: {}, payload: 'a' }, to: 'client' },
      { send: six(syn()), to: 2, service: 2, events: made },
      { answer: six({}), from: 2, to: 'client' },
      { send: six(datagram()), to: 2, port: PORT, service: 3, events: made },
      { answer: six({ udp: { source: PORT } }), from: 2, to: 'client' },
      { send: toPort(syn(), 81), to: 1, service: 4, untranslated: true },
      { send: { ip: { destination: '203.0.113.70' } }, to: 1, service: 4, untranslated: true },
    ],
  },
  {
    name: 'nat: jumbo frames',
    fixture: 'nat-jumbo',
    steps: [
      { send: data({ payload: 'x'.repeat(8_000) }), to: 1, events: made, kept: ['established 1'] },
      { answer: { payload: 'y'.repeat(8_000) }, to: 'client', kept: ['established 1'] },
    ],
  },
  answered('an answer with IP options', 'nat', asked, { ip: { options: new Uint8Array(8).fill(1) } }),
  answered('an answer with the longest IP header', 'nat', asked, {
    ip: { options: new Uint8Array(40).fill(1) },
  }),
  answered(
    'a request with IP options',
    'nat',
    { send: syn({ ip: { options: new Uint8Array(12).fill(1) } }), to: 1 },
    {},
  ),
  answered(
    'a datagram with IP options',
    'nat-udp',
    {
      send: datagram({ ip: { options: new Uint8Array(4).fill(1) } }),
      to: 1,
      port: PORT,
    },
    { udp: { source: PORT } },
  ),
  answered('an answer with bytes behind it', 'nat', asked, { trailer: new Uint8Array(9) }),
  answered('a request with bytes behind it', 'nat', { send: syn({ trailer: new Uint8Array(6) }), to: 1 }, {}),
  answered('an answer that does not want to be cut up', 'nat', asked, { ip: { dontFragment: true } }),
  answered('the last answer that has a TTL to spare', 'nat', asked, { ip: { ttl: 2 } }),
  answered(
    'the last answer that has a hop limit to spare',
    'nat-six',
    asked6,
    six({ ip6: { hopLimit: 2 }, tcp: { source: PORT } }),
  ),
  answered(
    'an answer whose TTL has run out',
    'nat',
    asked,
    { ip: { ttl: 1 } },
    { to: 'ttl', kept: ['syn 1 @1000'], at: 1_009 },
  ),
  answered('an answer whose TTL is 0', 'nat', asked, { ip: { ttl: 0 } }, { to: 'ttl' }),
  answered(
    'an answer whose hop limit has run out',
    'nat-six',
    asked6,
    six({ ip6: { hopLimit: 1 }, tcp: { source: PORT } }),
    { to: 'ttl' },
  ),
]
