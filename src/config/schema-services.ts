// The shape of services and pools, and of `defaults`, which has most of a service's keys.

import { z } from 'zod'
import { check } from './schema-check.ts'
import { serviceDefence } from './schema-defence.ts'
import { choice, expected, IP4, IP6, list, NAME, NAMES, section, whole, word } from './schema-words.ts'

const weight = whole(0, 65_535, 'Share of the traffic relative to the others; 0: known, but gets none.')

const names = word(
  'a server such as web01 or a range such as web01..10',
  NAMES,
  'A server or a range of them.',
)

export const member = section(
  'member',
  { name: names, weight: weight.optional() },
  'a server such as web01, or { name: web01, weight: 3 }',
)

const membersText = 'servers such as web01..10 or [web01, { name: web02, weight: 3 }]'
const members = z
  .union(
    [
      names,
      z.array(
        z.union([names, member], expected('a server such as web01, or { name: web01, weight: 3 }')),
        expected(membersText),
      ),
    ],
    expected(membersText),
  )
  .meta({
    description: 'Servers of the inventory: web01..10, or a list of names, ranges and { name, weight }.',
  })

const listener = word(
  'a listener such as 192.168.8.100:80',
  `(${IP4}|\\[${IP6}\\]):(\\d{1,5}(\\.\\.\\d{1,5})?|\\*)(/(tcp|udp))?`,
  'Address and port, range of ports, or * for all ports, that clients use; TCP unless /udp is behind it.',
)

const sorryText = 'sorry servers such as [web99], { servers: web99, check: ping }, or none'

export const sorry = section(
  'sorry',
  {
    servers: members,
    check: check
      .optional()
      .meta({ description: "How they are checked; as the pool's servers if absent; none: not at all." }),
  },
  sorryText,
)

const amount = z
  .union(
    [
      whole(1, 1_000_000_000, 'A sum of weights.'),
      word('a share such as 50%', '([1-9]\\d?|100)%', 'A share of all weights of the pool, rounded up.'),
    ],
    expected('a sum of weights such as 2, or a share such as 50%'),
  )
  .meta({ description: 'A sum of weights, which are 1 unless said otherwise, or a share of all of them.' })

const quorumText = 'a quorum such as 2, 50%, or { up: 3, down: 2 }'

export const quorum = section(
  'quorum',
  {
    up: amount.meta({ description: 'A lost quorum is back with so much.' }),
    down: amount.meta({ description: 'It is lost with less than this.' }),
  },
  quorumText,
)

/** owned: what a pool has beside its servers. */
const owned = {
  sorry: z
    .union([members, sorry], expected(sorryText))
    .meta({
      description:
        'Servers of the inventory that answer when none of the pool can, or when it has lost its quorum; none if absent.',
    })
    .optional(),
  quorum: z
    .union([amount, quorum], expected(quorumText))
    .meta({ description: 'How much of the pool has to be up; 1 if absent: somebody.' })
    .optional(),
}

export const pool = z.union(
  [members, section('pool', { servers: members, ...owned }, 'a pool')],
  expected('the servers of a pool such as web01..10'),
)

const duration = (example: string, description = '') =>
  word(`a duration such as ${example}`, '\\d+(\\.\\d+)?(ms|s|m|h|d)', `${description} From 1s to 24h.`.trim())
const timeout = (example: string, description: string) => duration(example, description).optional()

const persistenceText = 'a duration such as 10m, or { timeout: 10m, network: 24, network6: 64 }'

export const timeouts = section(
  'timeouts',
  {
    syn: timeout('60s', 'Of TCP connections of which only SYNs were seen; 60s if absent.'),
    established: timeout('15m', 'Of TCP connections; 15m if absent.'),
    fin: timeout('2m', 'Of TCP connections of which a FIN or RST was seen; 2m if absent.'),
    udp: timeout('5m', 'Of UDP flows; 5m if absent.'),
  },
  'time-outs such as { established: 15m, udp: 30s }',
)

const bits = (most: number, family: string) =>
  whole(1, most, `How many leading bits of a client's ${family} address are its network; ${most} if absent.`)

export const persistence = section(
  'persistence',
  {
    timeout: timeout('10m', 'How long after its last packet a client keeps its server; 5m if absent.'),
    network: bits(32, 'IPv4').optional(),
    network6: bits(128, 'IPv6').optional(),
  },
  persistenceText,
)

