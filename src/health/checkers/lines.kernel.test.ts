import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { Authority } from '../../../test/health/certificates.ts'
import { lookAt, loopback } from '../../../test/health/look-at.ts'
import { type Script, scriptedServer } from '../../../test/health/scripted-server.ts'
import type { Checker, Target, Verdict } from '../checker.ts'
import { agent } from './agent.ts'
import { ftp } from './ftp.ts'
import { redis } from './redis.ts'
import { smtp } from './smtp.ts'

/** verdict of a look at a server with this script, and what the server heard. */
async function verdictOf(checker: (target: Target) => Checker, script: Script) {
  await using server = await scriptedServer(script)
  const { latencyMs: _, ...verdict } = await lookAt(checker(loopback(server.port)), 500)
  return { verdict: verdict as Verdict, heard: server.heard() }
}

const texts = async (checker: (target: Target) => Checker, scripts: readonly Script[]): Promise<string[]> => {
  const found: string[] = []
  for (const script of scripts) {
    const { verdict } = await verdictOf(checker, script)
    found.push(`${verdict.outcome}: ${verdict.text}`)
  }
  return found
}

test('ftp: greeting and NOOP, before a login or after, over several lines or one', async () => {
  const greeting = '220-Welcome\r\n  to this server\r\n220-still\r\n220 ready\r\n'
  assert.deepEqual(
    await texts(ftp, [
      { greeting, on: [[/NOOP\r\n/, '200 NOOP ok.\r\n']] },
      { greeting: '220 x\r\n', on: [[/NOOP\r\n/, '530 Please login with USER and PASS.\r\n']] },
      { greeting: '220 x\r\n', on: [[/NOOP/, '421 Timeout.\r\n']] },
      { greeting: '421 Too many users\r\n' },
      { greeting: '220-', on: [[/NOOP/, undefined]] },
      { greeting: '220 x\r\n', on: [[/NOOP/, undefined]] },
      { greeting: `220-${'x\r\n'.repeat(200)}` },
    ]),
    [
      'good: ready',
      'good: x',
      'bad: NOOP: 421 Timeout.',
      'bad: greeting: 421 Too many users',
      'bad: greeting timed out after 500ms',
      'bad: the server closed the connection before it answered',
      'bad: a reply of more than 100 lines',
    ],
  )
})

test('smtp: greeting and EHLO, told our name; STARTTLS that is refused', async () => {
  const on: Script['on'] = [[/^EHLO lb1\.example\r\n/, '250-mail.example\r\n250 STARTTLS\r\n']]
  const plain = (target: Target) => smtp(target, { hello: 'lb1.example' })
  const { verdict, heard } = await verdictOf(plain, { greeting: '220 mail.example ESMTP\r\n', on })
  assert.deepEqual(verdict, { outcome: 'good', text: 'mail.example ESMTP' })
  assert.match(heard, /^EHLO lb1\.example\r\n/)
  const secure = (target: Target) => smtp(target, { hello: 'lb1.example', tls: {} })
  const refuses = [...on, [/^STARTTLS\r\n/, '454 TLS not available\r\n'] as const]
  const lies = [...on, [/^STARTTLS\r\n/, '220 go ahead\r\n'] as const, [/^[^A-Z]/, '500 what?\r\n'] as const]
  assert.deepEqual(
    await texts(secure, [
      { greeting: '220 x\r\n', on: refuses },
      { greeting: '220 x\r\n', on: lies },
    ]),
    ['bad: STARTTLS: 454 TLS not available', 'bad: TLS handshake: what the server said is not TLS'],
  )
  assert.deepEqual(
    await texts(plain, [
      { greeting: '554 no\r\n' },
      { greeting: '220 x\r\n', on: [[/EHLO/, '550 you\r\n']] },
    ]),
    ['bad: greeting: 554 no', 'bad: EHLO: 550 you'],
  )
})

