import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusals } from './refusals.fixture.ts'

/** found: what is said of a service whose check is this text; columns are left out. */
const found = (check: string, listen = '[192.168.8.100:80]'): string[] =>
  refusals({ services: `services: { www: { listen: ${listen}, servers: web01..10, check: ${check} } }` }).map(
    (line) => line.replace(/^\d+:\d+: /, ''),
  )

/** at: the column of each finding, from the beginning of the check. */
const at = (check: string): number[] =>
  refusals({
    services: `services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: ${check} } }`,
  }).map(
    (line) =>
      Number(line.split(':')[1]) -
      'services: { www: { listen: [192.168.8.100:80], servers: web01..10, check: '.length -
      1,
  )

test('every kind of check is right in its short and its long form', () => {
  for (const check of [
    ...['none', 'tcp', 'tls', 'ping', 'ftp', 'smtp', 'redis', 'mysql', 'grpc'],
    '{ http: /s/health.jsp, port: 80 }',
    '{ http: { path: /x, method: HEAD, host: www.example, status: [200, 301..302], headers: { X-A: b } }, every: 3s }',
    '{ https: { path: /, body: "^ok$", http2: true, name: www.example, verify: true, ca: /etc/ca.pem, days: 7 } }',
    '{ http: { host: "[2001:db8::1]:8080" } }',
    '{ http: { host: "my_host.example:80" } }',
    '{ grpc: { host: 192.0.2.1 } }',
    `{ http: { digest: ${'aB'.repeat(32)} } }`,
    '{ tcp: {}, every: 1s, timeout: 500ms, fall: 1, rise: 10, in_doubt: 100ms, delay: 10s, observe: true }',
    '{ tcp: { send: "PING\\r\\n", expect: "^\\\\+PONG" }, source: 192.168.8.2, mark: 7, interface: lan }',
    '{ tcp: { send_hex: 00ffAA } }',
    '{ udp: { send: x, expect: y } }',
    '{ tls: { name: www.example, verify: true, days: 14 }, address: 192.168.8.11 }',
    '{ dns: example.net }',
    '{ dns: { name: ., type: NS, tcp: true } }',
    '{ dns: { name: example.net, answer: 192.0.2.1 } }',
    '{ dns: { name: example.net, rcode: any } }',
    '{ smtp: { hello: lb1.example, starttls: true, verify: true } }',
    '{ redis: { user: lb, password_file: /etc/tenbin/redis } }',
    '{ postgres: { user: lb, database: x, password_file: /a } }',
    '{ mysql: { user: lb } }',
    '{ grpc: { service: shop.Cart, tls: true, name: x.example } }',
    '{ agent: { send: "web\\n" }, port: 9999 }',
    '{ script: [/usr/bin/check, -H, "{address}"] }',
    '{ script: { command: [/usr/bin/check], dynamic: true, user: monitor } }',
    '{ all: [tcp, { http: /, port: 8080 }] }',
    '{ any: [ping, { tcp: { expect: x } }], every: 5s }',
  ])
    assert.deepEqual(found(check), [], check)
})

test('a check that is no check is refused with the one that may have been meant', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['tpc', '"tpc" is not a check by itself: did you mean "tcp"?'],
    ['http', '"http" is not a check by itself: say more of it, such as { http: /health, every: 3s }'],
    ['agent', 'an agent answers on a port of its own: write { agent: {}, port: 9999 }'],
    ['5', 'expected none, a kind such as tcp, or a check such as { http: /health, every: 3s }, found 5'],
    [
      '{ every: 3s }',
      'a check says of which kind it is, one of tcp, http, https, tls, ping, udp, dns, ftp, smtp, redis, postgres, mysql, grpc, agent, script: write { http: /health, every: 3s }',
    ],
    [
      '{ http: /, tcp: {} }',
      'tcp and http at once: write { all: [{ tcp: … }, { http: … }] }, or remove one of them',
    ],
    ['{ http: /, any: [tcp, ping] }', 'http and any at once: put one into the other, or remove it'],
    ['{ http: /, evry: 3s }', 'unknown key "evry": did you mean "every"?'],
    ['{ http: { path: /, statsu: 200 } }', 'unknown key "statsu": did you mean "status"?'],
    ['{ all: [tcp] }', 'all takes two checks or more'],
    ['{ all: [tcp, { port: 80 }] }', 'each of these is one check: write { http: /health, port: 80 }'],
    [
      '{ all: [tcp, { http: /, ping: {} }] }',
      'each of these is one check, and this is http and ping: write { http: /health, port: 80 }',
    ],
    [
      '{ all: [tcp, dns] }',
      '"dns" is not a check by itself: say more of it, such as { http: /health, every: 3s }',
    ],
    ['{ ping: {}, port: 80 }', 'ping has no port: remove it'],
  ]
  for (const [check, ...messages] of cases) assert.deepEqual(found(check), messages, check)
})

