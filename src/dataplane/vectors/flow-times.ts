// Records and the clock: ages at the time-outs, and where ticks (2^30 of them) and jiffies (2^32) come round.

import type { Step, Story } from './story.ts'
import { ack, moved, syn } from './story-words.ts'

const word = moved(1, 2)
const ROUND = 2 ** 30
/** 2^32 jiffies. */
const JIFFIES = 2 ** 28

/** A SYN, and another so many ticks later, when the slot has moved on. */
const repeated = (name: string, at: number, ticks: number, isFollowed: boolean): Story => ({
  name: `a SYN is repeated ${name}`,
  fixture: 'changes',
  steps: [
    { word, at, send: syn(), to: 1, events: 'miss insert', record: `syn 1 @${at % ROUND} in 0` },
    {
      word: moved(2, 1),
      at: at + ticks,
      send: syn(),
      to: isFollowed ? 1 : 2,
      events: 'hit',
      record: `syn ${isFollowed ? 1 : 2} @${(at + ticks) % ROUND} in 0`,
    },
  ],
})

const connection = (name: string, at: number): Story => ({
  name: `a connection while ${name}`,
  fixture: 'changes',
  steps: [
    { word, at, send: syn(), to: 1, events: 'miss insert', record: `syn 1 @${at % ROUND}` },
    ...[1, 2, 3].map(
      (later): Step => ({
        word,
        at: at + later,
        send: ack(),
        to: 1,
        events: 'hit',
        record: `established 1 @${(at + later) % ROUND}`,
      }),
    ),
  ],
})

/** flowTimeStories. */
export const flowTimeStories: readonly Story[] = [
  repeated('at once', 1_000, 0, true),
  repeated('within 60 seconds', 1_000, 938, true),
  repeated('after 60 seconds: it is a new one', 1_000, 939, false),
  repeated('within 60 seconds, while ticks come round', ROUND - 100, 938, true),
  repeated('after 60 seconds, while ticks come round', ROUND - 100, 939, false),
  repeated('after all ticks but ten', 1_000, ROUND - 10, true),
  repeated('after all ticks but 65', 1_000, ROUND - 65, false),
  repeated('within 60 seconds, while 32 bits of jiffies come round', JIFFIES - 5, 938, true),
  repeated('after 60 seconds, while 32 bits of jiffies come round', JIFFIES - 5, 939, false),
  connection('ticks come round', ROUND - 2),
  connection('ticks come round for the second time', 2 * ROUND - 2),
  connection('32 bits of jiffies come round', JIFFIES - 2),
  connection('36 bits of jiffies come round', 16 * JIFFIES - 2),
  {
    name: 'a packet in the same tick leaves the record as it is',
    fixture: 'changes',
    held: [{ place: 0, record: 'established 2', own: true }],
    steps: [
      { word, send: ack(), to: 2, events: 'hit', record: 'established 2' },
      { word, at: 1_001, send: ack(), to: 2, events: 'hit', record: 'established 2' },
    ],
  },
  {
    name: 'the oldest flow is the oldest while ticks come round',
    fixture: 'tiny',
    held: [ROUND - 20, ROUND - 60, 10, ROUND - 30].map((time, place) => ({
      place,
      record: `established 2 @${time}`,
    })),
    steps: [
      {
        word,
        at: ROUND + 20,
        send: ack(),
        to: 2,
        events: 'miss evicted insert',
        record: 'established 2 @20 in 1',
        left: [0, 2, 3],
      },
    ],
  },
  {
    name: 'seconds are told apart while ticks come round',
    fixture: 'capped',
    steps: [
      ...[1, 2, 3, 4].map(
        (source): Step => ({
          word,
          at: ROUND - 1,
          send: syn({ tcp: { source } }),
          to: 1,
          events: 'miss insert',
          record: `syn 1 @${ROUND - 1}`,
        }),
      ),
      { word, send: syn({ tcp: { source: 5 } }), to: 2, events: 'miss capped' },
      {
        word,
        at: ROUND,
        send: syn({ tcp: { source: 5 } }),
        to: 1,
        events: 'miss insert',
        record: 'syn 1 @0',
      },
    ],
  },
]
