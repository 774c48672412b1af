// Services of rr: whose turn it is, and where flows go that cannot be recorded.

import { again, four, from, news, opened } from './counting-words.ts'
import type { Story } from './story.ts'
import { ack, calm, data, fin, moved, syn } from './story-words.ts'

const turns: readonly Story[] = [
  {
    name: 'rr: each new connection takes the next turn, whatever its slot says',
    fixture: 'rr',
    steps: [{ word: calm(1), ...opened(1, { send: from(9) }) }, ...news(2, 2, 1, 2)],
  },
  {
    name: 'rr: packets of a connection and repeated SYNs take no turn',
    fixture: 'rr',
    steps: [
      opened(1),
      { send: syn(), to: 1, events: 'hit', record: 'syn 1' },
      { send: ack(), to: 1, events: 'hit', record: 'established 1' },
      { send: fin(), to: 1, events: 'hit', record: 'closed 1' },
      ...news(2),
    ],
  },
  {
    name: 'rr: a SYN of an established or closed connection takes a turn',
    fixture: 'rr',
    held: [{ place: 0, record: 'established 2', own: true }],
    steps: [
      { send: syn(), to: 1, events: 'hit', record: 'syn 1 in 0' },
      { send: fin(), to: 1, events: 'hit', record: 'closed 1 in 0' },
      { send: syn(), to: 2, events: 'hit', record: 'syn 2 in 0' },
    ],
  },
  {
    name: 'rr: a segment without a record is the slot’s server’s, and takes no turn',
    fixture: 'rr',
    steps: [
      { word: calm(2), send: data(), to: 2, events: 'miss insert', record: 'established 2' },
      { word: moved(1, 2), send: from(7, ack), to: 2, events: 'miss insert', record: 'established 2' },
      { send: from(8, fin), to: 2, events: 'miss' },
      ...news(1),
    ],
  },
  {
    name: 'rr: connections stay with a server that has no turn any more',
    fixture: 'rr',
    steps: [
      opened(1),
      { schedules: { 0: { turns: [2] } }, send: ack(), to: 1, events: 'hit', record: 'established 1' },
      ...news(2, 2),
    ],
  },
  {
    name: 'rr: nobody has a turn',
    fixture: 'rr',
    steps: [
      { word: calm(1), schedules: { 0: { turns: [] } }, send: syn(), to: 'no-server', events: 'miss' },
      { send: data(), to: 1, events: 'miss insert', record: 'established 1' },
      { send: syn(), to: 'no-server', events: 'hit', record: 'established 1' },
    ],
  },
  {
    name: 'rr: a server whose MAC was lost has its turn for nothing',
    fixture: 'rr',
    steps: [{ lost: [1], send: syn(), to: 'no-server', events: 'miss' }, ...news(2)],
  },
  {
    name: 'rr: a repeated SYN whose server has failed takes a turn',
    fixture: 'rr',
    steps: [opened(1), { failed: [1], send: syn(), to: 2, events: 'hit', record: 'syn 2 in 0' }],
  },
  {
    name: 'rr: the cursor wraps',
    fixture: 'rr',
    steps: [
      { schedules: { 0: { turns: [1, 2, 2], cursor: 2n ** 64n - 1n } }, ...opened(1, { send: from(9) }) },
      ...news(1, 2, 2, 1),
    ],
  },
  {
    name: 'rr: other turns begin where the cursor says',
    fixture: 'rr',
    steps: [
      opened(1, { send: from(9) }),
      { schedules: { 0: { turns: [2, 1, 1], cursor: 4n } }, ...opened(1, { send: from(8) }) },
      ...news(1, 2),
    ],
  },
]

const unrecorded: readonly Story[] = [
  {
    name: 'rr: a SYN that cannot be recorded is the slot’s current server’s',
    fixture: 'rr-tiny',
    held: four('established 1'),
    steps: [
      { word: calm(1), schedules: { 0: { turns: [2] } }, send: syn(), to: 1, events: 'miss full' },
      { send: ack(), to: 1, events: 'miss evicted insert', record: 'established 1' },
    ],
  },
  {
    name: 'rr: a SYN that cannot be recorded is the settled server’s, if it is healthy',
    fixture: 'rr-tiny',
    held: four('established 1'),
    steps: [
      { word: moved(1, 2), schedules: { 0: { turns: [1] } }, send: syn(), to: 2, events: 'miss full' },
      { failed: [2], schedules: { 0: { turns: [2] } }, send: syn(), to: 1, events: 'miss full' },
    ],
  },
  {
    name: 'rr: what cannot be recorded and has no slot either',
    fixture: 'rr-tiny',
    held: four('established 1'),
    steps: [{ word: 0, send: syn(), to: 1, events: 'miss full' }],
  },
  {
    name: 'rr: above the cap connections and datagrams are the slot’s server’s',
    fixture: 'rr-capped',
    steps: [
      { word: calm(1), schedules: { 0: { turns: [2] } }, ...opened(2) },
      { send: from(7), to: 1, events: 'miss capped' },
      { send: again(7), to: 1, events: 'miss capped' },
      { send: again(7), to: 1, events: 'miss capped' },
      { at: 1_100, send: again(7), to: 2, events: 'miss insert', record: 'established 2' },
      { send: again(7), to: 2, events: 'hit', record: 'established 2' },
    ],
  },
  {
    name: 'wlc: what is not recorded is not counted',
    fixture: 'wlc-tiny',
    held: four('established 1'),
    steps: [{ word: calm(1), loads: '1:4/0', send: syn(), to: 1, events: 'miss full', counts: '1:4/0' }],
  },
]

/** countingTurnStories. */
export const countingTurnStories: readonly Story[] = [...turns, ...unrecorded]
