// UDP flows of slots that have moved: what is learnt, what is freed.

import type { Step, Story } from './story.ts'
import { calm, datagram, learns, moved } from './story-words.ts'

const unseen = (name: string, step: Partial<Step>): Story => ({
  name: `UDP: ${name}`,
  fixture: 'udp',
  steps: [
    { word: moved(1, 2), send: datagram(), to: 1, events: 'miss insert', record: 'established 1', ...step },
  ],
})
const seen = (name: string, record: string, step: Partial<Step>): Story => ({
  name: `UDP: ${name}`,
  fixture: 'udp',
  held: [{ place: 0, record, own: true }],
  steps: [{ word: moved(1, 2), send: datagram(), to: 2, events: 'hit', record: 'established 2', ...step }],
})

/** flowUdpStories. */
export const flowUdpStories: readonly Story[] = [
  {
    name: 'UDP: nothing is looked up while a slot is calm',
    fixture: 'udp',
    held: [{ place: 0, record: 'established 2', own: true }],
    steps: [{ word: calm(1), at: 1_001, send: datagram(), to: 1, record: 'established 2 @1000' }],
  },
  {
    name: 'UDP: flows are learnt after a planned change, then new ones go to the current server',
    fixture: 'udp',
    steps: [
      { word: learns(1, 2), send: datagram(), to: 2, events: 'miss insert', record: 'established 2' },
      { word: moved(1, 2), at: 1_100, send: datagram(), to: 2, events: 'hit', record: 'established 2' },
      {
        word: moved(1, 2),
        send: datagram({ udp: { source: 5 } }),
        to: 1,
        events: 'miss insert',
        record: 'established 1',
      },
      { word: moved(1, 1), at: 1_200, send: datagram(), to: 2, events: 'hit', record: 'established 2' },
    ],
  },
  {
    name: 'UDP: a flow whose server fails is freed at once, and stays where it goes',
    fixture: 'udp',
    steps: [
      { word: learns(1, 2), send: datagram(), to: 2, events: 'miss insert', record: 'established 2 in 0' },
      { failed: [2], at: 1_010, send: datagram(), to: 1, events: 'hit', record: 'established 1 in 0' },
      {
        failed: [],
        word: learns(2, 2),
        at: 1_020,
        send: datagram(),
        to: 1,
        events: 'hit',
        record: 'established 1 in 0',
      },
    ],
  },
  unseen('a flow without a record where nothing is learnt', {}),
  unseen('a flow without a record where flows are learnt', {
    word: learns(1, 2),
    to: 2,
    record: 'established 2',
  }),
  unseen('what is learnt needs a server that has not failed', { word: learns(1, 2), failed: [2] }),
  unseen('what is learnt needs a server that is not lost', { word: learns(1, 2), lost: [2] }),
  unseen('what is learnt needs a server', { word: learns(1, 0) }),
  unseen('the current server may have failed: the word has the say', { failed: [1] }),
  unseen('the settled server has failed where nothing is learnt', { failed: [2] }),
  unseen('nobody current', { word: moved(0, 2), to: 'no-server', events: 'miss', record: 'none' }),
  unseen('nobody current where flows are learnt', { word: learns(0, 2), to: 2, record: 'established 2' }),
  unseen('the current server is lost', { lost: [1], to: 'no-server', events: 'miss', record: 'none' }),
  unseen('the settled id is one that nobody can have', { word: learns(1, 9) }),
  seen('a record is followed and refreshed', 'established 2 @900', {}),
  seen('a record of another state is followed', 'closed 2 @900', {}),
  seen('a record of a SYN is followed', 'syn 2 @900', {}),
  seen('a record is followed where nobody is current', 'established 2', { word: moved(0, 0) }),
  seen('a record’s server has failed', 'established 2', { failed: [2], to: 1, record: 'established 1 in 0' }),
  seen('a record’s server is lost', 'established 2', { lost: [2], to: 1, record: 'established 1 in 0' }),
  seen('a record’s server has failed, and flows are learnt', 'established 1', {
    word: learns(1, 2),
    failed: [1],
    record: 'established 2 in 0',
  }),
  seen('a record’s server has failed, and nobody else is there', 'established 1 @900', {
    word: moved(1, 1),
    failed: [1],
    to: 1,
    record: 'established 1',
  }),
  seen('a record’s server has failed, and nobody is current', 'established 2', {
    word: moved(0, 0),
    failed: [2],
    to: 'no-server',
    record: 'established 2 @1000',
  }),
  seen('a record of a server that nobody can be', 'established 9', {
    to: 1,
    events: 'miss',
    record: 'established 1 in 0',
  }),
  {
    name: 'UDP: a flow that is not recorded goes where it would have gone',
    fixture: 'udp-capped',
    steps: [
      { word: moved(1, 2), send: datagram(), to: 1, events: 'miss insert', record: 'established 1' },
      { send: datagram({ udp: { source: 5 } }), to: 1, events: 'miss capped' },
      { word: learns(1, 2), send: datagram({ udp: { source: 6 } }), to: 2, events: 'miss capped' },
    ],
  },
  {
    name: 'UDP: the oldest established flow makes room',
    fixture: 'udp-tiny',
    held: [900, 800, 850, 950].map((time, place) => ({ place, record: `established 2 @${time}` })),
    steps: [
      {
        word: moved(1, 2),
        send: datagram(),
        to: 1,
        events: 'miss evicted insert',
        record: 'established 1 in 1',
        left: [0, 2, 3],
      },
    ],
  },
]
