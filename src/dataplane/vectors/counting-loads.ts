// Services of wlc and the like: what is counted when records come, close and go.

import { four, from, news, opened, strangers } from './counting-words.ts'
import type { Step, Story } from './story.ts'
import { ack, calm, data, datagram, fin, learns, rst, syn } from './story-words.ts'

/** countingLoadStories. */
export const countingLoadStories: readonly Story[] = [
  {
    name: 'wlc: new connections go where there is least for the weight, of equals to the first',
    fixture: 'wlc',
    steps: [
      ...([1, 2, 2, 1, 2, 2] as const).map((to, i): Step => ({ ...news(to)[0]!, send: from(i + 1) })),
      { send: from(9), to: 1, events: 'miss insert', record: 'syn 1', counts: '1:3/0 2:4/0' },
    ],
  },
  {
    name: 'wlc: a connection becomes inactive once',
    fixture: 'wlc',
    steps: [
      opened(1, { counts: '1:1/0' }),
      { send: ack(), to: 1, events: 'hit', record: 'established 1', counts: '1:1/0' },
      { send: fin(), to: 1, events: 'hit', record: 'closed 1', counts: '1:0/1' },
      { send: fin(), to: 1, events: 'hit', record: 'closed 1', counts: '1:0/1' },
      { at: 1_001, send: rst(), to: 1, events: 'hit', record: 'closed 1', counts: '1:0/1' },
      { send: data(), to: 1, events: 'hit', record: 'closed 1', counts: '1:0/1' },
    ],
  },
  {
    name: 'wlc: a connection that is reset before it is established is inactive',
    fixture: 'wlc',
    steps: [
      opened(1),
      { send: rst(), to: 1, events: 'hit', record: 'closed 1', counts: '1:0/1' },
      opened(2, { send: from(7), counts: '1:0/1 2:1/0' }),
    ],
  },
  {
    name: 'wlc: a port that is used again counts anew, for whoever gets it',
    fixture: 'wlc',
    steps: [
      opened(1),
      { send: fin(), to: 1, events: 'hit', record: 'closed 1', counts: '1:0/1' },
      { send: syn(), to: 2, events: 'hit', record: 'syn 2 in 0', counts: '2:1/0' },
    ],
  },
  {
    name: 'wlc: a segment without a record counts for the slot’s server',
    fixture: 'wlc',
    steps: [
      {
        word: calm(2),
        ...{ send: ack(), to: 2, events: 'miss insert', record: 'established 2' },
        counts: '2:1/0',
      },
      { send: from(7, fin), to: 2, events: 'miss', counts: '2:1/0' },
    ],
  },
  {
    name: 'wlc: who makes room is counted no longer: a closed one',
    fixture: 'wlc-tiny',
    held: strangers('established 2', 'established 2', 'closed 1', 'established 2'),
    steps: [
      opened(1, {
        ...{
          loads: '1:0/1 2:3/0',
          left: [0, 1, 3],
          record: 'syn 1 in 2',
        },
        counts: '1:1/0 2:3/0',
      }),
    ],
  },
  {
    name: 'wlc: who makes room is counted no longer: one of a SYN, and one that has expired',
    fixture: 'wlc-tiny',
    held: strangers('established 2', 'syn 2', 'established 2', 'established 2'),
    steps: [
      opened(1, { loads: '2:4/0', counts: '1:1/0 2:3/0', record: 'syn 1 in 1' }),
      opened(1, { at: 20_000, send: from(7), counts: '1:1/0 2:3/0' }),
      opened(2, { send: from(8), loads: '1:9/0', counts: '1:8/0 2:4/0' }),
    ],
  },
  {
    name: 'wlc: who makes room is counted no longer: an established one, for a segment',
    fixture: 'wlc-tiny',
    held: four('established 2'),
    steps: [
      {
        ...{ word: calm(1), loads: '2:4/0' },
        ...{ send: ack(), to: 1, events: 'miss evicted insert', record: 'established 1' },
        counts: '1:1/0 2:3/0',
      },
    ],
  },
  {
    name: 'wlc: a failed server’s connections stay counted while clients are told',
    fixture: 'wlc',
    steps: [
      opened(1),
      { send: ack(), to: 1, events: 'hit', record: 'established 1' },
      { failed: [1], send: ack(), to: 'reset', events: 'hit', record: 'established 1', counts: '1:1/0' },
    ],
  },
  {
    name: 'wlc: a flow of UDP counts as active, and leaves a server that fails',
    fixture: 'wlc-udp',
    steps: [
      { word: learns(2, 2), send: datagram(), to: 1, events: 'miss insert', record: 'established 1' },
      { send: datagram(), to: 1, events: 'hit', record: 'established 1', counts: '1:1/0' },
      { failed: [1], send: datagram(), to: 2, events: 'hit', record: 'established 2 in 0', counts: '2:1/0' },
    ],
  },
  {
    name: 'wlc: a record of a server that nobody can be is not counted',
    fixture: 'wlc',
    held: [{ place: 0, record: 'established 9', own: true }],
    steps: [opened(1, { record: 'syn 1 in 0', counts: '1:1/0', events: 'miss' })],
  },
  ...(['closed 2 of 3', 'established 2 of 200'] as const).map(
    (record): Story => ({
      name: `wlc: a record of another service is not counted: ${record}`,
      fixture: 'counting-mixed',
      held: [{ place: 0, record, own: true }],
      steps: [opened(1, { record: 'syn 1 in 0', counts: '1:1/0', events: 'hit' })],
    }),
  ),
]
