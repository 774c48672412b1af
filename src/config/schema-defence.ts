// The shape of `defence:`, and of what a service says of its own. defence.ts and its neighbours say what the words mean.

import { z } from 'zod'
import { RATE_PATTERN, SIZE_PATTERN } from '../base/amounts.ts'
import { expected, IP4, IP6, list, map, NAME, type Section, section, whole, word } from './schema-words.ts'

/** oneOf: one of these words. */
const oneOf = <const Words extends readonly string[]>(text: string, words: Words, description: string) =>
  z.enum(words, expected(text)).meta({ description })

/** SHARE_PATTERN: 0% to 100%, in tenths. */
export const SHARE_PATTERN = '(100|[1-9]?\\d(\\.\\d)?)%'
const rate = (text: string) => word('a rate such as 10000/s', RATE_PATTERN, text)
const size = (example: string, text: string) => word(`a size such as ${example}`, SIZE_PATTERN, text)
const duration = (example: string, text: string) =>
  word(`a duration such as ${example}`, '\\d+(\\.\\d+)?(ms|s|m|h|d)', text)

const PREFIX = `(${IP4}|${IP6})(/\\d{1,3})?`
const prefix = (text: string) => word('a network such as 203.0.113.0/24', PREFIX, text)

/** span: a number, or a range of them such as 0..1023. */
const span = (most: number, example: string, description: string) =>
  z
    .union(
      [
        whole(0, most, description),
        word(`a range such as ${example}`, '\\d{1,5}\\.\\.\\d{1,5}', 'From one number to another.'),
      ],
      expected(`a number from 0 to ${most}, or a range such as ${example}`),
    )
    .meta({ description })

const spans = (description: string) =>
  list(
    span(65_535, '1024..65535', description),
    'a port, a range such as 1024..65535, or a list of them',
  ).meta({ description })

const payload = section(
  'payload',
  {
    at: whole(0, 1400, 'How many bytes behind the TCP or UDP header.'),
    bytes: word(
      'bytes in hexadecimal such as "dead"',
      '([0-9A-Fa-f]{2}){1,16}',
      'At most 16, in hexadecimal.',
    ),
  },
  'payload such as { at: 0, bytes: "dead" }',
)

const limitAction = section(
  'limit',
  { limit: rate('What is above it is dropped, of all sources together.') },
  'a limit such as { limit: 100/s }',
)

const ACTION = 'what becomes of them: count, drop, or { limit: 100/s }'

export const rule = section(
  'rule',
  {
    tcp: word(
      'flags such as syn, syn+ack, any or none',
      '(any|none|(fin|syn|rst|psh|ack|urg|ece|cwr)(\\+(fin|syn|rst|psh|ack|urg|ece|cwr))*)',
      'TCP with these flags; of fin, syn, rst and ack those that are not named are not set. any: whatever they are.',
    ).optional(),
    udp: oneOf('any', ['any'], 'UDP.').optional(),
    window: span(65_535, '0..512', "TCP's window, as it stands in the header.").optional(),
    options: oneOf('none or some', ['none', 'some'], 'Whether there are TCP options.').optional(),
    length: span(65_535, '40..60', 'Bytes of the IP packet.').optional(),
    ttl: span(255, '1..32', 'TTL or hop limit.').optional(),
    source: list(prefix('Where it comes from.'), 'a network such as 203.0.113.0/24, or a list of them')
      .meta({ description: 'Where it comes from.' })
      .optional(),
    destination: list(prefix('Where it goes.'), 'a network such as 203.0.113.0/24, or a list of them')
      .meta({ description: 'Where it goes.' })
      .optional(),
    source_ports: spans("The client's port.").optional(),
    ports: spans('The port that it goes to.').optional(),
    payload: list(payload, 'payload such as { at: 0, bytes: "dead" }, or a list of them')
      .meta({ description: 'What it carries.' })
      .optional(),
    action: z
      .union([oneOf(ACTION, ['count', 'drop'], 'What becomes of them.'), limitAction], expected(ACTION))
      .meta({
        description: 'count: nothing, they are counted; drop; limit: what is above the rate is dropped.',
      })
      .optional(),
    record: z
      .boolean(expected('true or false'))
      .meta({ description: 'Whether the recorder takes them as densely as what is dropped.' })
      .optional(),
    services: list(
      word('the name of a service', NAME, 'A service.'),
      'a service such as www, or a list of them',
    )
      .meta({ description: 'Of these only; of all if absent.' })
      .optional(),
  },
  'a rule such as { tcp: syn, window: 0, action: drop }, or of one that ships observe, drop or off',
)

const RULE = 'a rule such as { tcp: syn, window: 0, action: drop }, or of one that ships observe, drop or off'
const listed = z.union(
  [
    prefix('A network.'),
    section(
      'list',
      { file: word('the path of a file', '.+', 'One network a line; what is behind # is a remark.') },
      'a file such as { file: /etc/tenbin/deny.txt }',
    ),
  ],
  expected('a network such as 203.0.113.0/24, or { file: /etc/tenbin/deny.txt }'),
)
const LISTED = 'networks such as [203.0.113.0/24, { file: /etc/tenbin/cdn.txt }]'
const PROOF = 'auto, on, off, or { above: 10000/s, below: 5000/s, hold: 30s, remember: 1h }'
const modes = ['auto', 'on', 'off'] as const
const mode = oneOf(PROOF, modes, 'auto: above a rate of unproven SYNs; on: always; off: never.')

