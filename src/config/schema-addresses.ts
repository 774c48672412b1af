// The shape of an entry of `addresses:`: where the addresses are, and how they move between nodes. address-sets.ts and
// failover.ts say what the words mean.

import { z } from 'zod'
import { choice, expected, IP, list, map, NAME, type Section, section, whole, word } from './schema-words.ts'

const duration = (example: string, description: string) =>
  word(`a duration such as ${example}`, '\\d+(\\.\\d+)?(ms|s|m|h|d)', description).optional()
const truth = (description: string) => z.boolean(expected('true or false')).meta({ description }).optional()
const file = (description: string) => word('the path of a file', '/.+', description)
const ip = (description: string) => word('an address such as 192.168.8.2', IP, description)

const ips = z.array(
  word(
    'an address with its prefix length, such as 192.168.8.100/24',
    `${IP}(/\\d{1,3})?`,
    'An address and the prefix length it is added with; without one, /32 or /128.',
  ),
  expected('a list of addresses such as [192.168.8.100/24]'),
)

const announce = section(
  'announce',
  {
    repeat: duration('5s', 'Once more, so long after the node has taken the addresses; 5s if absent.'),
    refresh: duration('1m', 'Again and again, so often; absent: not.'),
  },
  'announcements such as { repeat: 5s, refresh: 1m }',
)

const auth = section(
  'auth',
  {
    pass: file('Of version 2: the file that has the password, of 8 characters at most.').optional(),
    hmac: list(
      file('A file that has a key of 32 bytes or more.'),
      'the path of a file, or [NEW, OLD] while keys are exchanged',
    )
      .meta({ description: 'Of version 3, where all members are tenbin: keys of HMAC-SHA256.' })
      .optional(),
  },
  'authentication such as { pass: /etc/tenbin/vrrp.pass } or { hmac: /etc/tenbin/vrrp.key }',
)

const track = section(
  'track',
  {
    link: word('a role of interfaces, such as back', NAME, 'The link of the NIC that plays it.').optional(),
    service: word('a service, such as www', NAME, 'Enough of its servers are up (quorum).').optional(),
    script: z
      .array(
        word('a word', '[\\s\\S]*', 'A word of the command.'),
        expected('a command such as [/usr/local/bin/fit]'),
      )
      .min(1, expected('a command such as [/usr/local/bin/fit]'))
      .meta({ description: 'A program that exits with 0 while all is well; no shell.' })
      .optional(),
    user: word(
      'a user such as nobody',
      '[a-z_][a-z0-9_-]*|\\d+:\\d+',
      'Of script: who runs it; nobody if absent, never root.',
    ).optional(),
    timeout: duration('1s', 'Of script: how long it may take; as `every` if absent.'),
    file: file('Down while this file is there; not in /tmp or /var/tmp.').optional(),
    reach: list(
      ip('An address that answers ARP, neighbour solicitations or ping.'),
      'an address such as 192.168.8.1, or a list of them',
    )
      .meta({ description: 'Up while one of these addresses answers.' })
      .optional(),
    every: duration('2s', 'Of script and reach: from one look to the next; 2s and 1s if absent.'),
    weight: z
      .union(
        [whole(-253, -1, 'Taken off the priority while down.'), whole(1, 253, 'Added to it while up.')],
        expected('a whole number from -253 to 253, but not 0'),
      )
      .meta({ description: 'What it is worth for the priority.' })
      .optional(),
    fault: truth('The node has no role while it is down; true if there is no weight.'),
    rise: duration('1s', 'Up counts once it has lasted so long; 1s if absent.'),
    fall: duration('1s', 'Down counts once it has lasted so long.'),
  },
  'something to track such as { link: back, weight: -50 }',
)

const route = section(
  'route',
  {
    to: word(
      'a network such as 10.20.0.0/16, or default',
      `(default|${IP}(/\\d{1,3})?)`,
      'Where it leads: a network, or default: to everybody.',
    ),
    via: ip('The gateway, a machine on the link.'),
    on: word(
      'a role of interfaces, such as back',
      NAME,
      'Of the set’s roles the one whose link the gateway is on; absent: the only one, or the one whose network it is in.',
    ).optional(),
    source: ip(
      'The address, one of the set, that what the node itself sends by this route comes from; absent: the first one.',
    ).optional(),
    metric: whole(
      1,
      4_294_967_295,
      'Of several routes to a network the one with the smallest counts; absent: 0 in IPv4, 1024 in IPv6.',
    ).optional(),
  },
  'a route such as { to: 10.20.0.0/16, via: 192.168.8.1 }',
)

