// Client networks that are kept with a server: who is of one, what makes, refreshes and ends it, and what happens where
// its server is not to be had. The network of most is 198.51.100.0/24; a time-out is ten minutes.

import { TIME_MASK } from '../flow-record.ts'
import { LONG, lengths4, lengths6, SHORT } from './persistent-fixtures.ts'
import { START, type Step, type Story } from './story.ts'
import { ack, calm, datagram, fin, learns, moved, rst, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

/** Another client of the network, and one of the next. */
const near = (source = 40_000, destination = 443): Parts =>
  syn({ ip: { source: '198.51.100.200' }, tcp: { source, destination } })
const far = syn({ ip: { source: '198.51.101.7' } })

const first: Step = {
  word: calm(1),
  send: syn(),
  to: 1,
  events: 'miss insert*2',
  record: 'syn 1',
  network: 'network syn 1',
}
/** A new flow of the network, where the table has another server for it. */
const comes = (step: Partial<Step> = {}): Step => ({
  word: calm(2),
  send: near(),
  to: 1,
  events: 'miss insert',
  record: 'syn 1',
  network: 'network syn 1',
  ...step,
})
/** It goes where the table says, and its network with it. */
const leaves = (step: Partial<Step> = {}): Step =>
  comes({ to: 2, record: 'syn 2', network: 'network syn 2', ...step })
const established: Step = {
  at: START + 10,
  send: ack(),
  to: 1,
  events: 'hit',
  record: 'established 1',
  network: 'network established 1',
}
const story = (name: string, ...steps: readonly Step[]): Story => ({
  name: `persistence: ${name}`,
  fixture: 'persists',
  steps,
})
/** A network that is there from the start. */
const held = (name: string, record: string, ...steps: readonly Step[]): Story => ({
  ...story(name, ...steps),
  held: [{ place: 0, network: true, record }],
})

const whose: readonly Story[] = [
  story('a network’s next client comes to its server, over another listener too', first, comes()),
  story('another network goes where the table says', first, {
    ...leaves(),
    send: far,
    events: 'miss insert*2',
  }),
  story('the same client comes back', first, comes({ send: syn({ tcp: { source: 5 } }) })),
  held('a network’s record is followed, and its time is now', 'established 1 @900', {
    ...comes(),
    network: 'network established 1',
  }),
  held('a segment without a record is its network’s server’s, not the settled one’s', 'established 2', {
    word: moved(1, 1),
    send: ack(),
    to: 2,
    events: 'miss insert',
    record: 'established 2',
    network: 'network established 2',
  }),
  held('the end of a flow without a record likewise; it changes nothing', 'established 2 @990', {
    word: moved(1, 1),
    send: fin(),
    to: 2,
    events: 'miss',
    network: 'network established 2 @990',
  }),
  story('a segment without records is the settled server’s, and its network too', {
    word: moved(1, 2),
    send: ack(),
    to: 2,
    events: 'miss insert*2',
    record: 'established 2',
    network: 'network established 2',
  }),
  story('the end of a flow without records makes none', {
    word: moved(1, 2),
    send: rst(),
    to: 2,
    events: 'miss',
    network: 'none',
  }),
  story('a port that is used again is a new flow of the network', first, established, {
    word: calm(2),
    send: syn(),
    to: 1,
    events: 'hit',
    record: 'syn 1',
    network: 'network established 1',
  }),
]

const times: readonly Story[] = [
  story('a segment makes a SYN’s network an established one', first, established),
  story('a repeated SYN refreshes its network, and no more', first, {
    at: START + 9,
    send: syn(),
    to: 1,
    events: 'hit',
    record: 'syn 1',
    network: 'network syn 1',
  }),
  story(
    'a SYN of an established network leaves it so',
    first,
    established,
    comes({ at: START + 20, network: 'network established 1' }),
  ),
  story(
    'the end of a flow does not refresh its network',
    first,
    established,
    {
      at: START + 50,
      send: fin(),
      to: 1,
      events: 'hit',
      record: 'closed 1',
      network: `network established 1 @${START + 10}`,
    },
    {
      at: START + 60,
      send: ack(),
      to: 1,
      events: 'hit',
      record: 'closed 1',
      network: `network established 1 @${START + 10}`,
    },
  ),
  story('a network is kept for its time-out', first, comes({ at: START + LONG })),
  story('a tick later it is free', first, leaves({ at: START + LONG + 1 })),
  held(
    'a network of a long time ago is free',
    'established 1 @1000',
    leaves({ at: START + 100_000, events: 'miss insert' }),
  ),
  story(
    'a flow that sends keeps its network',
    first,
    { ...established, at: START + 9_000 },
    { ...established, at: START + 18_000 },
    comes({ at: START + 18_000 + LONG, network: 'network established 1' }),
  ),
  story('a flow that sends makes its network’s record where that is gone', first, {
    ...established,
    send: ack(),
    sweep: true,
    to: 1,
    events: 'miss insert*2',
  }),
  story(
    'times come round',
    { ...first, at: TIME_MASK - 5 },
    comes({ at: TIME_MASK + 101, record: 'syn 1 @100', network: 'network syn 1 @100' }),
    leaves({
      at: TIME_MASK + 102 + LONG,
      send: near(5),
      record: `syn 2 @${101 + LONG}`,
      network: `network syn 2 @${101 + LONG}`,
    }),
  ),
  held('a network of the near future is of now', `established 1 @${START + 60}`, {
    ...comes(),
    network: 'network established 1',
  }),
]

const gone: readonly Story[] = [
  story('a shut server’s network goes where the table says', first, leaves({ shut: [1] })),
  story('a lost server’s network likewise', first, leaves({ lost: [1] })),
  story(
    'a failed server’s network goes, its flows stay, and do not take it back',
    first,
    leaves({ failed: [1], shut: [1] }),
    { ...established, network: `network syn 2 @${START}` },
    { ...established, at: START + 20, failed: [], shut: [], network: `network syn 2 @${START}` },
    comes({ word: calm(1), at: START + 30, send: near(5), to: 2, record: 'syn 2', network: 'network syn 2' }),
  ),
  story(
    'a network whose server is well again before anybody comes is still there',
    first,
    { ...first, send: far, shut: [1], to: 2, word: calm(2), record: 'syn 2', network: 'network syn 2' },
    comes({ shut: [] }),
  ),
  story(
    'a drained server’s flows make it no network',
    { ...first, shut: [1], events: 'miss insert', network: 'none' },
    { ...established, network: 'none' },
  ),
  story('they leave one that is there to lapse, though it was theirs', first, {
    ...established,
    shut: [1],
    network: `network syn 1 @${START}`,
  }),
  held('a network’s server that nobody can be is none', 'established 9', leaves()),
  story('nobody is current: nobody is kept', {
    ...first,
    word: calm(0),
    to: 'no-server',
    events: 'miss',
    record: 'none',
    network: 'none',
  }),
  held('nobody is current: a network’s server is', 'established 1', {
    ...comes(),
    word: calm(0),
    network: 'network established 1',
  }),
  {
    ...held('a segment of a network whose server has failed is reset by the settled one', 'established 1', {
      word: moved(2, 1),
      failed: [1],
      shut: [1],
      send: ack(),
      to: 'reset',
      events: 'miss',
      network: `network established 1 @${START}`,
    }),
    fixture: 'persists-resets',
  },
]

const bounded: readonly Story[] = [
  {
    name: 'persistence: records of networks count as new ones',
    fixture: 'persists-capped',
    steps: [
      { ...first, events: 'miss insert capped', network: 'none' },
      { ...established, at: START + 100, events: 'hit insert' },
    ],
  },
  {
    name: 'persistence: a SYN’s network takes no established record’s place',
    fixture: 'persists-tiny',
    held: [0, 1, 2, 3].map((place) => ({ place, record: `established 2 @${900 + 8 * place}` })),
    steps: [{ ...first, events: 'miss full', record: 'none', network: 'none', left: [0, 1, 2, 3] }],
  },
  {
    name: 'persistence: a segment’s network takes the oldest one’s place',
    fixture: 'persists-tiny',
    held: [0, 1, 2, 3].map((place) => ({ place, record: `established 2 @${900 + 8 * place}` })),
    steps: [
      {
        word: calm(1),
        send: ack(),
        to: 1,
        events: 'miss insert*2 evicted*2',
        record: 'established 1 in 0',
        network: 'network established 1 in 1',
        left: [2, 3],
      },
    ],
  },
]

const udp: readonly Story[] = [
  {
    name: 'persistence: UDP’s networks, with a failure',
    fixture: 'persists-udp',
    steps: [
      {
        word: calm(1),
        send: datagram(),
        to: 1,
        events: 'miss insert*2',
        record: 'established 1',
        network: 'network established 1',
      },
      {
        word: calm(2),
        at: START + 5,
        send: datagram({ ip: { source: '198.51.100.8' } }),
        to: 1,
        events: 'miss insert',
        record: 'established 1',
        network: 'network established 1',
      },
      {
        at: START + 10,
        failed: [1],
        shut: [1],
        send: datagram(),
        to: 2,
        events: 'hit',
        record: 'established 2',
        network: 'network established 2',
      },
    ],
  },
  {
    name: 'persistence: a network comes before what is learnt',
    fixture: 'persists-udp',
    held: [{ place: 0, network: true, record: 'established 1' }],
    steps: [
      {
        word: learns(2, 2),
        send: datagram(),
        to: 1,
        events: 'miss insert',
        record: 'established 1',
        network: 'network established 1',
      },
    ],
  },
  {
    name: 'persistence: what is learnt makes a network',
    fixture: 'persists-udp',
    steps: [
      {
        word: learns(1, 2),
        send: datagram(),
        to: 2,
        events: 'miss insert*2',
        record: 'established 2',
        network: 'network established 2',
      },
    ],
  },
]

const at = (destination: number, service: number, step: Partial<Step>): Step => ({
  ...first,
  send: syn({ tcp: { destination } }),
  service,
  ...step,
})
const services: readonly Story[] = [
  {
    name: 'persistence: each service has networks, a time-out and a pool of its own',
    fixture: 'persists-mixed',
    steps: [
      at(80, 0, { word: [calm(1), calm(2)] }),
      at(81, 1, { word: [calm(1), calm(2)], to: 2, record: 'syn 2 of 1', network: 'network syn 2 of 1' }),
      at(81, 1, {
        word: [calm(2), calm(1)],
        shut: [[0, 2]],
        at: START + SHORT,
        send: syn({ ip: { source: '198.51.0.9' }, tcp: { destination: 81 } }),
        to: 2,
        events: 'miss insert',
        record: 'syn 2 of 1',
        network: 'network syn 2 of 1',
      }),
      at(81, 1, {
        at: START + 2 * SHORT + 1,
        send: syn({ tcp: { destination: 81, source: 5 } }),
        events: 'miss insert',
        record: 'syn 1 of 1',
        network: 'network syn 1 of 1',
      }),
      at(80, 0, { send: syn({ tcp: { source: 5 } }), events: 'miss insert' }),
    ],
  },
  {
    name: 'persistence: a server is shut in its pool alone',
    fixture: 'persists-mixed',
    steps: [
      at(81, 1, { word: [calm(2), calm(2)], to: 2, record: 'syn 2 of 1', network: 'network syn 2 of 1' }),
      at(81, 1, {
        word: [calm(1), calm(1)],
        shut: [[1, 2]],
        send: syn({ tcp: { destination: 81, source: 5 } }),
        events: 'miss insert',
        record: 'syn 1 of 1',
        network: 'network syn 1 of 1',
      }),
    ],
  },
  {
    name: 'persistence: a service that does not persist beside such that do',
    fixture: 'persists-mixed',
    steps: [
      at(82, 2, { word: [calm(1), calm(1)], events: 'miss insert', record: 'syn 1 of 2', network: 'none' }),
      at(82, 2, {
        word: [calm(2), calm(2)],
        send: syn({ tcp: { destination: 82, source: 5 } }),
        to: 2,
        events: 'miss insert',
        record: 'syn 2 of 2',
        network: 'none',
      }),
    ],
  },
  {
    name: 'persistence: a network comes back by the other protocol, over IPv6',
    fixture: 'persists-mixed',
    steps: [
      {
        ...first,
        word: [0, calm(1)],
        send: six(syn()),
        service: 3,
        record: 'syn 1 of 3',
        network: 'network syn 1 of 3',
      },
      {
        word: [0, calm(2)],
        send: six(datagram({ ip6: { source: '2001:db8:ffff::8' } })),
        service: 3,
        to: 1,
        events: 'miss insert',
        record: 'established 1 of 3',
        network: 'network established 1 of 3',
      },
    ],
  },
]

const picked: readonly Story[] = [
  {
    name: 'persistence: a network that has a server takes no turn',
    fixture: 'persists-rr',
    steps: [
      { ...first, word: calm(2) },
      comes({ send: syn({ ip: { source: '198.51.100.200' } }) }),
      leaves({ send: far, events: 'miss insert*2' }),
      leaves({ send: syn({ ip: { source: '198.51.102.7' } }), events: 'miss insert*2' }),
      comes({ word: calm(0), send: syn({ ip: { source: '198.51.103.7' } }), events: 'miss insert*2' }),
    ],
  },
  {
    name: 'persistence: a network is no connection',
    fixture: 'persists-wlc',
    steps: [
      { ...first, counts: '1:1/0' },
      comes({ send: syn({ tcp: { source: 5 } }), counts: '1:2/0' }),
      leaves({ send: far, events: 'miss insert*2', counts: '1:2/0 2:1/0' }),
      {
        ...established,
        send: fin(),
        record: 'closed 1',
        network: `network syn 1 @${START}`,
        counts: '1:1/1 2:1/0',
      },
    ],
  },
]

/** Of a network's length: a client that differs in the last bit of it is another's, one bit behind it the same one's. */
function lengthStory(length: number, service: number, bits: 32 | 128): Story {
  const source = (bit: number): Parts => {
    const octets = new Uint8Array(bits / 8).fill(0x55)
    if (bit < bits) octets[bit >> 3]! ^= 0x80 >> (bit & 7)
    const hex = [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join('')
    const address = bits === 32 ? octets.join('.') : hex.replace(/(....)(?=.)/g, '$1:')
    const tcp = { destination: 81 + service }
    return bits === 32 ? syn({ ip: { source: address }, tcp }) : syn({ ip6: { source: address }, tcp })
  }
  const of = service === 0 ? '' : ` of ${service}`
  const step = (send: Parts, to: 1 | 2, made: boolean): Step => ({
    word: calm(made ? to : 3 - to),
    send,
    service,
    to,
    events: made ? 'miss insert*2' : 'miss insert',
    record: `syn ${to}${of}`,
    network: `network syn ${to}${of}`,
  })
  return {
    name: `persistence: a network of ${length} of ${bits} bits`,
    fixture: bits === 32 ? 'persists-lengths' : 'persists-lengths-six',
    steps: [
      step(source(bits), 1, true),
      step(source(length - 1), 2, true),
      ...(length < bits ? [step(source(length), 1, false), step(source(bits - 1), 1, false)] : []),
      ...(length > 1 ? [step(source(0), 2, true)] : []),
    ].filter(
      ({ send }, i, all) =>
        all.findIndex((other) => JSON.stringify(other.send) === JSON.stringify(send)) === i,
    ),
  }
}

/** persistenceStories. */
export const persistenceStories: readonly Story[] = [
  ...whose,
  ...times,
  ...gone,
  ...bounded,
  ...udp,
  ...services,
  ...picked,
  ...lengths4.map((length, service) => lengthStory(length, service, 32)),
  ...lengths6.map((length, service) => lengthStory(length, service, 128)),
]
