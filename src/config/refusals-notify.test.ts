import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load } from './load.ts'
import { isMailAddress } from './notify.ts'
import { textReader } from './reader.ts'
import { refusals, textOf } from './refusals.fixture.ts'

/** about: what is said of one entry, behind the word of it that it is said of. */
const about = (entry: string): string[] =>
  refusals({ extra: `notify:\n  ops: ${entry}` }).map((each) => {
    const [, column, message] = /^6:(\d+): ([\s\S]*)$/.exec(each)!
    return `${/^"?([^\s,}\]:"]*)/.exec(entry.slice(Number(column) - 8))?.[1]}: ${message}`
  })
const targets = (text: string) => load('t', textReader({ t: textOf({ extra: `notify:\n${text}` }) })).notify

test('mail, webhook and script are read, with what is left out', () => {
  assert.deepEqual(targets('  ops: { mail: ops@example.net, server: mail.example.net }'), [
    {
      name: 'ops',
      on: ['server', 'service', 'node', 'role', 'vrrp', 'flood'],
      severity: 'notice',
      timeoutMs: 10_000,
      how: {
        kind: 'mail',
        to: ['ops@example.net'],
        from: '',
        host: 'mail.example.net',
        port: 587,
        tls: 'starttls',
        gatherMs: 60_000,
      },
    },
  ])
  const [mail, hook, page] = targets(`
  ops: { mail: [a@example.net, b@example.net], from: lb@example.net, server: "2001:db8::25", tls: tls, user: lb, password_file: /etc/tenbin/mail, ca: /etc/tenbin/ca.pem, gather: 5m, severity: error, timeout: 30s }
  chat: { webhook: https://hooks.example.net/x, secret_env: HOOK_KEY, on: [server.down, service] }
  page: { script: [/usr/local/bin/page, --loud], user: "65534:65534", on: node }`)
  assert.deepEqual(mail!.how, {
    kind: 'mail',
    to: ['a@example.net', 'b@example.net'],
    from: 'lb@example.net',
    host: '2001:db8::25',
    port: 465,
    tls: 'tls',
    login: { user: 'lb', password: { file: '/etc/tenbin/mail' } },
    caFile: '/etc/tenbin/ca.pem',
    gatherMs: 300_000,
  })
  assert.deepEqual([mail!.severity, mail!.timeoutMs], ['error', 30_000])
  assert.deepEqual(hook!.how, {
    kind: 'webhook',
    url: 'https://hooks.example.net/x',
    secret: { env: 'HOOK_KEY' },
  })
  assert.deepEqual(hook!.on, ['server.down', 'service'])
  assert.deepEqual(page!.how, {
    kind: 'script',
    command: ['/usr/local/bin/page', '--loud'],
    user: '65534:65534',
  })
  assert.deepEqual(page!.on, ['node'])
})

test('an entry is one way of telling, with the keys that belong to it', () => {
  for (const [entry, ...expected] of [
    [
      '{ on: server }',
      '{: write how it is told: mail: ops@example.net, webhook: https://..., or script: [/path]',
    ],
    [
      '{ mail: ops@example.net, server: m.example.net, script: [/bin/x] }',
      '{: mail and script are two ways: write an entry for each',
    ],
    [
      '{ webhook: "https://h.example.net/", server: m.example.net, password_file: /x }',
      'm.example.net: server belongs to mail, not to webhook',
      '/x: password_file belongs to mail, not to webhook',
    ],
    ['{ script: [/bin/x], ca: /x }', '/x: ca belongs to mail or webhook, not to script'],
    [
      '{ mial: ops@example.net }',
      'mial: unknown key "mial": did you mean "mail"?',
      '{: write how it is told: mail: ops@example.net, webhook: https://..., or script: [/path]',
    ],
    [
      'ops@example.net',
      'ops@example.net: expected a notification such as { mail: ops@example.net, server: mail.example.net }, found "ops@example.net"',
    ],
  ] as const)
    assert.deepEqual(about(entry).toSorted(), expected.toSorted(), entry)
})

