// The file's shape: which keys there are, where, and of what kind their values are. The JSON Schema that editors
// use is made from it; what the words in the values mean (ranges, addresses, names of other things) is checked by
// the resolvers. Each `expected` says what belongs there, for messages; each section names its later keys, which
// are known, not built yet, and refused with what to do about it.

import { z } from 'zod'
import { addressSections, addressSet } from './schema-addresses.ts'
import { checkSections } from './schema-check.ts'
import { defence, defenceSections } from './schema-defence.ts'
import { notification, notifySections } from './schema-notify.ts'
import {
  defaults,
  guard,
  member,
  persistence,
  pool,
  quorum,
  service,
  sorry,
  timeouts,
} from './schema-services.ts'
import { expected, IP, list, map, NAME, NAMES, type Section, section, whole, word } from './schema-words.ts'
import { SYSCTL, SYSCTL_MOST } from './sysctl-names.ts'

interface SectionKeys {
  readonly known: readonly string[]
  /** Keys of features that are not built yet -> the whole message. */
  readonly later: Readonly<Record<string, string>>
}

const leaveOut = (...keys: string[]): Record<string, string> =>
  Object.fromEntries(keys.map((key) => [key, `"${key}" is not built yet: leave it out`]))

const laterKeys: Readonly<Partial<Record<Section, Readonly<Record<string, string>>>>> = {
  file: leaveOut('api', 'log'),
  defaults: { persistence: '"persistence" is a service\'s own: write it there' },
}

const nic = word('a NIC such as eth0', '[^/:\\s]{1,15}', 'A network interface.')

const limits = section(
  'limits',
  {
    flows: whole(
      1024,
      16_777_216,
      'How many flows are remembered, at 27 bytes each, and 81 more with nat; 262144 if absent.',
    ).optional(),
    new_flows: whole(
      1,
      10_000_000,
      'How many flows a second a CPU may begin to remember, and no more when more arrive; 100000 if absent.',
    ).optional(),
  },
  'limits such as { flows: 262144 }',
)

const metrics = section(
  'metrics',
  {
    listen: word(
      'an address and port such as 127.0.0.1:9102',
      '.+',
      'Where Prometheus and its kin ask: an address of the node and a port.',
    ),
  },
  'metrics such as { listen: 127.0.0.1:9102 }',
)

const cluster = section(
  'cluster',
  {
    port: whole(
      1,
      65_535,
      'The TCP port of its own addresses at which a node meets the others; 7943 if absent.',
    ).optional(),
    also: map(
      NAME,
      word('an address such as 10.0.0.2', IP, 'A second address of the node, on another network.'),
      'addresses such as { lb1: 10.0.0.2, lb2: 10.0.0.3 }',
    )
      .meta({ description: 'A second address of each node: the way when there is none by those in `nodes`.' })
      .optional(),
  },
  'a cluster such as { port: 7943 }',
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
    limits: limits.meta({ description: 'How much may be remembered, whatever arrives.' }).optional(),
    defence: defence.meta({ description: 'What services are defended by.' }).optional(),
    cluster: cluster.meta({ description: 'Where the nodes meet.' }).optional(),
    metrics: metrics
      .meta({ description: 'Where metrics are read, at /metrics; absent: nowhere.' })
      .optional(),
    notify: map(
      NAME,
      notification,
      'notifications such as { ops: { mail: ops@example.net, server: mail.example.net } }',
    )
      .meta({ description: 'Who is told what happens, and how.' })
      .optional(),
    sysctls: map(
      SYSCTL,
      whole(0, SYSCTL_MOST, 'What it is set to while tenbin is at work.'),
      'kernel settings such as { net.ipv4.ip_forward: 1 }',
    )
      .meta({ description: 'Kernel settings that the daemon makes, and `tenbin down` takes back.' })
      .optional(),
  },
  'a map of nodes, interfaces, addresses, servers and services',
)

/** FileShape: what a file says once its shape is right. */
export type FileShape = z.infer<typeof fileSchema>

/** sections: the keys of each section, those of today and those to come. */
export const sections = Object.fromEntries(
  (
    [
      ['file', Object.keys(fileSchema.shape)],
      ['defaults', Object.keys(defaults.shape)],
      ['member', Object.keys(member.shape)],
      ['pool', ['servers', 'sorry', 'quorum']],
      ['service', Object.keys(service.shape)],
      ['timeouts', Object.keys(timeouts.shape)],
      ['persistence', Object.keys(persistence.shape)],
      ['sorry', Object.keys(sorry.shape)],
      ['quorum', Object.keys(quorum.shape)],
      ['guard', Object.keys(guard.shape)],
      ['limits', Object.keys(limits.shape)],
      ['metrics', Object.keys(metrics.shape)],
      ['cluster', Object.keys(cluster.shape)],
      ...addressSections,
      ...defenceSections,
      ...notifySections,
      ...checkSections,
    ] as const
  ).map(([name, known]): [Section, SectionKeys] => [name, { known, later: laterKeys[name] ?? {} }]),
) as Readonly<Record<Section, SectionKeys>>

/** jsonSchema: draft 7, which is what editors' YAML support speaks. */
export const jsonSchema = (): unknown => ({
  ...z.toJSONSchema(fileSchema, { target: 'draft-7' }),
  title: 'tenbin.yaml',
  description: 'What a tenbin load balancer balances.',
})