const proof = section(
  'proof',
  {
    above: rate(
      'Asked for above so many unproven SYNs a second to one service; 10000/s if absent.',
    ).optional(),
    below: rate('No longer below so many; half of above if absent.').optional(),
    hold: duration('30s', 'When they have been below for so long; 30s if absent.').optional(),
    remember: duration(
      '1h',
      'How long a proven source need not prove itself again; 1h if absent.',
    ).optional(),
  },
  PROOF,
)

const sources = section(
  'sources',
  {
    new: rate('New flows of one source.').optional(),
    udp: rate('UDP packets of one source.').optional(),
    prefix: whole(
      24,
      32,
      'How many leading bits of an IPv4 address are one source; 32 if absent.',
    ).optional(),
    prefix6: whole(
      48,
      64,
      'How many leading bits of an IPv6 address are one source; 64 if absent.',
    ).optional(),
    ban: duration('1m', 'A source that proves more flows than new is dropped for so long.').optional(),
  },
  'limits of sources such as { new: 100/s, udp: 1000/s }',
)

const recorder = section(
  'recorder',
  {
    memory: size(
      '64MiB',
      'For what is recorded, over all CPUs; 8MiB for each, 64MiB at most, if absent.',
    ).optional(),
    disk: size('256MiB', 'For what was written when something turned bad; 256MiB if absent.').optional(),
    around: duration('30s', 'How much of before and after is written; 30s if absent.').optional(),
  },
  'off, or a recorder such as { memory: 64MiB, disk: 256MiB, around: 30s }',
)

const ceiling = rate('New flows; what is above is dropped.')
const DEFENCE = 'on, off, or a defence such as { proof: auto, sources: { new: 100/s } }'

export const defence = z.union(
  [
    oneOf(DEFENCE, ['on', 'off'], 'on: what is meant by nothing said of it; off: nothing.'),
    section(
      'defence',
      {
        rules: map(
          NAME,
          z.union([oneOf(RULE, ['observe', 'drop', 'off'], 'Of a rule that ships.'), rule], expected(RULE)),
          'rules such as { night: { tcp: syn, window: 0, options: none, action: drop } }',
        )
          .meta({
            description:
              'What packets look like that are counted, dropped or limited; the first that drops counts.',
          })
          .optional(),
        allow: list(listed, LISTED)
          .meta({ description: 'Sources that no limit and no ban holds for.' })
          .optional(),
        deny: list(listed, LISTED).meta({ description: 'Sources that are dropped.' }).optional(),
        only: z
          .boolean(expected('true or false'))
          .meta({ description: 'true: who is not allowed is dropped.' })
          .optional(),
        proof: z
          .union([mode, proof], expected(PROOF))
          .meta({ description: 'Whether sources of SYNs have to prove that they are real; auto if absent.' })
          .optional(),
        sources: sources.meta({ description: 'How much one source may send; absent: no limit.' }).optional(),
        ceiling: ceiling
          .meta({ description: 'New flows of all services together; absent: no ceiling.' })
          .optional(),
        recorder: z
          .union([oneOf('off', ['off'], 'Nothing is recorded.'), recorder], expected('off, or a recorder'))
          .meta({ description: 'Headers of packets that are kept for evidence.' })
          .optional(),
        doubt: word(
          'a share such as 1%',
          SHARE_PATTERN,
          'A rule that matches more than this share of what clients send in calm times, or of their connections, is told of; 1% if absent.',
        ).optional(),
      },
      DEFENCE,
    ),
  ],
  expected(DEFENCE),
)

export const serviceDefence = section(
  'defence of a service',
  {
    proof: oneOf('auto, on or off', modes, 'As the node has it if absent.').optional(),
    ceiling: ceiling.meta({ description: 'New flows of this service; absent: no ceiling.' }).optional(),
  },
  'a defence of a service such as { ceiling: 5000/s, proof: off }',
)

/** defenceSections: keys of the sections, for messages. */
export const defenceSections: readonly (readonly [Section, readonly string[]])[] = [
  ['defence', ['rules', 'allow', 'deny', 'only', 'proof', 'sources', 'ceiling', 'recorder', 'doubt']],
  ['defence of a service', Object.keys(serviceDefence.shape)],
  ['rule', Object.keys(rule.shape)],
  ['payload', Object.keys(payload.shape)],
  ['limit', Object.keys(limitAction.shape)],
  ['list', ['file']],
  ['proof', Object.keys(proof.shape)],
  ['sources', Object.keys(sources.shape)],
  ['recorder', Object.keys(recorder.shape)],
]

export type DefenceShape = Exclude<z.infer<typeof defence>, string>
export type RuleShape = z.infer<typeof rule>
/** RuleSetting: what a name of `rules` says: a rule, or what becomes of one that ships. */
export type RuleSetting = NonNullable<DefenceShape['rules']>[string]
export type ListedShape = z.infer<typeof listed>
export type ServiceDefenceShape = z.infer<typeof serviceDefence>