test('times, addresses and interfaces of a check are refused with the remedy', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['{ tcp: {}, every: 3 }', 'expected a duration such as 3s, found 3'],
    ['{ tcp: {}, every: 3sec }', '"3sec" is not a duration such as 3s or 100ms'],
    ['{ tcp: {}, every: 5ms }', '5ms is out of range: every is 10ms to 1h'],
    ['{ tcp: {}, timeout: 1h }', '1h is out of range: timeout is 10ms to 5m'],
    [
      '{ tcp: {}, every: 1s, in_doubt: 2s }',
      'in doubt a server is looked at more often than otherwise: write less than every',
    ],
    ['{ tcp: {}, fall: 0 }', 'expected a whole number from 1 to 100, found 0'],
    ['{ tcp: {}, address: 300.1.1.1 }', '"300.1.1.1" is not an IPv4 or IPv6 address'],
    [
      '{ tcp: {}, address: 192.0.2.1, source: "2001:db8::1" }',
      'address and source are of two families: write both of one',
    ],
    [
      '{ tcp: {}, source: "2001:db8::1" }',
      "the check's source 2001:db8::1 is of another family than web01 (192.168.8.11): write one of the same",
    ],
    ['{ tcp: {}, interface: lna }', '"lna" is not in interfaces: did you mean "lan"?'],
    ['{ tcp: {}, observe: maybe }', 'expected true or false, found "maybe"'],
  ]
  for (const [check, ...messages] of cases) assert.deepEqual(found(check), messages, check)
})

