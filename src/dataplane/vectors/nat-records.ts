// What nat keeps: who may have a place among the answers, what is refused, what is passed, what changes with time.

import { tcpFlag } from '../../wire/tcp.ts'
import { slotWord } from '../shape.ts'
import { client, vip, web1 } from './fixture.ts'
import { PORT, targets } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import type { NatStep, NatStory } from './nat-story.ts'
import { ack, datagram, fin, rst, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

const { SYN, ACK, FIN, RST } = tcpFlag
const to81 = (parts: Parts): Parts => ({ ...parts, tcp: { ...parts.tcp, destination: 81 } })
const toOther = (parts: Parts): Parts => ({ ...parts, ip: { ...parts.ip, destination: '192.0.2.11' } })
const from = (source: number, parts: Parts): Parts => ({ ...parts, tcp: { ...parts.tcp, source } })
const at = { port: PORT } as const
/** The clients' second router. */
const via = '00:00:5e:00:01:aa'
const FOR81 = `for ${vip}:81`

/** A flow to port 80 first; then one of the same client and port to port 81. */
function clash(name: string, first: readonly NatStep[], ...rest: readonly NatStep[]): NatStory {
  return { name: `nat, a clash: ${name}`, fixture: 'nat-port', steps: [...first, ...rest] }
}
const open: readonly NatStep[] = [
  { send: syn(), to: 1, ...at, events: made },
  { send: ack(), to: 1, ...at, events: 'hit', kept: ['established 1'] },
]
const opening: readonly NatStep[] = [{ send: syn(), to: 1, ...at, events: made, kept: ['syn 1'] }]
const tries = { events: 'miss insert' }

const passes = (name: string, answer: Parts, rest: Partial<NatStep> = {}): NatStory => ({
  name: `nat: ${name}`,
  fixture: 'nat',
  steps: [
    { send: syn(), to: 1, events: made },
    { answer, to: 'no-listener', ...rest },
  ],
})

/** Servers 1 and 2 take turns at the slots. */
const both = Object.fromEntries(Array.from({ length: 1_021 }, (_, slot) => [slot, slot % 2 ? 2 : 1]))

/** Their slots to port 81 are server 1's among `both`. */
const ports = [1, 2, 3, 4, 6, 7, 11, 15, 16, 18, 19, 20].map((port) => 40_000 + port)

/** natRecordStories. */
export const natRecordStories: readonly NatStory[] = [
  clash('no other server is there', open, {
    send: to81(syn()),
    to: 'clash',
    ...tries,
    kept: ['established 1'],
  }),
  clash('with a flow that has only begun', opening, {
    send: to81(syn()),
    to: 'clash',
    ...tries,
    kept: ['syn 1'],
  }),
  clash('with a flow to another address', open, { send: toOther(syn()), to: 'clash', ...tries }),
  clash('a segment does not try others', open, { send: to81(ack()), to: 'clash', events: 'miss insert' }),
  clash('nor does the last one', open, { send: to81(fin()), to: 'clash', events: 'miss' }),
  clash(
    'other servers take the flow, and keep it',
    open,
    {
      slots: both,
      send: to81(syn()),
      to: 2,
      ...at,
      events: 'miss insert hit answer-insert',
      kept: ['established 1', `syn 2 ${FOR81}`],
    },
    { send: to81(syn()), to: 2, ...at, events: 'hit' },
    { send: to81(ack()), to: 2, ...at, events: 'hit', kept: ['established 1', `established 2 ${FOR81}`] },
  ),
  {
    name: 'nat, a clash: of twelve flows whose places are taken each finds the other server',
    fixture: 'nat-port',
    steps: ports.flatMap((port): NatStep[] => [
      { send: from(port, syn()), word: 1, to: 1, ...at, events: made },
      { slots: both, send: from(port, to81(syn())), to: 2, ...at, events: 'miss insert hit answer-insert' },
    ]),
  },
  clash('a segment does not try others, though there are some', open, {
    slots: both,
    send: to81(ack()),
    to: 'clash',
    events: 'miss insert',
    kept: ['established 1'],
  }),
  {
    name: 'nat, a clash: where servers take turns, the flow goes to its slot’s server, and no turn is taken',
    fixture: 'nat-rr',
    steps: [
      { send: syn(), to: 1, ...at, events: made },
      { send: from(5, syn()), to: 2, ...at, events: made },
      { send: to81(syn()), to: 2, ...at, events: 'miss insert hit answer-insert' },
      { send: to81(ack()), to: 2, ...at, events: 'hit' },
      { send: from(6, syn()), to: 2, ...at, events: made },
      { send: from(7, syn()), to: 1, ...at, events: made },
    ],
  },
  {
    name: 'nat: a record that two CPUs wrote at once turns nothing back, and is made again',
    fixture: 'nat-six',
    steps: [
      { send: six(syn()), to: 1, ...at, events: made },
      { tearAnswers: true, answer: six({ tcp: { source: PORT } }), to: 'no-listener' },
      { send: six(ack()), to: 1, ...at, events: 'hit answer-insert', kept: ['established 1'] },
      { answer: six({ tcp: { source: PORT } }), to: 'client' },
    ],
  },
  {
    name: 'nat: a SYN finds no place among answers that are all established, a segment does',
    fixture: 'nat-tiny',
    steps: [
      ...[1, 2, 3, 4].map((port): NatStep => ({ send: from(port, ack()), to: 1, ...at, events: made })),
      { sweepFlows: true, send: from(5, syn()), to: 'no-room', events: 'miss insert' },
      {
        sweepFlows: true,
        at: 1_100,
        send: from(5, ack()),
        to: 1,
        ...at,
        events: 'miss insert answer-evicted answer-insert',
      },
    ],
  },
  clash(
    'what went elsewhere stays there, and is answered from there',
    open,
    { word: 2, send: to81(syn()), to: 2, ...at, events: made },
    {
      word: 1,
      send: to81(ack()),
      to: 2,
      ...at,
      events: 'hit',
      kept: ['established 1', `established 2 ${FOR81}`],
    },
    { answer: { tcp: { source: PORT } }, from: 2, to: 'client', as: { port: 81 } },
    { answer: { tcp: { source: PORT } }, to: 'client' },
  ),
  clash(
    'a closed flow’s place is taken',
    [...open, { send: fin(), to: 1, ...at, events: 'hit', kept: ['closed 1'] }],
    { send: to81(syn()), to: 1, ...at, events: made, kept: [`syn 1 ${FOR81}`] },
    { answer: { tcp: { source: PORT } }, to: 'client', as: { port: 81 } },
  ),
  clash(
    'the last packet of a flow takes no closed one’s place',
    [...open, { send: rst(), to: 1, ...at, events: 'hit', kept: ['closed 1'] }],
    { send: to81(rst()), to: 1, ...at, events: 'miss', kept: ['closed 1'] },
  ),
  clash('a flow that is silent for longer than its time-out loses its place', open, {
    at: 1_000 + 14_064,
    send: to81(syn()),
    to: 1,
    ...at,
    events: made,
    kept: [`syn 1 ${FOR81}`],
  }),
  clash('a flow that is silent for just its time-out keeps its place', open, {
    at: 1_000 + 14_063,
    send: to81(syn()),
    to: 'clash',
    ...tries,
  }),
  clash('a SYN that is silent for longer than its time-out loses its place', opening, {
    at: 1_000 + 939,
    send: to81(syn()),
    to: 1,
    ...at,
    events: made,
    kept: [`syn 1 ${FOR81}`],
  }),
  clash('a SYN that is silent for just its time-out keeps its place', opening, {
    at: 1_000 + 938,
    send: to81(syn()),
    to: 'clash',
    ...tries,
  }),
  {
    name: 'nat, a clash: datagrams go elsewhere, too',
    fixture: 'nat-udp',
    steps: [
      { send: datagram(), to: 1, ...at, events: made },
      { send: datagram({ udp: { destination: 54 } }), to: 'clash', ...tries },
      {
        word: slotWord(2, 2),
        send: datagram({ udp: { destination: 54 } }),
        to: 2,
        ...at,
        events: 'hit*2 answer-insert',
      },
    ],
  },
  {
    name: 'nat: a record made for nobody but its own flow’s server',
    fixture: 'nat',
    steps: [
      { send: syn(), to: 1, events: made, kept: ['syn 1'] },
      { word: 2, send: from(41_000, syn()), to: 2, events: made, kept: ['syn 1', 'syn 2'] },
      { answer: {}, from: 1, to: 'client' },
      { answer: { tcp: { destination: 41_000 } }, from: 2, to: 'client' },
      { answer: {}, from: 2, to: 'no-listener' },
      { answer: { tcp: { destination: 41_000 } }, from: 1, to: 'no-listener' },
    ],
  },
  {
    name: 'nat: answers go to where the client’s last packet came from',
    fixture: 'nat',
    steps: [
      { send: syn(), to: 1, events: made, kept: ['syn 1'] },
      {
        send: ack({ ether: { source: via as never } }),
        to: 1,
        events: 'hit',
        kept: [`established 1 via ${via}`],
      },
      { answer: {}, to: 'client', as: { via }, kept: [`established 1 via ${via}`] },
      { send: ack(), to: 1, events: 'hit', kept: ['established 1'] },
      { answer: {}, to: 'client' },
    ],
  },
  {
    name: 'nat: what turns answers back is made again by the next packet',
    fixture: 'nat',
    steps: [
      { send: syn(), to: 1, events: made },
      { sweepAnswers: true, answer: {}, to: 'no-listener', kept: [] },
      { send: ack(), to: 1, events: 'hit answer-insert', kept: ['established 1'] },
      { answer: {}, to: 'client' },
    ],
  },
  {
    name: 'nat: the last packet of a flow makes no record',
    fixture: 'nat',
    steps: [
      { send: fin(), to: 1, events: 'miss', kept: [] },
      { send: rst(), to: 1, events: 'miss', kept: [] },
    ],
  },
  {
    name: 'nat: an answer refreshes its record, a RST closes it, and a packet after that does not open it',
    fixture: 'nat',
    steps: [
      { send: syn(), to: 1, events: made },
      { at: 1_100, answer: { tcp: { flags: SYN | ACK } }, to: 'client', kept: ['syn 1 @1100'] },
      { at: 1_110, answer: { tcp: { flags: RST | ACK } }, to: 'client', kept: ['closed 1 @1110'] },
      { at: 1_120, answer: { tcp: { flags: ACK } }, to: 'client', kept: ['closed 1 @1120'] },
      { at: 1_130, send: ack(), to: 1, events: 'hit', kept: ['closed 1 @1130'] },
      { at: 1_140, send: syn(), to: 1, events: 'hit', kept: ['syn 1 @1140'] },
    ],
  },
  {
    name: 'nat: the clock of records comes round',
    fixture: 'nat',
    steps: [
      { at: 2 ** 30 - 2, send: syn(), to: 1, events: made, kept: ['syn 1'] },
      { at: 2 ** 30 + 3, send: ack(), to: 1, events: 'hit', kept: ['established 1 @3'] },
      { at: 2 ** 30 + 4, answer: {}, to: 'client', kept: ['established 1 @4'] },
    ],
  },
  {
    name: 'nat: a flow stays with its server when its slot moves, and is answered',
    fixture: 'nat',
    steps: [
      { send: syn(), to: 1, events: made },
      { word: 2, send: ack(), to: 1, events: 'hit' },
      { failed: [1], send: ack(), to: 1, events: 'hit' },
      { answer: {}, to: 'client' },
    ],
  },
  {
    name: 'nat: a failed server’s flow is reset where the service says so',
    fixture: 'nat-resets',
    steps: [
      { send: syn(), to: 1, events: made },
      { word: 2, failed: [1], send: ack(), to: 'reset', events: 'hit' },
      { send: syn(), to: 2, events: 'hit answer-insert', kept: ['syn 1 @1000', 'syn 2'] },
    ],
  },
  {
    name: 'nat: a datagram’s flow leaves a failed server, and both servers’ answers are turned back',
    fixture: 'nat-udp',
    steps: [
      { send: datagram(), to: 1, ...at, events: made },
      {
        word: 2,
        failed: [1],
        send: datagram(),
        to: 2,
        ...at,
        events: 'hit answer-insert',
        kept: ['established 1', 'established 2'],
      },
      { answer: { udp: { source: PORT } }, from: 1, to: 'client' },
      { answer: { udp: { source: PORT } }, from: 2, to: 'client' },
    ],
  },
  {
    name: 'nat: nobody is there, or nobody that is reachable',
    fixture: 'nat',
    steps: [
      { word: 0, send: syn(), to: 'no-server', events: 'miss', kept: [] },
      { word: 3, send: syn(), to: 'no-server', events: 'miss', kept: [] },
      { word: 1, lost: [1], send: syn(), to: 'no-server', events: 'miss', kept: [] },
      { lost: [], send: syn(), to: 1, events: made },
      { lost: [1], send: ack(), to: 'no-server', events: 'hit', kept: ['syn 1'] },
      { lost: [], send: ack(), to: 1, events: 'hit', kept: ['established 1'] },
    ],
  },
  {
    name: 'nat: above the limit of new flows nothing goes, and what is known goes on',
    fixture: 'nat-capped',
    steps: [
      ...[1, 2, 3, 4].map((port): NatStep => ({ send: from(port, syn()), to: 1, events: made })),
      { send: from(5, syn()), to: 'no-room', events: 'miss capped' },
      { send: from(5, ack()), to: 'no-room', events: 'miss capped' },
      { send: from(5, rst()), to: 1, events: 'miss' },
      { send: from(4, ack()), to: 1, events: 'hit' },
      { at: 1_016, send: from(5, syn()), to: 1, events: made },
    ],
  },
  {
    name: 'nat: a SYN makes no room among established flows, a segment does',
    fixture: 'nat-tiny',
    steps: [
      ...[1, 2, 3, 4].map(
        (port): NatStep => ({ at: 1_000 + 16 * port, send: from(port, ack()), to: 1, ...at, events: made }),
      ),
      { send: from(5, syn()), to: 'no-room', events: 'miss full' },
      {
        send: from(5, ack()),
        to: 1,
        ...at,
        events: 'miss evicted insert answer-evicted answer-insert',
        kept: [2, 3, 4].map((port) => `established 1 @${1_000 + 16 * port}`).concat('established 1'),
      },
      { send: from(2, ack()), to: 1, ...at, events: 'hit' },
    ],
  },
  {
    name: 'nat: there is no room among the answers, though there is among the flows',
    fixture: 'nat-tiny',
    steps: [
      ...[1, 2, 3, 4].map((port): NatStep => ({ send: from(port, ack()), to: 1, ...at, events: made })),
      ...[1, 2].map((port): NatStep => ({ send: from(port, fin()), to: 1, ...at, events: 'hit' })),
      { send: from(5, syn()), to: 1, ...at, events: made },
      { send: from(6, syn()), to: 1, ...at, events: made },
      {
        send: from(7, syn()),
        to: 1,
        ...at,
        events: made,
        kept: ['established 1', 'established 1', 'syn 1', 'syn 1'],
      },
    ],
  },
  passes('what a server sends to somebody else passes', { ip: { destination: '198.51.100.8' } }),
  passes('what a server sends to another port passes', { tcp: { destination: 40_001 } }),
  passes('what a server sends from another port passes', { tcp: { source: 81 } }),
  passes('what somebody else sends passes', { ip: { source: '10.1.2.99' } }),
  passes('what another server sends passes', {}, { from: 2 }),
  passes('an answer of another protocol passes', { udp: { source: 80 } }, { to: 'other-protocol' }),
  passes('what a client sends to a server itself passes', {
    ip: { source: client, destination: targets[0] },
  }),
  passes('an answer that ends before its header does passes', {
    ip: { protocol: 6, totalLength: 39 },
    behind: new Uint8Array(19),
  }),
  {
    name: 'nat: an answer to another MAC is not ours',
    fixture: 'nat',
    steps: [
      { send: syn(), to: 1, events: made },
      { answer: { ether: { destination: web1 } }, to: 'other-host' },
    ],
  },
  {
    name: 'nat: TCP and UDP of the same ports are told apart',
    fixture: 'nat-mixed',
    steps: [
      { send: datagram(), to: 1, service: 1, events: made },
      { answer: { tcp: { source: 53 } }, to: 'no-listener' },
      { answer: { udp: {} }, to: 'client' },
      { send: six(syn()), to: 2, service: 2, events: made },
      { answer: six({ udp: { source: 80 } }), from: 2, to: 'no-listener' },
      { answer: six({}), from: 2, to: 'client' },
    ],
  },
  ...[0, 1, 2, 3].flatMap((word) =>
    (['source', 'destination'] as const).map((side): NatStory => {
      const groups = (side === 'source' ? 'fd00:1:2:3:4:5:6:71' : '2001:db8:ffff:0:0:0:0:7').split(':')
      const off = groups.map((group, i) =>
        i === 2 * word ? (Number.parseInt(group, 16) ^ 1).toString(16) : group,
      )
      return {
        name: `nat: an answer whose ${side} differs in word ${word} passes`,
        fixture: 'nat-six',
        steps: [
          { send: six(syn()), to: 1, ...at, events: made },
          { answer: six({ tcp: { source: PORT }, ip6: { [side]: off.join(':') } }), to: 'no-listener' },
          { answer: six({ tcp: { source: PORT, flags: FIN | ACK } }), to: 'client', kept: ['closed 1'] },
        ],
      }
    }),
  ),
]