const guardText = 'a share such as 50%, off, or { share: 50%, interval: 5s, hold: 60s }'
const share = word(
  'a share such as 50%, or off',
  '(off|[1-9]\\d?%)',
  'More than this share of those that were up; off: whatever fails is out.',
)

export const guard = section(
  'guard',
  {
    share: share.optional(),
    interval: word(
      'a duration such as 5s',
      '\\d+(\\.\\d+)?(ms|s|m|h|d)',
      'Failures within so long count as one event; what one round of the checks takes (every + timeout) if absent.',
    ).optional(),
    hold: word(
      'a duration such as 60s',
      '\\d+(\\.\\d+)?(ms|s|m|h|d)',
      'How long they are not believed while others of the pool are up; 60s if absent.',
    ).optional(),
  },
  guardText,
)

/** behaviour: the keys that a service and `defaults` have alike. */
const behaviour = {
  forward: choice(
    'a way of forwarding: dsr or nat',
    ['dsr', 'nat'],
    "How a packet reaches its server; dsr (if absent): its MAC is rewritten, the server answers the client itself; nat: its address and port become the server's, whose answers come back through the node.",
  ).optional(),
  scheduler: choice(
    'a scheduler: mh',
    ['mh', 'sh', 'rr', 'wrr', 'lc', 'wlc', 'sed', 'nq'],
    'What picks the server of a new connection, by the names of LVS; mh: a table and the whole flow; sh: a table and the client address; rr, wrr: turns; lc, wlc, sed, nq: connections.',
  ).optional(),
  hash: choice(
    'what of a flow picks its server: flow or source',
    ['flow', 'source'],
    'flow: addresses and ports (of mh if absent); source: the client address alone (of sh if absent).',
  ).optional(),
  track: choice(
    'which flows are remembered: changes, all or none',
    ['changes', 'all', 'none'],
    'Which flows are remembered; changes (if absent): those whose server a change would change.',
  ).optional(),
  on_failure: choice(
    'what becomes of the flows of a failed server: keep or reset',
    ['keep', 'reset'],
    "A failed server's TCP connections: keep (if absent) leaves them to it, reset ends them by a RST.",
  ).optional(),
  timeouts: timeouts
    .meta({ description: 'How long a flow may be silent before it is forgotten.' })
    .optional(),
  slow_start: duration(
    '30s',
    'How long a server that joins others takes to its whole share, in steps; it has it at once if absent.',
  ).optional(),
  guard: z
    .union([share, guard], expected(guardText))
    .meta({
      description:
        'When more than a share of a pool fails at once, the last good set goes on serving; 50% if absent.',
    })
    .optional(),
  check: check.optional().meta({
    description:
      'How servers are checked; a TCP connect if absent, none: not for this service (others of its pool may).',
  }),
}

export const service = section(
  'service',
  {
    listen: list(listener, 'a list of listeners such as [192.168.8.100:80]').meta({
      description: 'Where clients connect.',
    }),
    servers: members.optional(),
    pool: word('the name of a pool', NAME, 'A pool of `pools`, instead of servers.').optional(),
    ...owned,
    server_port: whole(
      1,
      65_535,
      "The servers' port, of forward nat; the port that the client sent to if absent.",
    ).optional(),
    ...behaviour,
    persistence: z
      .union([duration('10m'), persistence], expected(persistenceText))
      .meta({
        description:
          'Clients keep their server over all listeners of the service, for so long after their last packet.',
      })
      .optional(),
    defence: serviceDefence
      .meta({ description: 'What it is defended by beside what the node has.' })
      .optional(),
  },
  'a service such as { listen: [192.168.8.100:80], servers: web01..10 }',
)

export const defaults = section(
  'defaults',
  { ...behaviour, ...owned, weight: weight.optional() },
  'defaults such as { check: none }',
)

export type ServiceShape = z.infer<typeof service>
export type DefaultsShape = z.infer<typeof defaults>
export type TimeoutsShape = z.infer<typeof timeouts>
export type MembersShape = z.infer<typeof members>
export type OwnedShape = Pick<ServiceShape, 'sorry' | 'quorum'>
export type PoolShape = z.infer<typeof pool>