test('what contradicts itself, explodes or can never be good is refused, at its place', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['{ http: health }', '"health" does not begin with /'],
    ['{ http: "/a b" }', '"/a b" has characters that a path cannot have: write them as %20'],
    ['{ http: { method: get } }', '"get" is not a method such as GET'],
    [
      '{ http: { method: HEAD, body: ok } }',
      'HEAD is answered without a body: write method: GET, or expect none',
    ],
    ['{ http: { status: 299..200 } }', '"299..200" runs backwards: write 200..299'],
    ['{ http: { status: 2xx } }', '"2xx" is not a range of statuses such as 200..299'],
    ['{ http: { status: 20 } }', 'expected a whole number from 100 to 599, found 20'],
    ['{ http: { status: [] } }', 'at least one status is good: write [200]'],
    ['{ http: { headers: { Host: x } } }', 'Host is not yours to set: write host: instead'],
    ...['Upgrade', 'TE', 'keep-alive', 'Proxy-Connection', 'HTTP2-Settings'].map(
      (name) =>
        [
          `{ http: { headers: { ${name}: x }, http2: true } }`,
          `${name} is not yours to set: remove it: a check has a connection of its own`,
        ] as const,
    ),
    ...['a b', '[', 'ex%zz', 'a:99999', '[::1', 'a/b', 'a@b'].flatMap((host) =>
      ['http', 'grpc'].map(
        (kind) => [`{ ${kind}: { host: "${host}" } }`, `"${host}" is not a name of a host`] as const,
      ),
    ),
    ['{ http: { headers: { X: "a\\r\\nEvil: b" } } }', 'X has a value that a header cannot have'],
    [
      '{ http: { status: [204, 304], body: ok } }',
      '204 and 304 come without a body: write another status, or expect none',
    ],
    [
      '{ dns: { name: x, answer: "2001:db8::1" } }',
      'A is answered with an IPv4 address, which "2001:db8::1" is not',
    ],
    [
      '{ dns: { name: x, type: AAAA, answer: 192.0.2.1 } }',
      'AAAA is answered with an IPv6 address, which "192.0.2.1" is not',
    ],
    [
      '{ script: [/bin/true], mark: 7 }',
      'a script connects as it likes, so mark says nothing to it: remove it, or write it into command',
    ],
    ['{ http: { digest: abc } }', '"abc" is not a SHA-256 in hexadecimal, 64 digits'],
    [
      '{ http: { body: "(a)\\\\1" } }',
      '"(a)\\1" refers back by \\1, which could take for ever: it is left out',
    ],
    [
      '{ tcp: { expect: "(x{200}){200}" } }',
      '"(x{200}){200}" is too large, more than 256 steps: repeat less, or nest repetitions less',
    ],
    ['{ tcp: { expect: ".*" } }', '".*" matches an empty answer, so it checks nothing'],
    ['{ tcp: { send: a, send_hex: "61" } }', 'send and send_hex at once: remove one of them'],
    ['{ tcp: { send_hex: "6" } }', '"6" is not bytes in hexadecimal such as "00ff"'],
    ['{ udp: {} }', 'a UDP check has to send something: write send: a text, or send_hex: bytes'],
    ['{ tls: { ca: /etc/ca.pem } }', 'ca is looked at with verify: true only: write that too, or remove it'],
    ['{ tls: { name: "a b" } }', '"a b" is not a name of a host'],
    [
      '{ tls: { ca: ca.pem, verify: true } }',
      '"ca.pem" is not a whole path: write it from / on, since the checker has no folder of its own',
    ],
    [
      '{ smtp: { verify: true } }',
      'verify is looked at with starttls: true only: write that too, or remove it',
    ],
    ['{ grpc: { name: x.example } }', 'name is looked at with tls: true only: write that too, or remove it'],
    ['{ dns: { name: "a..b" } }', '"a..b" is not a name that DNS can be asked for'],
    [
      '{ dns: { name: x, type: AAA } }',
      '"AAA" is not a type of record: write A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, SRV, CAA',
    ],
    [
      '{ dns: { name: x, rcode: OK } }',
      '"OK" is not a code of DNS: write NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED or any',
    ],
    [
      '{ dns: { name: x, rcode: NXDOMAIN, answer: y } }',
      'an answer comes with NOERROR only: remove rcode, or answer',
    ],
    ['{ redis: { user: lb } }', 'a user without a password: write password_file too, or remove user'],
    ['{ mysql: { password_file: /a } }', 'a password without a user: write user too'],
    ['{ postgres: {} }', 'PostgreSQL is always told a user: write { user: lb }'],
    [
      '{ script: [check-web] }',
      'a script is named by its whole path: write [/usr/local/bin/check-web, "{address}"]',
    ],
    [
      '{ script: { command: [/bin/true], user: root } }',
      'a script does not run as root: write a user without privileges',
    ],
    ...['00:00', '65534:000', '0:1', '0'].map(
      (user) =>
        [
          `{ script: { command: [/bin/true], user: "${user}" } }`,
          'a script does not run as root: write a user without privileges',
        ] as const,
    ),
    ...['3000000000:65534', '65534', '1:99999999999'].map(
      (user) =>
        [
          `{ script: { command: [/bin/true], user: "${user}" } }`,
          `"${user}" is no user: write a name, or two numbers such as "65534:65534"`,
        ] as const,
    ),
    ['{ script: [] }', 'a script is named by its whole path: write [/usr/local/bin/check-web, "{address}"]'],
  ]
  for (const [check, ...messages] of cases) assert.deepEqual(found(check), messages, check)
  assert.deepEqual(at('{ http: { path: /, method: get } }'), [27])
  assert.deepEqual(at('{ http: health }'), [8])
  assert.deepEqual(at('{ all: [tcp, { dns: { name: x, type: Z } }] }'), [37])
})

