// What servers with nat answer before the flow is known here, which another node may be about to tell: dropped where the kernel
// would forward it as it is. And clients' packets whose server nothing but a record tells.

import { web1 } from './fixture.ts'
import { KEPT } from './kept-addresses.ts'
import { type NatFixtureName, PORT, targets6 } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import type { NatStep, NatStory } from './nat-story.ts'
import { START } from './story.ts'
import { ack, fin, moved, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

const early = { awaits: true, to: 'untold' } as const
const passes = { awaits: true, to: 'no-listener' } as const
const tags: Parts = { ether: { tags: [{ tpid: 0x88a8, id: 7 }, { id: 8 }] } }
const options = new Uint8Array(8).fill(1)

const story = (name: string, fixture: NatFixtureName, ...steps: readonly NatStep[]): NatStory => ({
  name: `nat, early: ${name}`,
  fixture,
  steps,
})
const single = (name: string, fixture: NatFixtureName, step: NatStep): NatStory => story(name, fixture, step)

const to = (port: number, { tcp, ...parts }: Parts): Parts => ({
  ...parts,
  tcp: { ...tcp, destination: port },
})
/** A second after the first packet that is dropped (16 ticks of 64 ms) the last one is. */
const SECOND = 16
const WRAP = 2 ** 30

const stillUntold = { to: 'untold', events: 'miss', kept: [] } as const
const untold = { awaits: true, ...stillUntold } as const

/** Of clients' packets those whose server nothing but a record tells. */
const requests: readonly NatStory[] = [
  story(
    'a segment of a service by turns waits for its record',
    'nat-told-counting',
    { send: ack(), ...untold },
    { send: fin(), ...untold },
    { send: syn(), to: 1, port: PORT, events: made },
    { send: ack(), to: 1, port: PORT, events: 'hit' },
    { sweep: true, awaits: false, send: ack(), to: 2, port: PORT, events: made },
  ),
  story(
    'a segment waits until its client’s network is known',
    'nat-told-counting',
    { send: to(81, ack()), ...untold },
    { word: 1, send: to(81, syn()), to: 1, service: 1, untranslated: true, events: 'miss insert*2' },
    {
      word: 2,
      send: to(81, ack({ tcp: { source: 40_001 } })),
      ...{ to: 1, service: 1, untranslated: true, events: 'miss insert' },
    },
  ),
  story(
    'a segment waits that may be of a flow of before its slot’s change, or of after it',
    'nat-told-counting',
    { word: moved(2, 1), send: to(82, ack()), ...untold },
    { send: to(83, ack()), ...untold },
    { send: to(83, fin()), ...untold },
    { awaits: false, send: to(82, ack()), to: 1, service: 2, untranslated: true, events: 'miss insert' },
  ),
  single('a segment whose slot has had one server only does not wait', 'nat-told-counting', {
    awaits: true,
    word: moved(2, 2),
    send: to(82, ack()),
    ...{ to: 2, service: 2, untranslated: true, events: 'miss insert' },
  }),
  story(
    'segments wait for a second from the first one that is dropped, until the daemon says again that records may come',
    'nat-told-counting',
    { awaits: true, at: START, send: syn(), to: 1, port: PORT, events: made },
    { at: START + 10, sweep: true, send: ack(), ...stillUntold },
    { at: START + 9, send: ack(), ...stillUntold },
    { at: START + 10 + SECOND, send: ack(), ...stillUntold },
    { at: START + 11 + SECOND, send: ack(), to: 2, port: PORT, events: made },
    { sweep: true, send: ack(), ...untold },
  ),
  story(
    'when ticks begin anew a segment waits if records may come, and only then',
    'nat-told-counting',
    { at: WRAP - 5, send: ack(), to: 2, port: PORT, events: made },
    { sweep: true, send: ack(), ...untold },
    { at: WRAP - 5 + SECOND, send: ack(), ...stillUntold },
    { at: WRAP - 4 + SECOND, send: ack(), to: 2, port: PORT, events: made },
  ),
  single('nor with nat', 'nat-told-counting', {
    awaits: true,
    send: to(83, ack()),
    ...{ to: 2, service: 3, port: 83, events: made },
  }),
]

/** natEarlyStories. */
export const natEarlyStories: readonly NatStory[] = [
  ...requests,
  story(
    'an answer to nobody known is dropped until its flow is known, or nobody is about to tell of it',
    'nat-told',
    { answer: {}, ...early },
    { send: syn(), to: 1, events: made },
    { answer: {}, to: 'client' },
    { sweep: true, answer: {}, ...early },
    { awaits: false, answer: {}, to: 'no-listener' },
  ),
  story(
    'answers are dropped for a second from the first one on',
    'nat-told',
    { at: START, answer: { ip: { destination: KEPT[0] } }, ...passes },
    { at: START + 40, answer: {}, to: 'untold' },
    { at: START + 39, answer: {}, to: 'untold' },
    { at: START + 40 + SECOND, answer: {}, to: 'untold' },
    { at: START + 41 + SECOND, answer: {}, to: 'no-listener' },
    { answer: {}, ...early },
  ),
  story(
    'when ticks begin anew an answer is dropped if records may come, and only then',
    'nat-told',
    { at: WRAP - 5, answer: {}, to: 'no-listener' },
    { answer: {}, ...early },
    { at: WRAP - 5 + SECOND, answer: {}, to: 'untold' },
    { at: WRAP - 4 + SECOND, answer: {}, to: 'no-listener' },
  ),
  single('behind tags', 'nat-told', { answer: tags, ...early }),
  single('behind options', 'nat-told', { answer: { ip: { options } }, ...early }),
  single('its first fragment', 'nat-told', { answer: { ip: { moreFragments: true } }, ...early }),
  single('a later fragment is nothing that a client answers', 'nat-told', {
    answer: { ip: { fragmentOffset: 64 } },
    awaits: true,
    to: 'fragment-copied',
  }),
  single('for the node itself', 'nat-told', { answer: { ip: { destination: KEPT[0] } }, ...passes }),
  single('from a port of the server’s own', 'nat-told', { answer: { tcp: { source: 81 } }, ...passes }),
  single('from a port whose bit is beside', 'nat-told', { answer: { tcp: { source: 80 + 32 } }, ...passes }),
  single('of nobody who is a server', 'nat-told', { answer: { ip: { source: '10.1.2.99' } }, ...passes }),
  single('where no other node tells of records', 'nat', { answer: {}, ...passes }),
  single('of UDP', 'nat-told-mixed', { answer: { udp: {} }, ...early }),
  single('from the port that all listeners share', 'nat-told-mixed', {
    answer: { tcp: { source: PORT } },
    ...early,
  }),
  single('from the first port of a range', 'nat-told-mixed', {
    answer: { tcp: { source: 7_000 } },
    ...early,
  }),
  single('from its last port', 'nat-told-mixed', { answer: { tcp: { source: 7_100 } }, ...early }),
  single('from the port before it', 'nat-told-mixed', { answer: { tcp: { source: 6_999 } }, ...passes }),
  single('from a port of dsr', 'nat-told-mixed', { answer: { tcp: { source: 81 } }, ...passes }),
  single('over IPv6', 'nat-told-mixed', { answer: six({ tcp: { source: 80 } }), from: 2, ...early }),
  single('over IPv6, behind tags', 'nat-told-mixed', {
    answer: six({ ...tags, tcp: { source: 80 } }),
    from: 2,
    ...early,
  }),
  single('over IPv6, for the node itself', 'nat-told-mixed', {
    answer: six({ ip6: { destination: KEPT[1] }, tcp: { source: 80 } }),
    from: 2,
    ...passes,
  }),
  single('over IPv6, of nobody who is a server', 'nat-told-mixed', {
    answer: six({ ether: { source: web1 }, ip6: { source: targets6[2] }, tcp: { source: 80 } }),
    from: 2,
    ...passes,
  }),
]
