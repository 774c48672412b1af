// The shape of `check:`: one kind of check and how it is done, or the name of a kind that needs no more. checks.ts says
// what the words mean.

import { z } from 'zod'
import { RCODES, RECORD_TYPES } from '../wire/dns.ts'
import { choice, expected, IP, list, map, NAME, type Section, section, whole, word } from './schema-words.ts'

const text = (what: string, description: string) => word(what, '[\\s\\S]+', description).optional()
const file = (description: string) => word('the path of a file', '/.+', description).optional()
const duration = (example: string, description: string) =>
  word(`a duration such as ${example}`, '\\d+(\\.\\d+)?(ms|s|m|h|d)', description).optional()
const truth = (description: string) => z.boolean(expected('true or false')).meta({ description }).optional()
const pattern = (description: string) => text('a regular expression', description)

const tls = {
  name: text(
    'a name such as www.example.net',
    'The name told to the server (SNI), and looked for in its certificate.',
  ),
  verify: truth('Whether the certificate must be trusted, and be for `name`; false if absent.'),
  ca: file('Authorities (PEM) instead of the system’s.'),
  days: whole(0, 3650, 'How many days the certificate must be good for yet.').optional(),
}
const payload = {
  send: text('a text such as "PING\\r\\n"', 'What is sent, as UTF-8.'),
  send_hex: word('bytes such as "00ff"', '([0-9A-Fa-f]{2})+', 'What is sent, in hexadecimal.').optional(),
}
const expectation = { expect: pattern('What the answer must match.') }
const login = {
  user: text('a user', 'Who logs in.'),
  password_file: file('The file that has the password.'),
}

const request = {
  path: word('a path such as /health', '/.*', 'What is asked for; / if absent.').optional(),
  method: word('a method such as GET', '[A-Z]{1,16}', 'GET if absent.').optional(),
  host: text('a name such as www.example.net', "The Host header; the server's address if absent."),
  headers: map(
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}",
    word('a text', '.*', 'The value of the header.'),
    'headers such as { X-Probe: "1" }',
  )
    .meta({ description: 'More headers.' })
    .optional(),
  status: list(
    z.union(
      [
        whole(100, 599, 'A status.'),
        word('a range such as 200..299', '\\d{3}\\.\\.\\d{3}', 'A range of statuses.'),
      ],
      expected('a status such as 200, or a range such as 200..299'),
    ),
    'a status such as 200, a range such as 200..299, or a list of them',
  )
    .meta({ description: 'Which statuses are good; 200 if absent.' })
    .optional(),
  body: pattern('What the body must match, in its first 64 KiB.'),
  digest: word(
    'a SHA-256 in hexadecimal',
    '[0-9A-Fa-f]{64}',
    'The SHA-256 of the body, of 1 MiB at most.',
  ).optional(),
  http2: truth('HTTP/2 instead of HTTP/1.1.'),
}
const path = word('a path such as /health', '/.*', 'What is asked for.')

const kindSections = {
  tcp: section('tcp check', { ...payload, ...expectation }, 'a TCP check such as { expect: "^220 " }'),
  udp: section(
    'udp check',
    { ...payload, ...expectation },
    'a UDP check such as { send: ping, expect: pong }',
  ),
  http: section('http check', request, 'a path such as /health, or { path: /health, status: [200, 204] }'),
  https: section(
    'https check',
    { ...request, ...tls },
    'a path such as /health, or { path: /health, verify: true }',
  ),
  tls: section('tls check', tls, 'a TLS check such as { name: www.example.net, verify: true }'),
  dns: section(
    'dns check',
    {
      name: word('a name such as example.net', '.*', 'What is asked for; "." is the root.'),
      type: choice('a type of record', Object.keys(RECORD_TYPES), 'A if absent.').optional(),
      rcode: choice('a code such as NOERROR, or any', [...RCODES, 'any'], 'NOERROR if absent.').optional(),
      answer: text('an answer such as 192.0.2.1', 'What one of the answers must be.'),
      tcp: truth('By TCP instead of UDP.'),
    },
    'a name such as example.net, or { name: example.net, type: AAAA }',
  ),
  smtp: section(
    'smtp check',
    {
      hello: text('a name such as lb1.example.net', 'Our name, told by EHLO; localhost if absent.'),
      starttls: truth('Whether STARTTLS must work.'),
      ...tls,
    },
    'an SMTP check such as { starttls: true }',
  ),
  redis: section('redis check', login, 'a Redis check such as { password_file: /etc/tenbin/redis }'),
  mysql: section('mysql check', login, 'a MySQL check such as { user: lb }'),
  postgres: section(
    'postgres check',
    { ...login, database: text('a database', "The user's own if absent.") },
    'a PostgreSQL check such as { user: lb }',
  ),
  grpc: section(
    'grpc check',
    {
      service: word('a service', '.{0,100}', 'The service; the server as a whole if absent.').optional(),
      host: text('a name', "The authority; the server's address if absent."),
      tls: truth('By TLS.'),
      ...tls,
    },
    'a gRPC check such as { service: shop.Cart }',
  ),
  agent: section('agent check', payload, 'an agent check such as { send: "web\\n" }'),
  script: section(
    'script check',
    {
      command: z
        .array(
          word('a word', '[\\s\\S]*', 'A word; {address} and {port} are those that are looked at.'),
          expected('a command such as [/usr/lib/nagios/plugins/check_ssh, -H, "{address}"]'),
        )
        .meta({ description: 'The script by its path, and its arguments; no shell.' }),
      dynamic: truth('Whether exit statuses 2..255 mean the weight status - 2.'),
      user: word(
        'a user such as nobody',
        '[a-z_][a-z0-9_-]*|\\d+:\\d+',
        'Who runs it; nobody if absent.',
      ).optional(),
    },
    'a script such as [/usr/local/bin/check-web, "{address}"], or { command: [...], dynamic: true }',
  ),
  ping: section('ping check', {}, 'a ping check: {}'),
  ftp: section('ftp check', {}, 'an FTP check: {}'),
}

