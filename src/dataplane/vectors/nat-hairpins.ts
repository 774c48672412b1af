// Nat for clients on their server's own network, the server among them: what it answers would not come by here, so that
// nothing goes there.

import { web1 } from './fixture.ts'
import { type NatFixtureName, PORT, targets, targets6 } from './nat-fixtures.ts'
import { made } from './nat-flows.ts'
import type { NatStep, NatStory } from './nat-story.ts'
import { ack, datagram, fin, six, syn } from './story-words.ts'
import type { Parts } from './vector.ts'

const from = (source: string, parts: Parts): Parts => ({ ...parts, ip: { ...parts.ip, source } })
const from6 = (source: string, parts: Parts): Parts => ({ ...parts, ip6: { ...parts.ip6, source } })

const story = (name: string, fixture: NatFixtureName, ...steps: readonly NatStep[]): NatStory => ({
  name: `nat, a hairpin: ${name}`,
  fixture,
  steps,
})
const refused = { to: 'hairpin', events: 'miss insert', kept: [] } as const
const goes = { to: 1, events: made } as const

/** natHairpinStories. */
export const natHairpinStories: readonly NatStory[] = [
  story('a server that asks its own service', 'nat-far', {
    send: from(targets[0], syn({ ether: { source: web1 } })),
    ...refused,
  }),
  story('whoever sends with the server’s address', 'nat', { send: from(targets[0], syn()), ...refused }),
  story('its neighbour, where no network is known', 'nat', { send: from('10.1.2.30', syn()), ...goes }),
  ...['10.1.2.9', '10.1.0.0', '10.1.3.255'].map((client) =>
    story(`${client} is on 10.1.2.31/22`, 'nat-near', { send: from(client, syn()), ...refused }),
  ),
  ...['10.1.4.0', '10.0.255.255', '10.0.2.31', '138.1.2.31'].map((client) =>
    story(`${client} is not`, 'nat-near', { send: from(client, syn()), ...goes }),
  ),
  story(
    'what begins no flow is not looked at',
    'nat-near',
    { send: from('10.1.2.9', ack()), ...goes },
    { send: from('10.1.2.9', fin()), to: 1, events: 'hit', kept: ['closed 1'] },
  ),
  story('a server that the client is not on the network of', 'nat-near', {
    word: 2,
    send: from('10.1.2.9', syn()),
    to: 2,
    events: made,
  }),
  story(
    'each datagram',
    'nat-udp-near',
    { send: from('10.1.2.9', datagram()), ...refused },
    { send: from('10.1.2.9', datagram()), to: 'hairpin', events: 'hit', kept: [] },
    { send: from('10.1.9.9', datagram()), to: 1, port: PORT, events: made },
  ),
  ...['fd00:1:2:3::9', 'fd00:1:2:3:1ff::', targets6[0]].map((client) =>
    story(`${client} is on ${targets6[0]}/71`, 'nat-six-near', {
      send: from6(client, six(syn())),
      ...refused,
    }),
  ),
  ...['fd00:1:2:3:204:5:6:71', 'fd00:1:2:2:4:5:6:71', '7d00:1:2:3:4:5:6:71'].map((client) =>
    story(`${client} is not`, 'nat-six-near', { send: from6(client, six(syn())), ...goes, port: PORT }),
  ),
  story(
    'of both families each by its own',
    'nat-mixed-near',
    { send: from('10.1.2.9', syn()), ...refused },
    { send: from('10.1.9.9', syn()), ...goes, port: PORT },
    { send: from6('fd00:1:2:3::9', six(syn())), ...refused, kept: ['syn 1'] },
    { send: from6('fd00:1:2:4::9', six(syn())), to: 2, service: 2, events: made },
  ),
  story(
    'a clash does not lead to a server that is the client’s neighbour',
    'nat-port-near',
    { send: syn(), to: 1, port: PORT, events: made },
    { send: ack(), to: 1, port: PORT, events: 'hit' },
    {
      slots: Object.fromEntries(Array.from({ length: 1_021 }, (_, slot) => [slot, slot % 2 ? 2 : 1])),
      send: syn({ tcp: { destination: 81 } }),
      to: 'clash',
      events: 'miss insert',
      kept: ['established 1'],
    },
  ),
]
