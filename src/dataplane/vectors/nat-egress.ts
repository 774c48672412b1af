// Nat on a node with several interfaces: requests leave by the one that their server is behind, answers by the one that the
// client's packets came in by.

import { back, web4 } from './fixture.ts'
import { errorBy } from './nat-back.ts'
import { PORT } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import { pieces } from './nat-pieces.ts'
import type { NatStory } from './nat-story.ts'
import { ack, data, six, syn } from './story-words.ts'

const [first, later] = pieces({})

/** natEgressStories. */
export const natEgressStories: readonly NatStory[] = [
  {
    name: 'nat, several interfaces: a server behind another one, a client behind our own',
    fixture: 'nat-far',
    steps: [
      { word: 2, send: syn(), to: 2, by: back, events: made, kept: ['syn 2'] },
      { answer: ack(), from: 2, to: 'client' },
      { send: data(), to: 2, by: back, events: 'hit', kept: ['established 2'] },
    ],
  },
  {
    name: 'nat, several interfaces: a client behind another one',
    fixture: 'nat-far',
    steps: [
      { word: 1, send: syn(), to: 1, events: made },
      { through: 1, answer: ack(), to: 'client', by: back },
      { answer: ack({ payload: 'x' }), to: 'client', by: back },
      { send: ack(), to: 1, events: 'hit' },
      { answer: ack(), to: 'client' },
    ],
  },
  {
    name: 'nat, several interfaces: IPv6',
    fixture: 'nat-six-far',
    steps: [
      { word: 2, send: six(syn()), to: 2, port: PORT, by: back, events: made },
      { answer: six({ tcp: { source: PORT } }), from: 2, to: 'client' },
      { through: 1, answer: six({ tcp: { source: PORT } }), from: 2, to: 'client', by: back },
    ],
  },
  {
    name: 'nat, several interfaces: a client behind one that there is no more',
    fixture: 'nat-far',
    steps: [
      { word: 1, send: syn(), to: 1, events: made },
      { through: 9, answer: ack(), to: 'no-listener' },
      { send: ack(), to: 1, events: 'hit' },
      { answer: ack(), to: 'client' },
    ],
  },
  {
    name: 'nat, several interfaces: the second one writes its own number',
    fixture: 'nat-back',
    steps: [
      { word: 2, send: syn(), to: 2, events: made },
      { answer: ack(), from: 2, to: 'client' },
      { through: 0, answer: ack(), from: 2, to: 'client', by: back },
      { through: 7, answer: ack(), from: 2, to: 'client', by: web4 },
      { send: ack(), to: 2, events: 'hit' },
      { answer: ack(), from: 2, to: 'client' },
    ],
  },
  {
    name: 'nat: one interface whose number is not 0',
    fixture: 'nat-alone',
    steps: [
      { word: 1, send: syn(), to: 1, events: made },
      { answer: ack(), to: 'client' },
      { through: 0, answer: ack(), to: 'client' },
    ],
  },
  {
    name: 'nat, several interfaces: what comes back of a client behind another one',
    fixture: 'nat-far',
    steps: [
      { word: 1, send: syn(), to: 1, events: made },
      { through: 1, answer: ack({ ether: { tags: [{ id: 7 }] } }), to: 'client', by: back },
      { answer: later, to: 'fragment-copied' },
      { answer: first, to: 'client', by: back },
      { answer: later, to: 'client', by: back },
      errorBy(back),
    ],
  },
  {
    name: 'nat, several interfaces: what comes back of a client behind one that there is no more',
    fixture: 'nat-far',
    steps: [
      { word: 1, send: syn(), to: 1, events: made },
      { through: 9, answer: ack({ ether: { tags: [{ id: 7 }] } }), to: 'no-listener' },
      { answer: first, to: 'no-listener' },
      { answer: later, to: 'no-listener' },
      { frames: [errorBy(back).frames![0]], to: 'no-listener' },
    ],
  },
]