/** Kinds: what each kind takes, short forms included. */
const kinds = {
  ...kindSections,
  http: z.union([path, kindSections.http], expected('a path such as /health, or { path: /health }')),
  https: z.union([path, kindSections.https], expected('a path such as /health, or { path: /health }')),
  dns: z.union(
    [word('a name such as example.net', '.*', 'What is asked for.'), kindSections.dns],
    expected('a name such as example.net, or { name: example.net }'),
  ),
  script: z.union(
    [kindSections.script.shape.command, kindSections.script],
    expected('a command such as [/usr/local/bin/check-web, "{address}"]'),
  ),
}

const about: Readonly<Record<keyof typeof kinds, string>> = {
  tcp: 'A connection is made; the answer matches.',
  udp: 'The answer to a datagram matches; or, where none is expected, nobody says that the port is closed.',
  http: 'A request is answered with the right status, and body.',
  https: 'The same by TLS.',
  tls: 'A TLS handshake is answered; the certificate is right.',
  dns: 'A question is answered.',
  smtp: 'The server greets and answers EHLO.',
  redis: 'PING is answered.',
  mysql: 'The server greets; the login succeeds.',
  postgres: 'The server answers; the login succeeds.',
  grpc: 'grpc.health.v1 says SERVING.',
  agent: "The server says how much it wants, in HAProxy's words.",
  script: 'A program exits with 0.',
  ping: 'An ICMP echo request is answered.',
  ftp: 'The server greets and answers NOOP.',
}

const kindKeys = Object.fromEntries(
  Object.entries(kinds).map(([name, kind]) => [
    name,
    kind.meta({ description: about[name as keyof typeof kinds] }).optional(),
  ]),
) as { [Kind in keyof typeof kinds]: z.ZodOptional<(typeof kinds)[Kind]> }

const port = whole(1, 65_535, "The port that is looked at; the service's if absent.").optional()

/** PLAIN_KINDS: kinds that need no more than their name. */
export const PLAIN_KINDS = ['tcp', 'tls', 'ping', 'ftp', 'smtp', 'redis', 'mysql', 'agent', 'grpc'] as const

const plain = choice('a kind of check', PLAIN_KINDS, 'A check that needs no more than its kind.')
const part = section(
  'part of a check',
  { ...kindKeys, port },
  'a check such as { http: /health, port: 80 }',
).meta({ id: 'part' })
const parts = z
  .array(
    z.union([plain, part], expected('a check such as { http: /health }')),
    expected('a list of checks such as [tcp, { http: /health }]'),
  )
  .optional()

const CHECK = 'none, a kind such as tcp, or a check such as { http: /health, every: 3s }'

const checkSection = section(
  'check',
  {
    ...kindKeys,
    all: parts.meta({ description: 'Several checks, all of which must be good.' }),
    any: parts.meta({ description: 'Several checks, one of which must be good.' }),
    every: duration('3s', 'From the start of a look to that of the next; 2s if absent.'),
    timeout: duration('5s', 'How long a look may take; 2s if absent.'),
    in_doubt: duration(
      '500ms',
      'Instead of every, while looks contradict what the server is taken for; 1s if absent.',
    ),
    delay: duration('10s', 'Before the first look.'),
    fall: whole(1, 100, 'How many failed looks in a row take a server down; 3 if absent.').optional(),
    rise: whole(1, 100, 'How many good looks in a row bring it back; 2 if absent.').optional(),
    port,
    address: word('an address', IP, 'What is looked at instead of the server itself.').optional(),
    source: word('an address', IP, 'The address that looks come from.').optional(),
    mark: whole(0, 4_294_967_295, 'The mark of their packets, for policy routing.').optional(),
    interface: word(
      'a role of interfaces, such as lan',
      NAME,
      'The interface that they go out of.',
    ).optional(),
    via: choice(
      'service',
      ['service'],
      'service: it goes the way of clients’ packets with dsr, to an address and port of listen.',
    ).optional(),
    observe: truth('It is told of, and moves no traffic.'),
  },
  CHECK,
)

/** check: of a service, or of `defaults`. */
export const check = z
  .union(
    [
      choice('none, or a kind of check', ['none', ...PLAIN_KINDS], 'none: servers are not checked.'),
      checkSection,
    ],
    expected(CHECK),
  )
  .meta({ id: 'check' })

/** checkSections: keys of each section of a check. */
export const checkSections: readonly (readonly [Section, readonly string[]])[] = [
  ['check', Object.keys(checkSection.shape)],
  ['part of a check', Object.keys(part.shape)],
  ...Object.entries(kindSections).map(
    ([name, { shape }]) => [`${name} check` as Section, Object.keys(shape)] as const,
  ),
]

export type CheckShape = z.infer<typeof check>
export type CheckMap = z.infer<typeof checkSection>
export type PartShape = z.infer<typeof part>
export type KindShapes = { [Kind in keyof typeof kinds]: z.infer<(typeof kinds)[Kind]> }
