import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { Authority } from '../../test/health/certificates.ts'
import { type SmtpOptions, SmtpServer } from '../../test/notify/smtp-server.ts'
import type { MailJob } from './jobs.ts'
import { sendMail } from './mail.ts'
import { done, type Outcome, outcomeText } from './outcome.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-mail-'))
after(() => rmSync(folder, { recursive: true }))
const authority = new Authority(folder)
const cert = authority.sign('localhost', 30)
const login = { user: 'tenbin', password: 'pa ss"wörd' }

const job = (server: SmtpServer, change: Partial<MailJob> = {}): MailJob => ({
  ...{ kind: 'mail', host: 'localhost', port: server.port, tls: 'none', timeoutMs: 3_000, name: 'lb1' },
  ...{ from: 'tenbin@lb1.example', to: ['ops@example.net'], subject: 'web03 down', text: 'why\n.\nend\n' },
  id: 'tenbin-tenbin-1-3',
  ...change,
})
const secure: Partial<MailJob> = { tls: 'starttls', ca: authority.ca.cert }

/** trial: what comes of a mail to a server like this. */
async function trial(options: SmtpOptions, change: Partial<MailJob> = {}): Promise<Outcome & { ms: number }> {
  await using server = await SmtpServer.listen(options)
  const begun = performance.now()
  const outcome = await sendMail(job(server, change))
  return { ...outcome, ms: performance.now() - begun }
}
const failure = (outcome: Outcome): string =>
  outcome.isDone ? 'done' : `${outcome.step}${outcome.isFinal ? '!' : ''} ${outcome.text}`

test('a mail arrives as it was written, after STARTTLS and login', async () => {
  await using server = await SmtpServer.listen({ tls: 'starttls', cert, login })
  const outcome = await sendMail(job(server, { ...secure, login, to: ['ops@example.net', 'b@example.net'] }))
  assert.equal(outcomeText(outcome), 'accepted by localhost for ops@example.net, b@example.net')
  const [mail] = server.mails
  assert.ok(mail!.isSecure)
  assert.deepEqual([mail!.from, mail!.to], ['tenbin@lb1.example', ['ops@example.net', 'b@example.net']])
  assert.match(mail!.text, /^Subject: web03 down$/m)
  assert.match(mail!.text, /^Message-ID: <tenbin-tenbin-1-3@lb1\.example>$/m)
  assert.match(mail!.text, /^Auto-Submitted: auto-generated$/m)
  assert.match(mail!.text, /\n\nwhy\n\.\.\nend\n/)
  assert.ok(server.heard[0]!.startsWith('EHLO lb1'))
  for (let tries = 0; server.connections > 0; tries++) {
    assert.ok(tries < 200, 'the connection is still open')
    await delay(5)
  }
})

test('TLS from the first byte works as well, and a server on this machine without any', async () => {
  assert.equal((await trial({ tls: 'tls', cert, login }, { ...secure, tls: 'tls', login })).isDone, true)
  assert.equal((await trial({}, {})).isDone, true)
})

test('nothing is said in the clear where TLS was asked for', async () => {
  await using server = await SmtpServer.listen({ login })
  assert.match(failure(await sendMail(job(server, { ...secure, login }))), /^tls /)
  await using refuses = await SmtpServer.listen({
    tls: 'starttls',
    cert,
    login,
    answers: { STARTTLS: '454 not now' },
  })
  assert.match(failure(await sendMail(job(refuses, { ...secure, login }))), /^tls .*454 not now/)
  for (const { heard, mails } of [server, refuses])
    assert.ok(mails.length === 0 && !heard.some((line) => /^(AUTH|MAIL)/.test(line)), heard.join())
})

test('a certificate that is self-signed, expired or for another name is refused', async () => {
  const of = (pair: { key: string; cert: string }, tls: 'tls' | 'starttls') =>
    trial({ tls, cert: pair, login }, { ...secure, tls, login })
  for (const tls of ['tls', 'starttls'] as const) {
    assert.match(failure(await of(authority.sign('localhost', -1), tls)), /^tls .*expired/)
    assert.match(failure(await of(authority.sign('other.example', 30), tls)), /^tls .*altname/)
    assert.match(failure(await of(authority.ca, tls)), /^tls /)
  }
})

test('what a server refuses is told with its words and the step, and whether it is for good', async () => {
  for (const [options, change, expected] of [
    [{ answers: { greeting: '554 no service' } }, {}, /^greeting .*554 no service/],
    [{ answers: { greeting: 'SSH-2.0-OpenSSH' } }, {}, /^greeting /],
    [
      { login, tls: 'starttls', cert },
      { ...secure, login: { user: 'x', password: 'y' } },
      /^login .*535 5\.7\.8/,
    ],
    [{ answers: { MAIL: '450 later' } }, {}, /^recipients .*450 later/],
    [{ answers: { RCPT: '550 5.1.1 nobody here' } }, {}, /^recipients! .*550 5\.1\.1 nobody here/],
    [{ answers: { RCPT: '451 greylisted' } }, {}, /^recipients .*451 greylisted/],
    [{ answers: { DATA: '452 full' } }, {}, /^message .*452 full/],
    [{ answers: { end: '552 too large' } }, {}, /^message! .*552 too large/],
  ] as const)
    assert.match(failure(await trial(options, change)), expected)
  const some = await trial({ answers: { 'RCPT b@c.net': '550 no' } }, { to: ['a@c.net', 'b@c.net'] })
  assert.equal(outcomeText(some), 'accepted by localhost for a@c.net, refused for b@c.net')
  assert.deepEqual(some, { ...done(outcomeText(some), 'b@c.net'), ms: some.ms })
})

test('a server that stops answering, at any point, is given up in time', async () => {
  const timeoutMs = 1_000
  const steps = {
    ...{ greeting: 'greeting', EHLO: 'greeting', STARTTLS: 'tls', AUTH: 'login' },
    ...{ RCPT: 'recipients', DATA: 'message', end: 'message' },
  }
  await Promise.all(
    Object.entries(steps).map(async ([word, step]) => {
      const outcome = await trial(
        { tls: 'starttls', cert, login, answers: { [word]: null } },
        { ...secure, login, timeoutMs },
      )
      assert.match(failure(outcome), new RegExp(`^${step} `), word)
      assert.ok(outcome.ms < timeoutMs + 2_000, `${word}: ${outcome.ms} ms`)
    }),
  )
})

test('nobody at the port, and a name that nobody knows, are told apart', async () => {
  await using server = await SmtpServer.listen()
  const gone = job(server)
  await server[Symbol.asyncDispose]()
  assert.match(failure(await sendMail(gone)), /^connect .*ECONNREFUSED/)
  assert.match(failure(await sendMail({ ...gone, host: 'mail.invalid' })), /^name /)
})

test('a server that repeats the password does not get it into our words', async () => {
  const plain = Buffer.from(`\0${login.user}\0${login.password}`).toString('base64')
  const base64 = Buffer.from(login.password).toString('base64')
  const outcome = await trial(
    { tls: 'starttls', cert, login, answers: { AUTH: `535 ${plain} ${base64} ${login.password}` } },
    { ...secure, login },
  )
  const text = failure(outcome)
  assert.match(text, /^login .*\(secret\) \(secret\)/)
  assert.ok(![plain, base64, login.password].some((secret) => text.includes(secret)), text)
})
