// Nat on a node with several interfaces: requests leave by the one that their server is behind, answers by the one that the
// client's packets came in by.

import type { EtherFields } from '../../wire/layer.ts'
import { back, web4 } from './fixture.ts'
import { error, error6, tcp4, tcp6 } from './nat-back.ts'
import { PORT } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import { pieces } from './nat-pieces.ts'
import type { NatStory } from './nat-story.ts'
import { ack, data, six, syn } from './story-words.ts'

const at80 = { port: 80, serverPort: 80 }
const [first, later] = pieces({})
const tag: EtherFields = { tags: [{ id: 7 }] }

/** What is not plain, and what only belongs to an answer. */
const backStories: readonly NatStory[] = [
  {
    name: 'nat, several interfaces: answers in tagged frames',
    fixture: 'nat-far',
    steps: [
      { word: 1, send: syn({ ether: tag }), to: 1, events: made },
      { answer: ack({ ether: tag }), to: 'client' },
      { through: 1, answer: ack({ ether: tag }), to: 'client', by: back },
      { through: 9, answer: ack({ ether: tag }), to: 'no-listener' },
    ],
  },
  {
    name: 'nat, several interfaces: an answer in fragments',
    fixture: 'nat-far',
    steps: [
      { word: 1, send: syn(), to: 1, events: made },
      { through: 1, answer: first, to: 'client', by: back },
      { answer: later, to: 'client', by: back },
      { through: 0, answer: later, to: 'client' },
      { through: 9, answer: later, to: 'no-listener' },
    ],
  },
  {
    name: 'nat, several interfaces: an error',
    fixture: 'nat-far',
    steps: [
      { word: 1, send: syn(), to: 1, events: made },
      error(tcp4, at80),
      { through: 1, ...error(tcp4, { ...at80, by: back }) },
      { ...error(tcp4, { ...at80, from: '10.1.2.1', by: back }) },
      { through: 9, frames: [error(tcp4, at80).frames![0]], to: 'no-listener' },
    ],
  },
  {
    name: 'nat, several interfaces: an error over IPv6, at the third of three',
    fixture: 'nat-six-back',
    steps: [
      { word: 2, send: six(syn()), to: 2, port: PORT, events: made },
      { ...error6(tcp6, { port: 80, serverPort: PORT, server: 1 }) },
      { through: 7, ...error6(tcp6, { port: 80, serverPort: PORT, server: 1, by: web4 }) },
    ],
  },
]

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
  ...backStories,
  {
    name: 'nat: one interface whose number is not 0',
    fixture: 'nat-alone',
    steps: [
      { word: 1, send: syn(), to: 1, events: made },
      { answer: ack(), to: 'client' },
      { through: 0, answer: ack(), to: 'client' },
    ],
  },
]
