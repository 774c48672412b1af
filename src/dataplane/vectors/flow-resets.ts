// Clients that are told that their server is no more: RFC 9293 3.10.7.1, over IPv4 and IPv6.

import { tcpFlag } from '../../wire/tcp.ts'
import type { Step, Story } from './story.ts'
import { ack, data, fin, moved, rst, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

const { SYN, ACK, FIN, RST, PSH } = tcpFlag
const word = moved(1, 1)
const numbers = { sequence: 0x01020304, acknowledgment: 0xa1b2c3d4 }

type Fixture = Story['fixture']

/** A segment of a recorded flow whose server has failed, over both families. */
function told(name: string, send: Parts, step: Partial<Step> = {}): Story[] {
  const story = (fixture: Fixture, parts: Parts, family: string): Story => ({
    name: `a RST ${name}, ${family}`,
    fixture,
    held: [{ place: 0, record: 'established 2 @900', own: true }],
    steps: [
      { word, failed: [2], send: parts, to: 'reset', events: 'hit', record: 'established 2 @900', ...step },
    ],
  })
  return [story('resets', send, 'IPv4'), story('six-resets', six(send), 'IPv6')]
}

const segment = (flags: number, rest: Parts = {}): Parts => ({
  ...rest,
  tcp: { ...numbers, flags, ...rest.tcp },
})
const nothing = { to: 'no-server' } as const
const options = new Uint8Array(12).fill(1)

/** flowResetStories. */
export const flowResetStories: readonly Story[] = [
  ...told('for an ACK', segment(ACK)),
  ...told('for data', segment(PSH | ACK, { payload: 'GET / HTTP/1.0' })),
  ...told('for a full segment', segment(ACK, { payload: new Uint8Array(1_400).fill(7) })),
  ...told('for an odd number of bytes', segment(PSH | ACK, { payload: 'x' })),
  ...told('for a FIN with ACK', segment(FIN | ACK)),
  ...told('for a SYN with ACK', segment(SYN | ACK)),
  ...told('for a FIN without ACK', segment(FIN)),
  ...told('for a SYN with FIN', segment(SYN | FIN)),
  ...told('for a SYN with FIN and data', segment(SYN | FIN, { payload: 'abc' })),
  ...told('for data without ACK', segment(PSH, { payload: 'abcde' })),
  ...told('for nothing at all', segment(0)),
  ...told(
    'for a sequence number that comes round',
    segment(FIN, { payload: 'abcd', tcp: { sequence: 0xfffffffe } }),
  ),
  ...told('for a sequence number of all ones', segment(0, { payload: 'a', tcp: { sequence: 0xffffffff } })),
  ...told('for an acknowledgment of 0', segment(ACK, { tcp: { acknowledgment: 0 } })),
  ...told('for TCP options', segment(PSH, { payload: 'abc', tcp: { options } })),
  ...told('for TCP options, with ACK', segment(ACK, { tcp: { options } })),
  ...told('for a frame with a trailer', segment(0, { payload: 'ab', trailer: new Uint8Array(9).fill(0xee) })),
  ...told('for another source', segment(ACK, { ether: { source: '02:00:5e:10:20:30' } })),
  ...told('is not sent for a RST', segment(RST), nothing),
  ...told('is not sent for a RST with ACK', segment(RST | ACK), nothing),
  ...told('is not sent for a FIN with RST', segment(FIN | RST | ACK), nothing),
  ...told('is not sent for a header of 16 bytes', segment(ACK, { tcp: { dataOffset: 4 } }), nothing),
  ...told(
    'is not sent for a header longer than the segment',
    segment(ACK, { tcp: { dataOffset: 6 } }),
    nothing,
  ),
  ...told('is sent for a header as long as the segment', segment(ACK, { tcp: { dataOffset: 5 } })),
  {
    name: 'a RST is not sent for a packet with IP options',
    fixture: 'resets',
    held: [{ place: 0, record: 'established 2', own: true }],
    steps: [
      {
        word,
        failed: [2],
        // what would be taken for a TCP header's offset and flags, were there no options
        send: ack({ ip: { options: new Uint8Array(4).fill(1) }, tcp: { acknowledgment: 0x50100000 } }),
        to: 'no-server',
        events: 'hit',
        record: 'established 2',
      },
    ],
  },
  {
    name: 'a RST is not sent for a packet with an extension header',
    fixture: 'six-resets',
    held: [{ place: 0, record: 'established 2', own: true }],
    steps: [
      {
        word,
        failed: [2],
        send: six(
          ack({ extensions: [{ kind: 'extension', number: 60, fields: {} }], tcp: { sequence: 0x50100000 } }),
        ),
        to: 'no-server',
        events: 'hit',
        record: 'established 2',
      },
    ],
  },
  {
    name: 'a RST from a jumbo shape',
    fixture: 'resets-jumbo',
    held: [{ place: 0, record: 'established 2 @900', own: true }],
    steps: [
      {
        word,
        failed: [2],
        send: segment(ACK, { payload: new Uint8Array(1_000) }),
        to: 'reset',
        events: 'hit',
        record: 'established 2 @900',
      },
      {
        send: segment(ACK, { payload: new Uint8Array(8_900).fill(3) }),
        to: 'reset',
        events: 'hit',
        record: 'established 2 @900',
      },
    ],
  },
  {
    name: 'a connection whose server fails: a RST, then a new one elsewhere',
    fixture: 'resets',
    steps: [
      { word: moved(2, 2), send: syn(), to: 2, events: 'miss insert', record: 'syn 2' },
      { send: ack(), to: 2, events: 'hit', record: 'established 2' },
      {
        word: moved(1, 2),
        failed: [2],
        at: 1_010,
        send: data({ payload: 'x' }),
        to: 'reset',
        events: 'hit',
        record: 'established 2 @1000',
      },
      { at: 1_011, send: syn(), to: 1, events: 'hit', record: 'syn 1' },
      { at: 1_012, send: ack(), to: 1, events: 'hit', record: 'established 1' },
      { at: 1_013, send: fin(), to: 1, events: 'hit', record: 'closed 1' },
    ],
  },
  {
    name: 'a flow without a record whose settled server has failed: a RST, and no record',
    fixture: 'resets',
    steps: [
      { word: moved(1, 2), failed: [2], send: ack(), to: 'reset', events: 'miss' },
      { send: rst(), to: 'no-server', events: 'miss' },
      { send: fin(), to: 'reset', events: 'miss' },
      { word: moved(1, 0), send: ack(), to: 1, events: 'miss insert', record: 'established 1' },
    ],
  },
  {
    name: 'a RST from a server that came back is its own',
    fixture: 'resets',
    held: [{ place: 0, record: 'established 2', own: true }],
    steps: [
      { word, failed: [2], send: ack(), to: 'reset', events: 'hit', record: 'established 2' },
      { failed: [1], send: ack(), to: 2, events: 'hit', record: 'established 2' },
    ],
  },
  {
    name: 'a server that is lost, and has not failed: no RST',
    fixture: 'resets',
    held: [{ place: 0, record: 'established 2', own: true }],
    steps: [{ word, lost: [2], send: ack(), to: 'no-server', events: 'hit', record: 'established 2' }],
  },
  {
    name: 'a server that has failed and is lost: a RST',
    fixture: 'resets',
    held: [{ place: 0, record: 'established 2', own: true }],
    steps: [
      { word, lost: [2], failed: [2], send: ack(), to: 'reset', events: 'hit', record: 'established 2' },
    ],
  },
]
