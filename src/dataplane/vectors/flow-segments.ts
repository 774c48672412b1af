// TCP flows of slots that have moved: SYNs, what follows them, and flows that nobody saw begin.

import { tcpFlag } from '../../wire/tcp.ts'
import type { Step, Story } from './story.ts'
import { ack, calm, data, fin, moved, rst, syn } from './story-words.ts'

const { SYN, ACK, FIN, RST, PSH, URG, ECE, CWR } = tcpFlag

/** A segment of a flow without a record: servers 1 and 2 are current and settled. */
const unseen = (name: string, step: Partial<Step>, fixture: Story['fixture'] = 'changes'): Story => ({
  name,
  fixture,
  steps: [{ word: moved(1, 2), send: ack(), to: 2, events: 'miss insert', record: 'established 2', ...step }],
})

/** A packet of a flow with a record. */
const seen = (
  name: string,
  record: string,
  step: Partial<Step>,
  fixture: Story['fixture'] = 'changes',
): Story => ({
  name,
  fixture,
  held: [{ place: 0, record, own: true }],
  steps: [{ word: moved(1, 2), send: ack(), to: 2, events: 'hit', ...step }],
})

const flagged = (name: string, flags: number, kind: 'syn' | 'segment' | 'end'): readonly Story[] => {
  const answers: Record<typeof kind, Partial<Step>> = {
    syn: { to: 1, record: 'syn 1' },
    segment: { to: 2, record: 'established 2' },
    end: { to: 2, events: 'miss', record: 'none' },
  }
  const states = { syn: 'syn 1', segment: 'established 2', end: 'closed 2' }
  return [
    unseen(`${name} without a record is of kind ${kind}`, { send: { tcp: { flags } }, ...answers[kind] }),
    seen(`${name} with a record is of kind ${kind}`, 'established 2 @900', {
      send: { tcp: { flags } },
      to: kind === 'syn' ? 1 : 2,
      record: states[kind],
    }),
  ]
}

const calmStory: Story = {
  name: 'nothing is looked up while a slot is calm',
  fixture: 'changes',
  held: [{ place: 0, record: 'established 2', own: true }],
  steps: [
    { word: calm(1), send: syn(), to: 1, record: 'established 2 @1000' },
    { at: 1_100, send: ack(), to: 1, record: 'established 2 @1000' },
    { send: fin(), to: 1, record: 'established 2 @1000' },
    { failed: [1], send: data(), to: 1, record: 'established 2 @1000' },
  ],
}

