// Where records are and go: places in two buckets, who makes room for whom, how many are made in a second, entries of
// which a reader sees half.

import type { Held, Step, Story } from './story.ts'
import { ack, data, fin, moved, syn } from './story-words.ts'

const from = (source: number) => ({ tcp: { source } })
const word = moved(1, 2)

/** Records of strangers in places 0 and on. */
const held = (...records: readonly string[]): Held[] => records.map((record, place) => ({ place, record }))
const four = (record: string): Held[] => held(record, record, record, record)
const second = (records: readonly Held[]): Held[] =>
  records.map(({ place, record }) => ({ place: place + 4, record }))

/** A packet of a flow without a record, where strangers hold places. */
const tells = (
  name: string,
  fixture: Story['fixture'],
  records: readonly Held[],
  step: Partial<Step>,
): Story => ({
  name,
  fixture,
  held: records,
  steps: [{ word, send: syn(), to: 1, events: 'miss insert', ...step }],
})

const found: readonly Story[] = Array.from({ length: 8 }, (_, place) => ({
  name: `a record in place ${place} is found`,
  fixture: 'changes',
  held: [{ place, record: 'established 2 @900', own: true }],
  steps: [{ word: moved(1, 1), send: data(), to: 2, events: 'hit', record: `established 2 in ${place}` }],
}))

const foundAmong: readonly Story[] = [3, 7].map((place) => ({
  name: `a record in place ${place} is found among others`,
  fixture: 'changes',
  held: [
    ...Array.from({ length: 8 }, (_, other) => ({ place: other, record: 'established 1' })).filter(
      (other) => other.place !== place,
    ),
    { place, record: 'established 2', own: true },
  ],
  steps: [
    { word: moved(1, 1), send: data(), to: 2, events: 'hit', record: `established 2 in ${place}` },
    { at: 1_001, send: syn(), to: 1, events: 'hit', record: `syn 1 in ${place}` },
  ],
}))

const halves: readonly Story[] = [
  {
    name: 'half of a record with another server and half of one are no record',
    fixture: 'changes',
    held: [{ place: 0, record: 'established 2', keyOf: 'established 1', own: true }],
    steps: [{ word: moved(1, 1), send: data(), to: 1, events: 'miss insert', record: 'established 1 in 4' }],
  },
  {
    name: 'half of a record for another service and half of one are no record',
    fixture: 'changes',
    held: [{ place: 2, record: 'established 2', keyOf: 'established 2 of 1', own: true }],
    steps: [{ word: moved(1, 1), send: data(), to: 1, events: 'miss insert', record: 'established 1 in 0' }],
  },
  {
    name: 'half of an older record with the same server and half of a newer are the flow’s',
    fixture: 'changes',
    held: [{ place: 0, record: 'established 2 @900', keyOf: 'syn 2 @800', own: true }],
    steps: [{ word: moved(1, 1), send: data(), to: 2, events: 'hit', record: 'established 2 in 0' }],
  },
  ...(['hash', 'other'] as const).flatMap((shares) =>
    [0, 4].map(
      (place): Story => ({
        name: `a record in place ${place} of another flow that shares a hash (${shares}) is not the flow’s`,
        fixture: 'changes',
        held: [{ place, record: 'established 2', shares }],
        steps: [
          {
            word: moved(1, 1),
            send: data(),
            to: 1,
            events: 'miss insert',
            record: `established 1 in ${place === 0 ? 4 : 0}`,
            left: [place],
          },
        ],
      }),
    ),
  ),
  {
    name: 'two records of one flow: the first bucket’s',
    fixture: 'changes',
    held: [
      { place: 1, record: 'established 2', own: true },
      { place: 5, record: 'established 1', own: true },
    ],
    steps: [
      {
        word: moved(1, 1),
        at: 1_000,
        send: data(),
        to: 2,
        events: 'hit',
        record: 'established 2 @1000 and established 1 @1000',
      },
    ],
  },
]