test('slow start has a time, and the guard a share', () => {
  const said = (rest: string) =>
    refusals({
      services: `services: { www: { listen: [192.168.8.100:80], servers: web01..10, ${rest} } }`,
    }).map((line) => line.replace(/^\d+:\d+: /, ''))
  assert.deepEqual(said('slow_start: 30s, guard: 60%'), [])
  assert.deepEqual(said('guard: off'), [])
  assert.deepEqual(said('guard: 100%'), ['"100%" is not a share: write guard: 50%, or off'])
  assert.deepEqual(said('guard: 0.5'), [
    'expected a share such as 50%, off, or { share: 50%, interval: 5s, hold: 60s }, found 0.5',
  ])
  assert.deepEqual(said('guard: { share: 60%, interval: 500ms, hold: 5m }'), [])
  assert.deepEqual(said('guard: { interval: 5s }'), [])
  assert.deepEqual(said('guard: { share: half, interval: 1ms, hold: 2d }'), [
    '"half" is not a share: write guard: 50%, or off',
    '1ms is out of range: it is 100ms to 24h',
    '2d is out of range: it is 100ms to 24h',
  ])
  assert.deepEqual(said('guard: { shares: 50% }'), ['unknown key "shares": did you mean "share"?'])
  assert.deepEqual(said('slow_start: 30'), ['expected a duration such as 30s, found 30'])
  assert.deepEqual(said('slow_start: 100ms'), ['100ms is out of range: a time-out is 1s to 24h'])
})

test('a service of UDP says how it is checked, since a TCP connect says nothing of it', () => {
  const listen = '[192.168.8.100:53/udp]'
  const said = (rest: string, extra = '') =>
    refusals({ services: `services: { dns: { listen: ${listen}, servers: web01..10${rest} } }`, extra })
      .length
  assert.equal(said(''), 1)
  assert.equal(said(', check: none'), 0)
  assert.equal(said(', check: { dns: example.net }'), 0)
  assert.equal(said('', 'defaults: { check: ping }'), 0)
  assert.deepEqual(found('{ dns: example.net }', listen), [])
})

test('a service of all ports says which one is looked at', () => {
  const listen = '["192.168.8.100:*"]'
  const message =
    'all ports of an address say none that could be looked at: write check: { tcp: {}, port: 80 }, ping or none'
  assert.deepEqual(found('tcp', listen), [message])
  assert.deepEqual(found('{ all: [ping, { http: / }] }', listen), [message])
  for (const check of ['none', 'ping', '{ tcp: {}, port: 80 }', '{ all: [ping, { http: /, port: 80 }] }'])
    assert.deepEqual(found(check, listen), [], check)
})

test('what is wrong with the check of defaults is said once, at its place', () => {
  const extra = 'defaults: { check: { http: health } }'
  const services =
    'services: { a: { listen: [192.168.8.100:80], servers: web01 }, b: { listen: [192.168.8.100:81], servers: web01 } }'
  assert.deepEqual(refusals({ services, extra }), ['5:28: "health" does not begin with /'])
})

test('with nat no check goes through the service, whatever else is wrong with it or with its service', () => {
  const services = (servers: string, check: string) =>
    `services: { a: { listen: [192.168.8.100:80], servers: ${servers}, forward: nat, check: ${check} } }`
  const said = (servers: string, check: string) =>
    refusals({ services: services(servers, check) }).map((line) => line.replace(/^[\d:]+ /, ''))
  const via =
    'with nat clients’ packets come to the server’s own address, and so do checks: remove via: service'
  const late = '"0s" is out of range: 1ms to 366d'
  assert.deepEqual(said('web01', '{ tcp: {}, via: service }'), [via])
  assert.deepEqual(said('web01', '{ tcp: {}, timeout: 0s, via: service }'), [late, via])
  const unknown = 'web77 is not in servers: did you mean "web07"?'
  assert.deepEqual(said('[web01, web77]', '{ tcp: {}, timeout: 0s, via: service }'), [unknown, late, via])
})