test('recipients are addresses, servers are hosts, logins are whole and not in the clear', () => {
  const server = 'server: m.example.net'
  for (const [entry, expected] of [
    ['{ mail: ops@example.net }', '{: mail needs a server: write server: mail.example.net'],
    [
      `{ mail: "ops at example.net", ${server} }`,
      'ops: "ops at example.net" is not a mail address such as ops@example.net',
    ],
    [
      `{ mail: [a@b.net, "x@y.net\\nBcc: z@y.net"], ${server} }`,
      'x@y.net\\nBcc: "x@y.net\\nBcc: z@y.net" is not a mail address such as ops@example.net',
    ],
    [`{ mail: [], ${server} }`, '[: mail takes 1 to 50 addresses'],
    [
      `{ mail: a@b.net, from: nobody, ${server} }`,
      'nobody: "nobody" is not a mail address such as ops@example.net',
    ],
    [
      '{ mail: a@b.net, server: "m.example.net:587" }',
      'm.example.net: "m.example.net:587" is no name or address of a host; its port is a key of its own',
    ],
    [`{ mail: a@b.net, ${server}, port: 0 }`, '0: expected a whole number from 1 to 65535, found 0'],
    [`{ mail: a@b.net, ${server}, tls: ssl }`, 'ssl: "ssl" is not a kind of TLS: write starttls, tls, none'],
    [
      `{ mail: a@b.net, ${server}, user: x }`,
      'x: a user without a password: write password_file or password_env too, or remove user',
    ],
    [`{ mail: a@b.net, ${server}, password_env: X }`, '{: a password without a user: write user too'],
    [
      `{ mail: a@b.net, ${server}, user: x, password_file: mail.pw }`,
      'mail.pw: "mail.pw" is not a whole path: write it from / on',
    ],
    [
      `{ mail: a@b.net, ${server}, user: x, password_file: /x, password_env: X }`,
      'X: the password is in one place: remove password_file or password_env',
    ],
    [
      `{ mail: a@b.net, ${server}, user: x, password_env: "my secret" }`,
      'my: this is no name of a variable such as TENBIN_SECRET: the secret itself does not belong here',
    ],
    [
      `{ mail: a@b.net, ${server}, user: x, password_file: /x, tls: none }`,
      'none: the password would go over the network in the clear: write starttls or tls',
    ],
    [`{ mail: a@b.net, ${server}, gather: 10ms }`, '10ms: 10ms is out of range: gather is 1s to 24h'],
    [`{ mail: a@b.net, ${server}, gather: soon }`, 'soon: "soon" is not a duration such as 3s or 100ms'],
  ] as const)
    assert.deepEqual(about(entry), [expected], entry)
  assert.deepEqual(about('{ mail: a@b.net, server: localhost, tls: none, user: x, password_file: /x }'), [])
})

test('a webhook is https, or this machine; its URL holds no login and is not shown', () => {
  for (const [entry, expected] of [
    [
      '{ webhook: hooks.example.net }',
      'hooks.example.net: this is not a URL such as https://hooks.example.net/tenbin',
    ],
    [
      '{ webhook: "ftp://h.example.net/x" }',
      'ftp: this is not a URL such as https://hooks.example.net/tenbin',
    ],
    [
      '{ webhook: "http://h.example.net/TOKEN" }',
      'http: events would go over the network in the clear: write https',
    ],
    [
      '{ webhook: "https://u:TOKEN@h.example.net/" }',
      'https: a URL has no user and password here: sign with secret_file instead',
    ],
    ['{ webhook: "https://h.example.net/#TOKEN" }', 'https: what is behind # is never sent: remove it'],
    ['{ webhook: "https://h.example.net/", timeout: 2m }', '2m: 2m is out of range: timeout is 1s to 60s'],
    [
      '{ webhook: "https://h.example.net/", on: [server, servers] }',
      'servers: "servers" is nothing that happens: did you mean "server"?',
    ],
    [
      '{ webhook: "https://h.example.net/", on: [] }',
      '[: on takes some of server, service, node, role, vrrp, flood: nothing would be told',
    ],
    [
      '{ webhook: "https://h.example.net/", severity: bad }',
      'bad: "bad" is not a severity: write info, notice, warning, error',
    ],
  ] as const)
    assert.deepEqual(about(entry), [expected], entry)
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:9'])
    assert.deepEqual(about(`{ webhook: "http://${host}/" }`), [])
})

test('a script has a whole path and is never run by root', () => {
  for (const [entry, expected] of [
    ['{ script: [page] }', '[page: a script is named by its whole path: write [/usr/local/bin/page]'],
    ['{ script: [] }', '[: expected a command such as [/usr/local/bin/page], found a list'],
    [
      '{ script: [/bin/page], user: root }',
      'root: a script does not run as root: write a user without privileges',
    ],
    [
      '{ script: [/bin/page], user: "0:0" }',
      '0: a script does not run as root: write a user without privileges',
    ],
  ] as const)
    assert.deepEqual(about(entry), [expected], entry)
})

test('mail addresses are those that SMTP takes as they are', () => {
  for (const good of ['a@b.net', "o'neil+lb.x@mail.example.net", 'root@localhost', `${'a'.repeat(64)}@b.net`])
    assert.ok(isMailAddress(good), good)
  for (const bad of [
    '',
    '@',
    'a@',
    '@b.net',
    'a@b@c.net',
    'a b@c.net',
    'a@b..net',
    '.a@b.net',
    'a.@b.net',
    'a@-b.net',
    'a@[1.2.3.4]',
    'a@1.2.3.4',
    '<a@b.net>',
    'Ops <a@b.net>',
    'a@b.net,c@d.net',
    'ä@b.net',
    'a@b.net\r\n',
    `${'a'.repeat(65)}@b.net`,
  ])
    assert.ok(!isMailAddress(bad), bad)
})