const E = 'established 2 @'
const room: readonly Story[] = [
  {
    name: 'free places are taken in order, the second bucket’s after the first',
    fixture: 'tiny',
    steps: [40_000, 40_001, 40_002, 40_003].map((source, place) => ({
      word,
      send: syn(from(source)),
      to: 1 as const,
      events: 'miss insert',
      record: `syn 1 in ${place}`,
    })),
  },
  tells('a full first bucket: the second', 'changes', four(`${E}1000`), {
    record: 'syn 1 in 4',
    left: [0, 1, 2, 3],
  }),
  tells('a full first bucket: the second, for a segment', 'changes', four(`${E}900`), {
    send: ack(),
    to: 2,
    record: 'established 2 in 4',
    left: [0, 1, 2, 3],
  }),
  tells(
    'a closed record in the first bucket, an empty place in the second',
    'changes',
    held('closed 1 @100', `${E}900`, `${E}900`, `${E}900`),
    { record: 'syn 1 in 4' },
  ),
  tells(
    'empty places in both buckets: the emptier',
    'changes',
    [...held(`${E}900`, `${E}900`, `${E}900`), ...second(held(`${E}900`))],
    { record: 'syn 1 in 5' },
  ),
  tells(
    'two buckets that are equally full: the first',
    'changes',
    [...held(`${E}900`, `${E}900`), ...second(held(`${E}900`, `${E}900`))],
    { record: 'syn 1 in 2' },
  ),
  tells(
    'a hole in the first bucket before the end of the second',
    'changes',
    [{ place: 1, record: `${E}900` }, { place: 2, record: `${E}900` }, ...second(held(`${E}900`))],
    { record: 'syn 1 in 0' },
  ),
  tells(
    'equals in both buckets: the first',
    'changes',
    [...four('closed 2 @900'), ...second(four('closed 2 @900'))],
    { record: 'syn 1 in 0', left: [1, 2, 3, 4, 5, 6, 7] },
  ),
  tells(
    'an older one in the second bucket',
    'changes',
    [...four('closed 2 @900'), ...second(held('closed 2 @900', 'closed 2 @900', 'closed 2 @880'))],
    { record: 'syn 1 in 7' },
  ),
  tells(
    'an older one in the second bucket, which is full',
    'changes',
    [
      ...four('closed 2 @900'),
      ...second(held('closed 2 @900', 'closed 2 @900', 'closed 2 @880', 'closed 2 @900')),
    ],
    { record: 'syn 1 in 6', left: [0, 1, 2, 3, 4, 5, 7] },
  ),
  tells('a closed one before a SYN’s', 'tiny', held('syn 1 @100', `${E}100`, 'closed 2 @999', `${E}100`), {
    record: 'syn 1 in 2',
    left: [0, 1, 3],
  }),
  tells('a SYN’s before an established one', 'tiny', held(`${E}100`, `${E}100`, `${E}100`, 'syn 1 @999'), {
    record: 'syn 1 in 3',
    left: [0, 1, 2],
  }),
  tells(
    'the oldest closed one',
    'tiny',
    held('closed 2 @990', 'closed 2 @980', 'closed 2 @970', 'closed 2 @985'),
    { record: 'syn 1 in 2', left: [0, 1, 3] },
  ),
  tells('the oldest SYN’s', 'tiny', held('syn 2 @970', 'syn 2 @980', 'syn 2 @960', 'syn 2 @985'), {
    record: 'syn 1 in 2',
    left: [0, 1, 3],
  }),
  tells(
    'of ages that differ by less than eight ticks the first place',
    'tiny',
    held('closed 2 @903', 'closed 2 @900', 'closed 2 @904', 'closed 2 @898'),
    { record: 'syn 1 in 0', left: [1, 2, 3] },
  ),
  tells(
    'of ages in different units of eight ticks the older',
    'tiny',
    held('closed 2 @905', 'closed 2 @904', 'closed 2 @897', 'closed 2 @896'),
    { record: 'syn 1 in 3', left: [0, 1, 2] },
  ),
  tells('a SYN pushes no established flow out: it goes to the settled server', 'tiny', four(`${E}100`), {
    to: 2,
    events: 'miss full',
    left: [0, 1, 2, 3],
  }),
  tells('a SYN that is not recorded, and the settled server has failed', 'tiny', four(`${E}100`), {
    failed: [2],
    events: 'miss full',
    left: [0, 1, 2, 3],
  }),
  tells('a SYN that is not recorded, and the settled server is lost', 'tiny', four(`${E}100`), {
    lost: [2],
    events: 'miss full',
    left: [0, 1, 2, 3],
  }),
  tells('a SYN that is not recorded, and nobody is settled', 'tiny', four(`${E}100`), {
    word: moved(1, 0),
    events: 'miss full',
    left: [0, 1, 2, 3],
  }),
  tells(
    'a segment pushes the oldest established flow out',
    'tiny',
    held(`${E}900`, `${E}890`, `${E}870`, `${E}880`),
    { send: ack(), to: 2, events: 'miss evicted insert', record: 'established 2 in 2', left: [0, 1, 3] },
  ),
  tells(
    'a segment takes a closed one’s place first',
    'tiny',
    held(`${E}100`, `${E}100`, `${E}100`, 'closed 2 @1000'),
    { send: ack(), to: 2, record: 'established 2 in 3', left: [0, 1, 2] },
  ),
  tells('a FIN makes no record, and no room', 'tiny', four('closed 2 @100'), {
    send: fin(),
    to: 2,
    events: 'miss',
    left: [0, 1, 2, 3],
  }),
  tells('an established flow that was silent for 900 seconds is still one', 'tiny', four(`${E}1000`), {
    at: 15_063,
    to: 2,
    events: 'miss full',
    left: [0, 1, 2, 3],
  }),
  tells(
    'an established flow that was silent for longer makes room, and is not counted',
    'tiny',
    four(`${E}1000`),
    { at: 15_064, record: 'syn 1 in 0', left: [1, 2, 3] },
  ),
  tells('a segment in place of one that was silent for longer', 'tiny', four(`${E}1000`), {
    at: 15_064,
    send: ack(),
    to: 2,
    record: 'established 2 in 0',
    left: [1, 2, 3],
  }),
  tells(
    'a time a little ahead is no great age',
    'tiny',
    held(`${E}1064`, `${E}1000`, `${E}1000`, `${E}1000`),
    { to: 2, events: 'miss full', left: [0, 1, 2, 3] },
  ),
  tells(
    'a time a little ahead is the youngest',
    'tiny',
    held(`${E}1064`, `${E}1000`, `${E}900`, `${E}1000`),
    { send: ack(), to: 2, events: 'miss evicted insert', record: 'established 2 in 2', left: [0, 1, 3] },
  ),
  tells('a time far ahead is a great age', 'tiny', held(`${E}1000`, `${E}1000`, `${E}1065`, `${E}1000`), {
    record: 'syn 1 in 2',
    left: [0, 1, 3],
  }),
]

