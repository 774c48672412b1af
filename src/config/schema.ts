// The file's shape: which keys there are, where, and of what kind their values are. The JSON Schema that editors
// use is made from it; what the words in the values mean (ranges, addresses, names of other things) is checked by
// the resolvers. Each `expected` says what belongs there, for messages; each section names its later keys, which
// are known, not built yet, and refused with what to do about it.

import { z } from 'zod'

/** Section: a map with fixed keys, by the name under which sections lists it. */
export type Section = 'file' | 'defaults' | 'address set' | 'member' | 'pool' | 'service'

interface SectionKeys {
  readonly known: readonly string[]
  /** Keys of features that are not built yet -> the whole message. */
  readonly later: Readonly<Record<string, string>>
}

const leaveOut = (...keys: string[]): Record<string, string> =>
  Object.fromEntries(keys.map((key) => [key, `"${key}" is not built yet: leave it out`]))

const failover = [
  'failover is not built yet: leave "vrid", "prefer" and "advert" out',
  '(an address set without vrid is held by one node)',
].join(' ')

const laterKeys: Readonly<Record<Section, Readonly<Record<string, string>>>> = {
  file: leaveOut('limits', 'notify', 'api', 'metrics', 'log', 'defence'),
  defaults: leaveOut('on_failure', 'sorry', 'track'),
  'address set': { vrid: failover, prefer: failover, advert: failover },
  member: {},
  pool: {},
  service: leaveOut('on_failure', 'sorry', 'track'),
}

const expected = (text: string) => ({ error: () => text })

function section<Shape extends z.core.$ZodLooseShape>(name: Section, shape: Shape, text: string) {
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? name : text) })
}

const NAME = '[A-Za-z][A-Za-z0-9_.-]{0,62}'
const word = (text: string, pattern: string, description: string) =>
  z.string(expected(text)).meta({ pattern: `^${pattern}$`, description })
const keyOf = (pattern: string) => z.string().meta({ pattern: `^${pattern}$` })

const IP4 = '\\d{1,3}(\\.\\d{1,3}){3}'
const IP6 = '[0-9A-Fa-f]*:[0-9A-Fa-f:.]*'
const IP = `(${IP4}|${IP6})`
const NAMES = `${NAME}(\\.\\.\\d+)?`

const weight = z
  .int(expected('a whole number from 0 to 65535'))
  .min(0, expected('a whole number from 0 to 65535'))
  .max(65_535, expected('a whole number from 0 to 65535'))
  .meta({ description: 'Share of the traffic relative to the others; 0: known, but gets none.' })

const names = word(
  'a server such as web01 or a range such as web01..10',
  NAMES,
  'A server or a range of them.',
)

const member = section(
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
  `(${IP4}|\\[${IP6}\\]):\\d{1,5}(/(tcp|udp))?`,
  'Address and port that clients use; TCP unless /udp is behind it.',
)

const choice = (text: string, built: string, description: string) =>
  z.string(expected(text)).meta({ enum: [built], description })
const forward = choice(
  'a way of forwarding: dsr',
  'dsr',
  'How a packet reaches its server; dsr: its MAC is rewritten.',
)
const scheduler = choice('a scheduler: mh', 'mh', 'How a connection picks its server; mh: Maglev.')
const check = z.unknown().meta({ enum: ['none'], description: 'How servers are checked; none: not at all.' })

const list = <T extends z.ZodType>(item: T, text: string) =>
  z.union([item, z.array(item, expected(text))], expected(text))

const map = <T extends z.ZodType>(pattern: string, value: T, text: string) =>
  z.record(keyOf(pattern), value, expected(text))

const nic = word('a NIC such as eth0', '[^/:\\s]{1,15}', 'A network interface.')

const addressSet = section(
  'address set',
  {
    on: word(
      'a role of interfaces, such as lan',
      NAME,
      'The role of the interface that has these addresses.',
    ),
    ips: z
      .array(
        word(
          'an address with its prefix length, such as 192.168.8.100/24',
          `${IP}(/\\d{1,3})?`,
          'An address and the prefix length it is added with; without one, /32 or /128.',
        ),
        expected('a list of addresses such as [192.168.8.100/24]'),
      )
      .meta({ description: 'Addresses that clients use; nobody else may have them.' }),
  },
  'an address set such as { on: lan, ips: [192.168.8.100/24] }',
)

