import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createSecureServer, createServer as createServer2 } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { Authority } from '../../../test/health/certificates.ts'
import { asAnswer, hostileServer, hostilities } from '../../../test/health/hostile-servers.ts'
import { descriptors, lookAt, loopback, returns } from '../../../test/health/look-at.ts'
import { Pattern } from '../../base/pattern.ts'
import { type HttpOptions, http } from './http.ts'
import { http2 } from './http2.ts'

const asked: HttpOptions = {
  method: 'GET',
  path: '/health',
  host: 'www.example',
  status: [{ from: 200, to: 200 }],
}
const TEXT = 'all is well\n'.repeat(100)
const digest = createHash('sha256').update(TEXT).digest('hex')

interface Listening {
  listen(port: number, host: string): unknown
  address(): unknown
  close(done: () => void): unknown
  closeAllConnections?(): void
  once(event: string, listener: () => void): unknown
}

async function serve(server: Listening) {
  server.listen(0, '127.0.0.1')
  await once(server as unknown as NodeJS.EventEmitter, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections?.()
      await new Promise<void>((closed) => server.close(closed))
    },
  }
}

const application: RequestListener = (request, response) => {
  if (request.url === '/chunked') {
    for (let at = 0; at < TEXT.length; at += 100) response.write(TEXT.slice(at, at + 100))
    response.end()
  } else if (request.url === '/until-end') {
    request.socket.end(`HTTP/1.0 200\r\n\r\n${TEXT}`)
  } else if (request.url === '/hints') {
    request.socket.end(
      `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: ${TEXT.length}\r\n\r\n${TEXT}`,
    )
  } else if (request.url === '/echo') {
    response.end(JSON.stringify([request.method, request.headers]))
  } else {
    response.statusCode = Number(request.url?.slice(1)) || 200
    response.setHeader('Content-Length', TEXT.length)
    response.end(TEXT)
  }
}

test('status, body and digest decide, however the answer is framed', async () => {
  await using server = await serve(createServer(application))
  const cases: readonly (readonly [Partial<HttpOptions>, 'good' | 'bad', string])[] = [
    [{}, 'good', '200'],
    [{ path: '/503' }, 'bad', 'status 503, expected 200'],
    [
      {
        path: '/302',
        status: [
          { from: 200, to: 204 },
          { from: 302, to: 302 },
        ],
      },
      'good',
      '302',
    ],
    [{ path: '/404', status: [{ from: 200, to: 399 }] }, 'bad', 'status 404, expected 200..399'],
    [{ method: 'HEAD', path: '/200' }, 'good', '200'],
    [{ body: Pattern.compile('well') }, 'good', '200, body as expected'],
    [
      { body: Pattern.compile('ill') },
      'bad',
      'body: no "ill": it said "all is well\\nall is well\\nall is well\\nall "…',
    ],
    ...['/200', '/chunked', '/until-end', '/hints'].flatMap((path) => [
      [{ path, digest }, 'good', '200, body as expected'] as const,
      [{ path, body: Pattern.compile('well\n$') }, 'good', '200, body as expected'] as const,
      [
        { path, digest: digest.replace(/^./, 'g') },
        'bad',
        `body: its SHA-256 is ${digest.slice(0, 16)}…, expected g${digest.slice(1, 16)}…`,
      ] as const,
    ]),
  ]
  for (const [change, outcome, text] of cases) {
    const finding = await lookAt(http(loopback(server.port), { ...asked, ...change }))
    assert.deepEqual([finding.outcome, finding.text], [outcome, text], JSON.stringify(change))
  }
})

test('method, host and headers are as they were asked for', async () => {
  await using server = await serve(createServer(application))
  const headers = { 'X-Probe': 'yes', Accept: 'text/plain' }
  const expected = [
    '"POST"',
    '"host":"www.example"',
    '"x-probe":"yes"',
    '"accept":"text/plain"',
    '"connection":"close"',
  ]
  for (const word of expected) {
    const body = Pattern.literal(Buffer.from(word))
    const finding = await lookAt(
      http(loopback(server.port), { ...asked, method: 'POST', path: '/echo', headers, body }),
    )
    assert.equal(finding.outcome, 'good', `${word}: ${finding.text}`)
  }
})