const sources = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i)
const capped: readonly Story[] = [
  {
    name: 'four new records in a second, and no fifth; in the next second again',
    fixture: 'capped',
    steps: [
      ...sources(1, 4).map(
        (source): Step => ({
          word,
          at: 1_000,
          send: syn(from(source)),
          to: 1,
          events: 'miss insert',
          record: 'syn 1',
        }),
      ),
      { at: 1_007, send: syn(from(5)), to: 2, events: 'miss capped' },
      { send: ack(from(6)), to: 2, events: 'miss capped' },
      { send: syn(from(2)), to: 1, events: 'hit', record: 'syn 1' },
      { send: ack(from(2)), to: 1, events: 'hit', record: 'established 1' },
      { send: syn(from(2)), to: 1, events: 'hit', record: 'syn 1' },
      { at: 1_008, send: syn(from(5)), to: 1, events: 'miss insert', record: 'syn 1' },
      ...sources(10, 3).map(
        (source): Step => ({
          send: ack(from(source)),
          to: 2,
          events: 'miss insert',
          record: 'established 2',
        }),
      ),
      { at: 1_023, send: ack(from(20)), to: 2, events: 'miss capped' },
      { failed: [2], send: syn(from(21)), to: 1, events: 'miss capped' },
      { failed: [], lost: [2], send: syn(from(21)), to: 1, events: 'miss capped' },
      { lost: [], word: moved(1, 0), send: ack(from(22)), to: 1, events: 'miss capped' },
      { word, send: fin(from(22)), to: 2, events: 'miss' },
      { at: 1_024, send: ack(from(20)), to: 2, events: 'miss insert', record: 'established 2' },
    ],
  },
]

/** flowPlaceStories. */
export const flowPlaceStories: readonly Story[] = [...found, ...foundAmong, ...halves, ...room, ...capped]
