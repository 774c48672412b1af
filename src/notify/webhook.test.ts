import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import {
  createServer as createHttp,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
} from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer as createTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Authority, type Pair } from '../../test/health/certificates.ts'
import type { WebhookJob } from './jobs.ts'
import type { Outcome } from './outcome.ts'
import { postWebhook } from './webhook.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-webhook-'))
after(() => rmSync(folder, { recursive: true }))
const authority = new Authority(folder)
const cert = authority.sign('localhost', 30)
const secret = 'a key for signatures'

interface Heard {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** receiver: what it hears, and how it answers. */
async function receiver(pair: Pair | undefined, answer: RequestListener) {
  const heard: Heard[] = []
  const listener: RequestListener = (request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => (body += part))
    request.on('end', () => {
      heard.push({ method: request.method!, headers: request.headers, body })
      answer(request, response)
    })
  }
  const server: Server = pair
    ? createHttps({ key: pair.key, cert: pair.cert }, listener)
    : createHttp(listener)
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    heard,
    url: `${pair ? 'https' : 'http'}://localhost:${port}/hook/TOKEN?x=1`,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections()
      return new Promise<void>((closed) => void server.close(() => closed()))
    },
  }
}

const job = (url: string, change: Partial<WebhookJob> = {}): WebhookJob => ({
  ...{
    kind: 'webhook',
    url,
    host: new URL(url).host,
    timeoutMs: 2_000,
    agent: 'tenbin/1',
    id: 'lb1-tenbin-7',
  },
  ...{ body: JSON.stringify({ text: 'web03 down: größer' }), secret, ca: authority.ca.cert },
  ...change,
})
const answering =
  (status: number, headers = {}): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end('words')
const failure = (outcome: Outcome): string =>
  outcome.isDone ? outcome.text : `${outcome.step}${outcome.isFinal ? '!' : ''} ${outcome.text}`

test('JSON is posted, and the signature is that of timestamp and body', async () => {
  await using to = await receiver(cert, answering(204))
  const before = Math.floor(Date.now() / 1000)
  assert.match(failure(await postWebhook(job(to.url))), /^localhost:\d+ answered 204 No Content$/)
  const [{ method, headers, body }] = to.heard as [Heard]
  assert.equal(method, 'POST')
  assert.equal(headers['content-type'], 'application/json')
  assert.equal(headers['idempotency-key'], 'lb1-tenbin-7')
  const timestamp = headers['tenbin-timestamp'] as string
  assert.ok(Number(timestamp) >= before && Number(timestamp) <= before + 5)
  const expected = createHmac('sha256', secret).update(timestamp).update('.').update(body).digest('hex')
  assert.equal(headers['tenbin-signature'], `v1=${expected}`)
  assert.deepEqual(JSON.parse(body), { text: 'web03 down: größer' })
})

test('without a key nothing is signed, and http on this machine will do', async () => {
  await using to = await receiver(undefined, answering(200))
  const { secret: _, ca: __, ...plain } = job(to.url)
  assert.match(failure(await postWebhook(plain)), /answered 200 OK$/)
  assert.equal(to.heard[0]!.headers['tenbin-signature'], undefined)
})

test('what is answered decides: later, or never', async () => {
  for (const [status, expected] of [
    [500, 'answer 500 Internal Server Error'],
    [503, 'answer 503 Service Unavailable'],
    [429, 'answer 429 Too Many Requests'],
    [404, 'answer! 404 Not Found'],
    [302, 'answer! 302 Found: redirects are not followed'],
  ] as const) {
    await using to = await receiver(cert, answering(status, { location: 'https://localhost:1/' }))
    assert.equal(failure(await postWebhook(job(to.url))), expected)
    assert.equal(to.heard.length, 1)
  }
})

test('a certificate that is not for the host, expired or nobody’s is refused before anything is sent', async () => {
  for (const [pair, expected] of [
    [authority.sign('other.example', 30), /^tls .*altname/],
    [authority.sign('localhost', -1), /^tls .*expired/],
    [authority.selfSigned('localhost'), /^tls .*self-signed/],
  ] as const) {
    await using to = await receiver(pair, answering(200))
    assert.match(failure(await postWebhook(job(to.url))), expected)
    assert.equal(to.heard.length, 0)
  }
})

test('a receiver that hangs, closes, pours or talks something else is given up in time', async () => {
  const tcp = createTcp((socket) => socket.on('error', () => undefined))
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  after(() => tcp.close())
  const silent = `localhost:${(tcp.address() as { port: number }).port}`
  await using hangs = await receiver(undefined, () => undefined)
  await using closes = await receiver(undefined, (request) => void request.socket.destroy())
  await using pours = await receiver(undefined, (_, response) => {
    const flood = () => {
      while (response.write('x'.repeat(65_536)));
      response.once('drain', flood)
    }
    flood()
  })
  await using talks = await receiver(
    undefined,
    (request) => void request.socket.end('220 mail.example ESMTP\r\n'),
  )
  const ends = [
    [`https://${silent}/`, /^tls nothing for 1 s$/],
    [hangs.url, /^answer nothing for 1 s$/],
    [closes.url, /^answer socket hang up$/],
    [pours.url, /answered 200 OK$/],
    [talks.url, /^answer Parse Error/],
    ['http://localhost:1/TOKEN', /^connect .*ECONNREFUSED/],
    ['https://hooks.invalid/TOKEN', /^name /],
  ] as const
  await Promise.all(
    ends.map(async ([url, expected]) => {
      const begun = performance.now()
      const text = failure(await postWebhook(job(url, { timeoutMs: 1_000 })))
      assert.match(text, expected)
      assert.ok(!text.includes('TOKEN'), text)
      assert.ok(performance.now() - begun < 3_000, url)
    }),
  )
})