const connections: readonly Story[] = [
  {
    name: 'a connection that begins after a slot has moved',
    fixture: 'changes',
    steps: [
      { word: moved(1, 2), send: syn(), to: 1, events: 'miss insert', record: 'syn 1 in 0' },
      { at: 1_001, send: ack(), to: 1, events: 'hit', record: 'established 1 in 0' },
      { at: 1_002, send: data({ payload: 'GET /' }), to: 1, events: 'hit', record: 'established 1' },
      { at: 1_003, send: fin(), to: 1, events: 'hit', record: 'closed 1' },
      { at: 1_004, send: ack(), to: 1, events: 'hit', record: 'closed 1' },
    ],
  },
  {
    name: 'a connection that began before a slot moved, through two more moves',
    fixture: 'changes',
    steps: [
      { word: calm(2), send: syn(), to: 2 },
      { word: moved(1, 2), send: ack(), to: 2, events: 'miss insert', record: 'established 2' },
      { word: moved(2, 1), at: 1_010, send: data(), to: 2, events: 'hit', record: 'established 2' },
      { word: moved(1, 1), at: 1_020, send: data(), to: 2, events: 'hit', record: 'established 2' },
      { word: moved(1, 1), at: 1_030, send: rst(), to: 2, events: 'hit', record: 'closed 2' },
    ],
  },
  {
    name: 'a repeated SYN does not change servers',
    fixture: 'changes',
    steps: [
      { word: moved(1, 2), send: syn(), to: 1, events: 'miss insert', record: 'syn 1' },
      { word: moved(2, 1), at: 1_050, send: syn(), to: 1, events: 'hit', record: 'syn 1' },
      { word: moved(2, 1), at: 1_100, send: ack(), to: 1, events: 'hit', record: 'established 1' },
    ],
  },
  {
    name: 'a port is used again after its connection has ended',
    fixture: 'changes',
    steps: [
      { word: moved(1, 2), send: ack(), to: 2, events: 'miss insert', record: 'established 2 in 0' },
      { at: 1_001, send: fin(), to: 2, events: 'hit', record: 'closed 2 in 0' },
      { at: 1_002, send: syn(), to: 1, events: 'hit', record: 'syn 1 in 0' },
      { at: 1_003, send: ack(), to: 1, events: 'hit', record: 'established 1 in 0' },
    ],
  },
  {
    name: 'a port is used again while its connection has not ended',
    fixture: 'changes',
    steps: [
      { word: moved(1, 2), send: ack(), to: 2, events: 'miss insert', record: 'established 2 in 0' },
      { send: syn(), to: 1, events: 'hit', record: 'syn 1 in 0' },
    ],
  },
  {
    name: 'closed stays closed until a SYN',
    fixture: 'changes',
    steps: [
      { word: moved(1, 2), send: syn(), to: 1, events: 'miss insert', record: 'syn 1' },
      { send: rst(), to: 1, events: 'hit', record: 'closed 1' },
      { at: 1_001, send: ack(), to: 1, events: 'hit', record: 'closed 1' },
      { at: 1_002, send: data(), to: 1, events: 'hit', record: 'closed 1' },
      { at: 1_003, send: fin(), to: 1, events: 'hit', record: 'closed 1' },
      { at: 1_004, send: syn(), to: 1, events: 'hit', record: 'syn 1' },
    ],
  },
  {
    name: 'a server that comes back while the flow waits',
    fixture: 'changes',
    steps: [
      { word: moved(1, 2), lost: [2], send: ack(), to: 'no-server', events: 'miss' },
      { lost: [], send: ack(), to: 2, events: 'miss insert', record: 'established 2' },
      { lost: [2], at: 1_020, send: ack(), to: 'no-server', events: 'hit', record: 'established 2' },
      { lost: [], at: 1_030, send: ack(), to: 2, events: 'hit', record: 'established 2' },
    ],
  },
]

const flags: readonly Story[] = [
  ...flagged('a SYN with ECE and CWR', SYN | ECE | CWR, 'syn'),
  ...flagged('a SYN with PSH and URG', SYN | PSH | URG, 'syn'),
  ...flagged('a SYN with ACK', SYN | ACK, 'segment'),
  ...flagged('a segment without flags', 0, 'segment'),
  ...flagged('all flags but SYN, FIN and RST', ACK | PSH | URG | ECE | CWR, 'segment'),
  ...flagged('a SYN with FIN', SYN | FIN, 'end'),
  ...flagged('a SYN with RST', SYN | RST, 'end'),
  ...flagged('a FIN alone', FIN, 'end'),
  ...flagged('a RST alone', RST, 'end'),
  ...flagged('a RST with ACK', RST | ACK, 'end'),
  ...flagged('all flags', 0xff, 'end'),
]

const settled: readonly Story[] = [
  unseen('a settled server that nobody is: the current one', {
    word: moved(1, 0),
    to: 1,
    record: 'established 1',
  }),
  unseen('a settled server that has failed keeps its flows', { failed: [2] }),
  unseen('a settled server that has failed elsewhere keeps its flows', { failed: [1] }),
  unseen('a settled server that is lost: nothing is recorded', {
    lost: [2],
    to: 'no-server',
    events: 'miss',
    record: 'none',
  }),
  unseen('nobody current and nobody settled', {
    word: moved(0, 0),
    to: 'no-server',
    events: 'miss',
    record: 'none',
  }),
  unseen('nobody current, but a settled server', { word: moved(0, 2) }),
  unseen('a SYN where nobody is current', {
    word: moved(0, 2),
    send: syn(),
    to: 'no-server',
    events: 'miss',
    record: 'none',
  }),
  unseen('a SYN where the current server is lost', {
    lost: [1],
    send: syn(),
    to: 'no-server',
    events: 'miss',
    record: 'none',
  }),
  unseen('a SYN where the current server has failed: the word has the say', {
    failed: [1],
    send: syn(),
    to: 1,
    record: 'syn 1',
  }),
  unseen('a settled id that nobody can have: the current server', {
    word: moved(1, 4),
    to: 1,
    record: 'established 1',
  }),
  unseen('the settled server is asked of a table that is not there', {
    word: moved(1, 0x7fff),
    to: 1,
    record: 'established 1',
  }),
  unseen('a FIN for nobody settled goes to the current server', {
    word: moved(1, 0),
    send: fin(),
    to: 1,
    events: 'miss',
    record: 'none',
  }),
  unseen('the server of a slot that has not moved', { word: moved(2, 2) }),
  unseen('LEARN is nothing to TCP: a segment', { word: (moved(1, 2) | (1 << 30)) >>> 0 }),
  unseen('LEARN is nothing to TCP: a SYN', {
    word: (moved(1, 2) | (1 << 30)) >>> 0,
    send: syn(),
    to: 1,
    record: 'syn 1',
  }),
]

