// Slots whose settled server is told by the table that the pool had before its size changed.

import { ASK_BEFORE, slotWord } from '../shape.ts'
import type { Step, Story } from './story.ts'
import { ack, calm, moved, syn } from './story-words.ts'

const asks = moved(1, ASK_BEFORE)
const all = [asks, asks, asks]
const at = (destination: number, step: Partial<Step>): Step => ({
  word: all,
  send: ack({ tcp: { destination } }),
  to: 2,
  events: 'miss insert',
  record: 'established 2',
  ...step,
})
const one = { to: 1, record: 'established 1' } as const

/** 10.0.0.200 is the word 0xc800000a, 0.78125 of 2^32: slot 797 of 1,021 now, slot 397 of 509 before. */
const from = (source: string) => ack({ ip: { source } })

/** flowBeforeStories. */
export const flowBeforeStories: readonly Story[] = [
  {
    name: 'tables before, of two sizes: the settled server of each',
    fixture: 'before',
    steps: [
      at(80, { before: [slotWord(1, 2), 0, slotWord(2, 1)] }),
      at(82, one),
      at(82, { word: all, before: [slotWord(1, 1), 0, slotWord(1, 2)], sweep: true }),
      at(80, one),
    ],
  },
  {
    name: 'a pool without a table before: nobody is settled',
    fixture: 'before',
    steps: [at(81, { before: [calm(2), 0, calm(2)], ...one })],
  },
  {
    name: 'a table before in which nobody is settled',
    fixture: 'before',
    steps: [at(80, { before: [slotWord(2, 0), 0, calm(2)], ...one })],
  },
  {
    name: 'a table before that would have one asked again: nobody is settled',
    fixture: 'before',
    steps: [at(80, { before: [slotWord(2, ASK_BEFORE), 0, calm(2)], ...one })],
  },
  {
    name: 'a table before is not asked where the slot knows',
    fixture: 'before',
    steps: [
      at(80, { word: [moved(2, 1), 0, 0], before: [calm(2), 0, calm(2)], ...one }),
      at(80, { word: [moved(2, 0), 0, 0], sweep: true }),
    ],
  },
  {
    name: 'a SYN asks for the current server, not for the table before',
    fixture: 'before',
    steps: [
      { word: all, before: [calm(2), 0, 0], send: syn(), to: 1, events: 'miss insert', record: 'syn 1' },
      { word: all, send: ack(), to: 1, events: 'hit', record: 'established 1' },
    ],
  },
  {
    name: 'the slot of the table before is told by the same hash',
    fixture: 'before-by-address',
    steps: [
      {
        word: asks,
        before: [calm(1)],
        slotsBefore: { 397: calm(2) },
        send: from('10.0.0.200'),
        to: 2,
        events: 'miss insert',
        record: 'established 2',
      },
      { send: from('200.0.0.10'), to: 1, events: 'miss insert', record: 'established 1' },
      // slot 397 of 509 is where 397/509 of 2^32 is: words 0xc7ab8142 to 0xc82c4263
      { send: from('65.129.171.199'), to: 1, events: 'miss insert', record: 'established 1' },
      { send: from('66.129.171.199'), to: 2, events: 'miss insert', record: 'established 2' },
      { send: from('255.255.255.255'), to: 1, events: 'miss insert', record: 'established 1' },
    ],
  },
  {
    name: 'the first and the last slot of the table before',
    fixture: 'before-by-address',
    steps: [
      {
        word: asks,
        before: [calm(1)],
        slotsBefore: { 0: calm(2) },
        send: from('0.0.0.0'),
        to: 2,
        events: 'miss insert',
        record: 'established 2',
      },
      {
        before: [calm(1)],
        slotsBefore: { 508: calm(2) },
        send: from('255.255.255.255'),
        to: 2,
        events: 'miss insert',
        record: 'established 2',
      },
    ],
  },
]