test('smtp: STARTTLS is followed by a handshake, whose certificate is looked at where that is asked for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-smtp-'))
  const authority = new Authority(folder)
  const pair = authority.sign('mail.example', 5)
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('220 mail.example ESMTP\r\n')
    socket.on('data', function talk(bytes) {
      const text = bytes.toString()
      if (text.startsWith('EHLO')) socket.write('250-mail.example\r\n250 STARTTLS\r\n')
      if (!text.startsWith('STARTTLS')) return
      socket.off('data', talk)
      socket.write('220 go ahead\r\n')
      new TLSSocket(socket, { isServer: true, ...pair }).on('error', () => {})
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const target = loopback((server.address() as { port: number }).port)
  const tls = { name: 'mail.example', verify: true, ca: authority.ca.cert }
  const good = await lookAt(smtp(target, { hello: 'x', tls }))
  assert.deepEqual([good.outcome, good.text], ['good', 'mail.example ESMTP, TLSv1.3'])
  assert.match(good.warning ?? '', /expires in 5 days/)
  const bad = await lookAt(smtp(target, { hello: 'x', tls: { ...tls, name: 'other.example' } }))
  assert.equal(bad.text, 'the certificate is for mail.example, not for other.example')
  server.close()
  rmSync(folder, { recursive: true })
})

test('redis: PONG, with a login or none; one that loads, or has no master, is not ready', async () => {
  assert.deepEqual(
    await texts(redis, [
      { on: [[/PING/, '+PONG\r\n']] },
      { on: [[/PING/, '-NOAUTH Authentication required.\r\n']] },
      { on: [[/PING/, '-LOADING Redis is loading the dataset in memory\r\n']] },
      { on: [[/PING/, '-MASTERDOWN Link with MASTER is down\r\n']] },
    ]),
    [
      'good: PONG',
      'good: asks for a password',
      'bad: PING: "-LOADING Redis is loading the dataset in memory"',
      'bad: PING: "-MASTERDOWN Link with MASTER is down"',
    ],
  )
  const withLogin = (target: Target) => redis(target, { user: 'lb', password: 'pa ss' })
  const login = /^\*3\r\n\$4\r\nAUTH\r\n\$2\r\nlb\r\n\$5\r\npa ss\r\n$/
  assert.deepEqual(
    await texts(withLogin, [
      {
        on: [
          [login, '+OK\r\n'],
          [/PING/, '+PONG\r\n'],
        ],
      },
      { on: [[login, '-WRONGPASS invalid username-password pair\r\n']] },
      {
        on: [
          [login, '+OK\r\n'],
          [/PING/, '-NOAUTH Authentication required.\r\n'],
        ],
      },
    ]),
    [
      'good: PONG',
      'bad: AUTH: "-WRONGPASS invalid username-password pair"',
      'bad: PING: "-NOAUTH Authentication required."',
    ],
  )
})

test('agent: a line that the end of the connection ends is a line', async () => {
  const server = createServer((socket) => void socket.end('drain'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const finding = await lookAt(agent(loopback((server.address() as { port: number }).port)))
  assert.deepEqual(finding.report, { isDraining: true })
  server.close()
})

test("agent: what a server says of itself, by HAProxy's words", async () => {
  const cases: readonly (readonly [string, Verdict['outcome'], Verdict['report'] | RegExp])[] = [
    ['75%\n', 'good', { share: 0.75 }],
    ['up 50%\r\n', 'good', { share: 0.5 }],
    ['ready,up,maxconn:30\n', 'good', {}],
    ['drain\n', 'good', { isDraining: true }],
    ['100% drain # soon\n', 'good', { share: 1, isDraining: true }],
    ['down # disk full\n', 'bad', /^says down: disk full$/],
    ['FAILED\n', 'bad', /^says failed$/],
    ['stopped\n', 'bad', /^says stopped$/],
    ['maint\n', 'bad', /^says maint$/],
    ['hello\n', 'bad', /^no report of an agent: "hello"$/],
    ['\n', 'bad', /^no report of an agent: ""$/],
    ['# 75%\n', 'bad', /^no report/],
  ]
  for (const [line, outcome, expected] of cases) {
    const { verdict } = await verdictOf((target) => agent(target, { send: Buffer.from('web01\n') }), {
      on: [[/^web01\n$/, line]],
    })
    assert.equal(verdict.outcome, outcome, line)
    if (expected instanceof RegExp) assert.match(verdict.text, expected)
    else assert.deepEqual(verdict.report, expected)
  }
})