const followed: readonly Story[] = [
  seen('a record of a failed server is followed', 'established 2', { failed: [2], record: 'established 2' }),
  seen('a record of a lost server is followed, and refreshed', 'established 2 @900', {
    lost: [2],
    to: 'no-server',
    record: 'established 2',
  }),
  seen('a record of a server of which the word says nothing', 'established 2', {
    word: moved(1, 1),
    record: 'established 2',
  }),
  seen('a record of a server that nobody can be', 'established 9', {
    events: 'miss',
    record: 'established 2 in 0',
  }),
  seen('a SYN over a record of a server that nobody can be', 'syn 9', {
    send: syn(),
    to: 1,
    events: 'miss',
    record: 'syn 1 in 0',
  }),
  seen('a FIN with a record of a server that nobody can be', 'established 9 @900', {
    send: fin(),
    events: 'miss',
    record: 'established 9 @900',
  }),
  seen('a record made for another service', 'established 2 of 7 @900', { record: 'established 2 of 7' }),
  seen('a SYN after another service’s record', 'closed 2 of 7', { send: syn(), to: 1, record: 'syn 1' }),
  seen('a SYN over a record of a SYN whose server has failed', 'syn 2', {
    failed: [2],
    send: syn(),
    to: 1,
    record: 'syn 1 in 0',
  }),
  seen('a SYN over a record of a SYN whose server is lost', 'syn 2', {
    lost: [2],
    send: syn(),
    to: 1,
    record: 'syn 1 in 0',
  }),
  seen('a SYN over a record, where nobody is current', 'established 2', {
    word: moved(0, 2),
    send: syn(),
    to: 'no-server',
    record: 'established 2 @1000',
  }),
  seen('a repeated SYN of a server that is not current any more', 'syn 2', {
    word: moved(1, 1),
    send: syn(),
    record: 'syn 2',
  }),
  seen('a record of a SYN, and a segment', 'syn 2 @900', { record: 'established 2' }),
  seen('a record of a SYN, and a RST', 'syn 2 @900', { send: rst(), record: 'closed 2' }),
]

const all: readonly Story[] = [
  {
    name: 'track all: a calm slot’s flow is recorded, and keeps its server when the slot moves',
    fixture: 'all',
    steps: [
      { word: calm(1), send: syn(), to: 1, events: 'miss insert', record: 'syn 1' },
      { send: ack(), to: 1, events: 'hit', record: 'established 1' },
      { word: calm(2), at: 1_001, send: ack(), to: 1, events: 'hit', record: 'established 1' },
      { word: calm(2), at: 1_002, send: fin(), to: 1, events: 'hit', record: 'closed 1' },
      { word: calm(2), at: 1_003, send: syn(), to: 2, events: 'hit', record: 'syn 2' },
    ],
  },
  unseen('track all: a segment that nobody saw begin', { word: calm(2) }, 'all'),
  unseen('track all: the settled server of a slot that has moved', {}, 'all'),
  seen('track all: a jumbo shape', 'established 2 @900', { record: 'established 2' }, 'changes-jumbo'),
]

/** flowSegmentStories. */
export const flowSegmentStories: readonly Story[] = [
  calmStory,
  ...connections,
  ...flags,
  ...settled,
  ...followed,
  ...all,
]