/** addressSet: its keys from `vrid` on say how it moves. */
export const addressSet = section(
  'address set',
  {
    on: word(
      'a role of interfaces, such as lan',
      NAME,
      'The role of the interface that has these addresses.',
    ).optional(),
    ips: z
      .union(
        [
          ips,
          map(NAME, ips, 'addresses of each role such as { lan: [192.168.8.100/24], back: [10.0.0.1/24] }'),
        ],
        expected('a list of addresses such as [192.168.8.100/24]'),
      )
      .meta({
        description: 'Addresses that clients use; nobody else may have them. By role: they move together.',
      }),
    vrid: whole(
      1,
      255,
      'VRRP’s virtual router on these links, which nobody else there may use; absent: the first node holds the addresses.',
    ).optional(),
    prefer: word('a node, such as lb1', NAME, 'The node with the highest priority, 200.').optional(),
    priorities: map(
      NAME,
      whole(1, 255, '255: the node owns the addresses.'),
      'priorities such as { lb1: 200, lb2: 100 }',
    )
      .meta({ description: 'Instead of prefer: the priority of each node.' })
      .optional(),
    advert: duration('100ms', 'From one advert to the next; the others notice after three. 1s if absent.'),
    version: whole(2, 3, 'Of VRRP; 3 if absent. 2: for IPv4, and peers that speak no other.').optional(),
    checksum: choice(
      'rfc5798 or rfc9568',
      ['rfc5798', 'rfc9568'],
      'Of version 3 over IPv4: with pseudo-header, as keepalived has it (rfc5798, if absent), or without.',
    ).optional(),
    preempt: z
      .union(
        [z.boolean(), z.string().meta({ pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d)$' })],
        expected('true, false, or a delay such as 5m'),
      )
      .meta({
        description:
          'Whether a node with a higher priority takes over from one that is active, or after which delay; true with prefer or priorities, else false.',
      })
      .optional(),
    accept: truth(
      'The active node’s kernel answers on the addresses, to ping for example; true if absent. false: what is for no listener is dropped, but ARP and neighbour discovery; a node with priority 255 answers all the same.',
    ),
    unicast: z
      .union(
        [
          z.literal(true),
          map(
            NAME,
            map(
              NAME,
              list(ip('The node’s own address there.'), 'an address such as 192.168.8.2'),
              'addresses',
            ),
            'addresses',
          ),
        ],
        expected('true, or addresses such as { lan: { lb1: 192.168.8.2, lb2: 192.168.8.3 } }'),
      )
      .meta({
        description:
          'Adverts go to the other nodes’ addresses instead of by multicast; true: to those in nodes.',
      })
      .optional(),
    min_ttl: whole(
      1,
      255,
      'With unicast: adverts that come with less of a TTL or hop limit are refused; 255, the link itself, if absent. keepalived sends 64 by unicast over IPv6.',
    ).optional(),
    auth: auth.meta({ description: 'How adverts prove who sent them.' }).optional(),
    mac: choice(
      'interface or virtual',
      ['interface', 'virtual'],
      'The MAC of the addresses: the NIC’s own (interface, if absent), or VRRP’s 00:00:5e:00:01:VRID (virtual).',
    ).optional(),
    announce: announce.meta({ description: 'How neighbours are told who has the addresses.' }).optional(),
    routes: z
      .array(route, expected('a list such as [{ to: default, via: 192.168.8.1 }]'))
      .meta({
        description:
          'Static routes that the active node has: added after the addresses, and gone with them, however the node ends.',
      })
      .optional(),
    track: z
      .array(track, expected('a list such as [{ link: back, weight: -50 }]'))
      .meta({
        description:
          'What the node’s fitness depends on. The links of the set’s own roles and the packet path are faults anyway.',
      })
      .optional(),
  },
  'an address set such as { on: lan, ips: [192.168.8.100/24] }',
)

export type AddressSetShape = z.infer<typeof addressSet>
/** MOVING: keys that say how a set moves, which goes with `vrid`. */
export const MOVING = (Object.keys(addressSet.shape) as (keyof AddressSetShape)[]).filter(
  (key) => key !== 'on' && key !== 'ips' && key !== 'vrid',
)
export type TrackShape = z.infer<typeof track>
export type RouteShape = z.infer<typeof route>

/** addressSections: keys of the sections, for messages. */
export const addressSections: readonly (readonly [Section, readonly string[]])[] = [
  ['address set', Object.keys(addressSet.shape)],
  ['announce', Object.keys(announce.shape)],
  ['auth', Object.keys(auth.shape)],
  ['track', Object.keys(track.shape)],
  ['route', Object.keys(route.shape)],
]
