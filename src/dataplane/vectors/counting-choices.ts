// Services whose scheduler looks at connections: who has the least to do; and services of all kinds together.

import { again, from, opened } from './counting-words.ts'
import type { Step, Story } from './story.ts'
import { ack, calm, datagram, fin, moved, six, syn } from './story-words.ts'

const choice = (
  fixture: Story['fixture'],
  name: string,
  loads: string,
  to: 1 | 2,
  rest: Partial<Step> = {},
): Story => ({
  name: `${fixture}: ${name}`,
  fixture,
  steps: [opened(to, { loads, ...rest })],
})
const members = (first: number, second: number): Partial<Step> => ({
  schedules: {
    0: {
      members: [
        { id: 1, weight: first },
        { id: 2, weight: second },
      ],
    },
  },
})

const choices: readonly Story[] = [
  choice('wlc', '127 inactive ones cost less than an active one at twice the weight', '1:0/127 2:1/0', 1),
  choice('wlc', '128 inactive ones cost as much, and the first is taken', '1:0/128 2:1/0', 1),
  choice('wlc', '129 inactive ones cost more', '1:0/129 2:1/0', 2),
  choice('wlc', 'less than none counts as none', '1:-5/-3 2:-9/0', 1),
  choice('wlc', 'less than none active does not make up for inactive ones', '1:-5/3 2:0/0', 2),
  choice(
    'wlc',
    'the greatest counts',
    '1:2147483647/2147483647 2:2147483646/2147483647',
    2,
    members(65_535, 65_535),
  ),
  choice('wlc', 'a weight of 0 takes nothing', '1:0/0 2:900/0', 2, members(0, 1)),
  choice('wlc', 'the second has no weight', '1:900/0 2:0/0', 1, members(1, 0)),
  choice('lc', 'weights do not matter', '1:3/0 2:2/255', 2, members(9, 1)),
  choice('lc', 'of equals the first', '1:2/0 2:2/0', 1),
  choice('lc', '256 inactive ones are as dear as an active one', '1:0/257 2:1/0', 2),
  choice('lc', 'a weight of 0 takes nothing', '1:0/0 2:9/9', 2, members(0, 9)),
  choice('sed', 'the connection to come counts', '1:1/0 2:2/0', 2),
  choice('sed', 'inactive ones do not count, of equals the first is taken', '1:0/500 2:1/0', 1),
  choice('sed', 'a weight of 0 takes nothing', '1:0/0 2:9/0', 2, members(0, 1)),
  choice('nq', 'an idle one is taken, however slow', '1:0/9 2:1/0', 1, members(1, 100)),
  choice('nq', 'the first of the idle ones', '1:0/9 2:0/0', 1),
  choice('nq', 'the second is idle', '1:1/0 2:0/9', 2, members(100, 1)),
  choice('nq', 'nobody is idle: as sed', '1:1/0 2:2/0', 2),
  choice('nq', 'an idle one without weight takes nothing', '1:0/0 2:3/0', 2, members(0, 1)),
]

/** sed gives the first one to the server of twice the weight. */
const firsts = { lc: 1, wlc: 1, sed: 2, nq: 1 } as const
const nobody: readonly Story[] = (['lc', 'wlc', 'sed', 'nq'] as const).map((fixture) => ({
  name: `${fixture}: nobody has a weight; connections stay`,
  fixture,
  steps: [
    opened(firsts[fixture]),
    {
      ...members(0, 0),
      ...{ send: ack(), to: firsts[fixture], events: 'hit', record: `established ${firsts[fixture]}` },
    },
    { send: from(7), to: 'no-server', events: 'miss', counts: `${firsts[fixture]}:1/0` },
  ],
}))

const mixed: readonly Story[] = [
  {
    name: 'services count each in its way; those of a pool see each other’s connections',
    fixture: 'counting-mixed',
    steps: [
      opened(1, { word: [calm(1), calm(2)], counts: '1:1/0' }),
      // sed: (1 + 1) / 1 against (0 + 1) / 2
      opened(2, {
        send: from(1, (parts) => syn({ ...parts, tcp: { destination: 82 } })),
        service: 4,
        record: 'syn 2 of 4',
        counts: '1:1/0 2:1/0',
      }),
      // lc, in the other pool, where there are none
      opened(2, {
        send: syn({ tcp: { destination: 83 } }),
        service: 5,
        record: 'syn 2 of 5',
        counts: '1:1/0 2:1/0',
      }),
      opened(1, { send: syn({ tcp: { destination: 83, source: 7 } }), service: 5, record: 'syn 1 of 5' }),
      // nq over IPv6, in the first pool: nobody is idle, (1 + 1) / 1 against (1 + 1) / 2
      opened(2, { send: six(syn()), service: 2, record: 'syn 2 of 2', counts: '1:1/0 2:2/0' }),
      { send: six(fin()), service: 2, to: 2, events: 'hit', record: 'closed 2 of 2', counts: '1:1/0 2:1/1' },
      // turns, of one service and another
      opened(1, { send: syn({ tcp: { destination: 84 } }), service: 6, record: 'syn 1 of 6' }),
      { send: datagram(), service: 1, to: 1, events: 'miss insert', record: 'established 1 of 1' },
      { send: again(7), service: 1, to: 2, events: 'miss insert', record: 'established 2 of 1' },
      { send: again(8), service: 1, to: 2, events: 'miss insert', record: 'established 2 of 1' },
      {
        send: datagram(),
        service: 1,
        to: 1,
        events: 'hit',
        record: 'established 1 of 1',
        counts: '1:1/0 2:1/1',
      },
      // slots
      { send: syn({ tcp: { destination: 81 } }), service: 3, to: 2 },
      {
        word: [calm(1), moved(2, 1)],
        send: syn({ tcp: { destination: 81 } }),
        service: 3,
        to: 2,
        events: 'miss insert',
        record: 'syn 2 of 3',
        counts: '1:1/0 2:1/1',
      },
    ],
  },
]

/** countingChoiceStories. */
export const countingChoiceStories: readonly Story[] = [...choices, ...nobody, ...mixed]