test('HTTP/2 asks the same, over TLS and without', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-http-'))
  try {
    const authority = new Authority(folder)
    const pair = authority.sign('www.example', 5)
    const tls = { name: 'www.example', verify: true, ca: authority.ca.cert }
    const answer = (
      request: { url?: string | undefined },
      response: { statusCode: number; end(text: string): unknown },
    ) => {
      response.statusCode = Number(request.url?.slice(1)) || 200
      response.end(TEXT)
    }
    await using plain = await serve(createServer2(answer as never))
    await using secure = await serve(createSecureServer(pair, answer as never))
    await using only1 = await serve(createTlsServer(pair, application))
    const runs = [
      [http2, plain.port, {}],
      [http2, secure.port, { tls }],
      [http, only1.port, { tls }],
    ] as const
    for (const [checker, port, change] of runs) {
      const look = (more: Partial<HttpOptions>) =>
        lookAt(checker(loopback(port), { ...asked, ...change, ...more }))
      assert.equal((await look({})).text, '200')
      assert.equal((await look({ path: '/500' })).text, 'status 500, expected 200')
      assert.equal((await look({ digest })).text, '200, body as expected')
      assert.equal((await look({ body: Pattern.compile('ill') })).outcome, 'bad')
      if ('tls' in change) assert.match((await look({})).warning ?? '', /expires in 5 days/)
    }
    const wrong = await lookAt(http2(loopback(only1.port), { ...asked, tls }))
    assert.match(wrong.text, /^TLS handshake: /)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('servers that misbehave are down in time, memory stays small and descriptors come back', async () => {
  const right = `HTTP/1.1 200 OK\r\nContent-Length: ${TEXT.length}\r\n\r\n${TEXT}`
  const before = descriptors()
  const texts: Record<string, string> = {}
  for (const kind of hostilities) {
    await using server = await hostileServer(kind, asAnswer(right))
    const options = { ...asked, digest: digest.replace(/^./, 'g') }
    texts[kind] = (await lookAt(http(loopback(server.port), options), 400)).text
    const second = await lookAt(http2(loopback(server.port), options), 400)
    assert.equal(second.outcome, 'bad', `${kind} by HTTP/2: ${second.text}`)
  }
  const half = right.length - Math.floor(right.length / 2)
  const { noise, closing, ...others } = texts
  assert.match(noise ?? '', /^not HTTP: /)
  assert.match(closing ?? '', /closed the connection|reset by the server|closed by the server/)
  assert.deepEqual(others, {
    refused: 'connect: refused',
    mute: 'answer timed out after 400ms',
    slow: 'answer timed out after 400ms',
    gigabyte: `body: its SHA-256 is ${digest.slice(0, 16)}…, expected g${digest.slice(1, 16)}…`,
    cut: `the server closed the connection ${half} bytes before the end of its answer`,
    reset: 'body: reset by the server',
    'endless line': `no end of a line within 8192 bytes: "${'A'.repeat(60)}"…`,
    'other protocol': 'not HTTP: "RFB 003.008"',
  })
  await returns(descriptors, before, 'descriptors')
})

test('a gigabyte of header, of chunks or of body is read to a bound and no further', async () => {
  const memory = process.memoryUsage().rss
  const starts = [
    ['HTTP/1.1 200 OK\r\n', {}, /^not HTTP: "A" in its header$/],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n',
      { digest },
      /^a body of more than 1 MiB$/,
    ],
    ['HTTP/1.1 200 OK\r\n\r\n', { digest }, /^a body of more than 1 MiB$/],
    ['HTTP/1.1 200 OK\r\n\r\n', { body: Pattern.compile('B') }, /^body: no "B" in the first 64 KiB/],
    ['HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', { digest }, /^Content-Length is "-1"$/],
    [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      { digest },
      /^a chunk that is longer than it says$/,
    ],
  ] as const
  for (const [right, change, text] of starts) {
    await using server = await hostileServer('gigabyte', asAnswer(right))
    const finding = await lookAt(http(loopback(server.port), { ...asked, ...change }))
    assert.equal(finding.outcome, 'bad')
    assert.match(finding.text, text)
  }
  const grown = process.memoryUsage().rss - memory
  assert.ok(grown < 100 * 2 ** 20, `${grown >> 20} MiB more`)
})