const pool = z.union(
  [members, section('pool', { servers: members }, 'a pool')],
  expected('the servers of a pool such as web01..10'),
)

const service = section(
  'service',
  {
    listen: list(listener, 'a list of listeners such as [192.168.8.100:80]').meta({
      description: 'Where clients connect.',
    }),
    servers: members.optional(),
    pool: word('the name of a pool', NAME, 'A pool of `pools`, instead of servers.').optional(),
    forward: forward.optional(),
    scheduler: scheduler.optional(),
    check: check.optional(),
  },
  'a service such as { listen: [192.168.8.100:80], servers: web01..10, check: none }',
)

const defaults = section(
  'defaults',
  {
    forward: forward.optional(),
    scheduler: scheduler.optional(),
    check: check.optional(),
    weight: weight.optional(),
  },
  'defaults such as { check: none }',
)

/** fileSchema: one file, the main one or an included one; which keys the whole needs is checked later. */
export const fileSchema = section(
  'file',
  {
    include: list(
      word('a pattern such as conf.d/*.yaml', '.+', 'Files to read too, relative to this one.'),
      'a pattern such as conf.d/*.yaml, or a list of them',
    )
      .meta({ description: 'Files to read too.' })
      .optional(),
    nodes: map(
      NAME,
      word('an address such as 192.168.8.2', IP, "The node's own address."),
      'nodes such as { lb1: 192.168.8.2, lb2: 192.168.8.3 }',
    )
      .meta({ description: 'The machines that run tenbin; each finds itself by its addresses.' })
      .optional(),
    interfaces: map(
      NAME,
      z.union(
        [nic, map(NAME, nic, 'a NIC')],
        expected('a NIC such as eth0, or one per node such as { lb1: eth0, lb2: ens3 }'),
      ),
      'roles and their NICs such as { lan: eth0 }',
    )
      .meta({ description: 'Roles, and the NIC that plays each.' })
      .optional(),
    addresses: map(NAME, addressSet, 'address sets such as { front: { on: lan, ips: [192.168.8.100/24] } }')
      .meta({ description: 'Addresses that move together.' })
      .optional(),
    servers: map(
      NAMES,
      word(
        'an address such as 192.168.8.11 or a range such as 192.168.8.11..20',
        `${IP}(\\.\\.[0-9A-Fa-f:.]+)?`,
        'Address or range; as many as there are names.',
      ),
      'servers such as { web01..10: 192.168.8.11..20 }',
    )
      .meta({ description: 'The inventory: each machine once.' })
      .optional(),
    pools: map(NAME, pool, 'pools such as { web: web01..10 }')
      .meta({ description: 'Servers that several services share.' })
      .optional(),
    services: map(
      NAME,
      service,
      'services such as { www: { listen: [192.168.8.100:80], servers: web01..10 } }',
    )
      .meta({ description: 'What clients use.' })
      .optional(),
    defaults: defaults.meta({ description: 'What services have unless they say otherwise.' }).optional(),
  },
  'a map of nodes, interfaces, addresses, servers and services',
)

/** FileShape: what a file says once its shape is right. */
export type FileShape = z.infer<typeof fileSchema>
export type ServiceShape = z.infer<typeof service>
export type AddressSetShape = z.infer<typeof addressSet>
export type MembersShape = z.infer<typeof members>
export type PoolShape = z.infer<typeof pool>

/** sections: the keys of each section, those of today and those to come. */
export const sections: Readonly<Record<Section, SectionKeys>> = {
  file: { known: Object.keys(fileSchema.shape), later: laterKeys.file },
  defaults: { known: Object.keys(defaults.shape), later: laterKeys.defaults },
  'address set': { known: Object.keys(addressSet.shape), later: laterKeys['address set'] },
  member: { known: Object.keys(member.shape), later: laterKeys.member },
  pool: { known: ['servers'], later: laterKeys.pool },
  service: { known: Object.keys(service.shape), later: laterKeys.service },
}

/** jsonSchema: draft 7, which is what editors' YAML support speaks. */
export const jsonSchema = (): unknown => ({
  ...z.toJSONSchema(fileSchema, { target: 'draft-7' }),
  title: 'tenbin.yaml',
  description: 'What a tenbin load balancer balances.',
})