test('what cannot go through the service address is refused, with a remedy', () => {
  for (const check of [
    '{ http: /x, via: service }',
    '{ tcp: {}, via: service, port: 80 }',
    '{ all: [tcp, { http: /x, port: 80 }], via: service }',
  ])
    assert.deepEqual(found(check), [], check)
  assert.deepEqual(
    found('{ dns: example.net, via: service }', '["192.168.8.100:53", "192.168.8.100:53/udp"]'),
    [],
  )
  assert.deepEqual(found('{ tcp: {}, port: 8085, via: service }', '["192.168.8.100:8080..8089"]'), [])
  assert.deepEqual(found('{ ping: {}, via: service }'), [
    'via: service carries TCP and UDP, and ping is neither: remove via, or write tcp',
  ])
  assert.deepEqual(found('{ any: [tcp, { script: [/bin/true] }], via: service }'), [
    'via: service carries TCP and UDP, and script is neither: remove via, or write tcp',
  ])
  assert.deepEqual(found('{ udp: { send: x }, via: service }', '["192.168.8.100:53/udp"]'), [
    'through a service address nobody is told that a UDP port is closed: write what to expect, or remove via',
  ])
  assert.deepEqual(found('{ tcp: {}, via: service, address: 192.168.8.11, source: 192.168.8.2, mark: 1 }'), [
    'via: service says where a check goes, and so does address: remove one of them',
    'via: service says where a check goes, and so does source: remove one of them',
    'via: service says where a check goes, and so does mark: remove one of them',
  ])
  const unlistened =
    'via: service looks at what clients use, which no one address of listen has: write a port of listen'
  for (const [check, listen] of [
    ['{ tcp: {}, port: 81, via: service }', undefined],
    ['{ all: [tcp, { tcp: {}, port: 443 }], via: service }', undefined],
    ['{ dns: example.net, via: service }', undefined],
    ['{ tcp: {}, via: service }', '["192.168.8.100:8080..8089"]'],
    ['{ tcp: {}, via: service }', '["192.168.8.100:53/udp"]'],
  ] as const)
    assert.deepEqual(found(check, listen), [unlistened], check)
  assert.deepEqual(found('{ tcp: {}, via: server }'), [
    '"server" is no way of a check: write service, or remove via',
  ])
})

test('a check through the service of a service with nat is refused where it is said, or where it comes from defaults', () => {
  const nat =
    'with nat clients’ packets come to the server’s own address, and so do checks: remove via: service'
  assert.deepEqual(
    refusals({
      services:
        'services: { www: { listen: [192.168.8.100:80], servers: web01..10, forward: nat, check: { tcp: {}, via: service } } }',
    }),
    [`4:105: ${nat}`],
  )
  assert.deepEqual(
    refusals({
      services: 'services: { www: { listen: [192.168.8.100:80], servers: web01..10, forward: nat } }',
      extra: 'defaults: { check: { tcp: {}, via: service } }',
    }),
    [`4:13: ${nat}`],
  )
})

test('the check of sorry servers has to fit the service as that of its servers has', () => {
  const servers = 'servers: { web01..10: 192.168.8.11..20, web99: 192.168.8.99 }'
  const said = (check: string, rest = '', listen = '192.168.8.100:80') =>
    refusals({
      servers,
      services: `services: { www: { listen: ["${listen}"], servers: web01..10, sorry: { servers: web99, check: ${check} }${rest} } }`,
    })
  assert.deepEqual(said('{ tcp: {}, via: service }'), [])
  const nat =
    'with nat clients’ packets come to the server’s own address, and so do checks: remove via: service'
  assert.deepEqual(said('{ tcp: {}, via: service }', ', forward: nat'), [`4:118: ${nat}`])
  assert.deepEqual(said('{ tcp: {}, via: service, port: 81 }'), [
    '4:118: via: service looks at what clients use, which no one address of listen has: write a port of listen',
  ])
  assert.deepEqual(said('{ tcp: {}, source: "2001:db8::1" }'), [
    "4:121: the check's source 2001:db8::1 is of another family than web99 (192.168.8.99): write one of the same",
  ])
  assert.deepEqual(said('tcp', ', check: ping', '192.168.8.100:*'), [
    '4:101: all ports of an address say none that could be looked at: write check: { tcp: {}, port: 80 }, ping or none',
  ])
  assert.deepEqual(
    refusals({
      servers,
      services:
        'services: { www: { listen: [192.168.8.100:80], servers: web01..10, forward: nat, check: ping } }',
      extra: 'defaults: { sorry: { servers: web99, check: { tcp: {}, via: service } } }',
    }),
    [`5:61: ${nat}`],
  )
})
