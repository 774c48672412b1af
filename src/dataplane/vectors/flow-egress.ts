// Tracked flows where their server is behind another interface, or is itself the client.

import { back, web1, web2 } from './fixture.ts'
import type { Story } from './story.ts'
import { ack, datagram, fin, moved, six, syn } from './story-words.ts'

const itself = { ether: { source: web1 }, ip: { source: '192.0.2.21' } }

/** flowEgressStories. */
export const flowEgressStories: readonly Story[] = [
  {
    name: 'another interface: a flow that stays there while new ones do not go there',
    fixture: 'far',
    steps: [
      { word: moved(2, 2), send: syn(), to: 2, by: back, events: 'miss insert', record: 'syn 2' },
      { word: moved(1, 2), send: ack(), to: 2, by: back, events: 'hit', record: 'established 2' },
      { word: moved(1, 1), send: ack(), to: 2, by: back, events: 'hit', record: 'established 2' },
      { send: fin(), to: 2, by: back, events: 'hit', record: 'closed 2' },
    ],
  },
  {
    name: 'another interface: the settled server is there',
    fixture: 'far',
    steps: [
      { word: moved(1, 2), send: ack(), to: 2, by: back, events: 'miss insert', record: 'established 2' },
    ],
  },
  {
    name: 'another interface: the server there has lost its MAC',
    fixture: 'far',
    steps: [
      { word: moved(2, 2), send: syn(), to: 2, by: back, events: 'miss insert', record: 'syn 2' },
      { lost: [2], send: ack(), to: 'no-server', events: 'hit', record: 'established 2' },
      { lost: [], send: ack(), to: 2, by: back, events: 'hit', record: 'established 2' },
    ],
  },
  {
    name: 'another interface: the server there has failed, and its client is told by the one that it came by',
    fixture: 'far-resets-jumbo',
    steps: [
      { word: moved(2, 2), send: syn(), to: 2, by: back, events: 'miss insert', record: 'syn 2' },
      { word: moved(1, 2), failed: [2], send: ack(), to: 'reset', events: 'hit', record: 'syn 2 @1000' },
    ],
  },
  {
    name: 'another interface: IPv6, all flows tracked',
    fixture: 'far-mixed',
    steps: [
      {
        word: [moved(1, 1), moved(2, 2)],
        send: six(syn()),
        to: 2,
        by: back,
        service: 2,
        events: 'miss insert',
        record: 'syn 2 of 2',
      },
    ],
  },
  {
    name: 'another interface: UDP',
    fixture: 'far-mixed',
    steps: [
      {
        word: [moved(1, 1), moved(2, 2)],
        send: datagram(),
        to: 2,
        by: back,
        service: 1,
        events: 'miss insert',
        record: 'established 2 of 1',
      },
    ],
  },
  {
    name: 'a tracked flow of a server with itself',
    fixture: 'far',
    steps: [
      { word: moved(2, 1), send: syn(itself), to: 2, by: back, events: 'miss insert', record: 'syn 2' },
      { sweep: true, send: ack(itself), to: 'hairpin', events: 'miss insert', record: 'established 1' },
      { send: ack({ ...itself, ether: { source: web2 } }), to: 1, events: 'hit', record: 'established 1' },
    ],
  },
]
