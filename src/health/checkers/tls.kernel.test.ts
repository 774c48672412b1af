import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createServer, type TlsOptions as ServerOptions } from 'node:tls'
import { Authority } from '../../../test/health/certificates.ts'
import { hostileServer, hostilities } from '../../../test/health/hostile-servers.ts'
import { descriptors, lookAt, loopback, returns } from '../../../test/health/look-at.ts'
import type { Verdict } from '../checker.ts'
import type { TlsOptions } from '../tls-channel.ts'
import { tls } from './tls.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenbin-tls-'))
after(() => rmSync(folder, { recursive: true }))
const authority = new Authority(folder)
const ca = authority.ca.cert

async function server(options: ServerOptions) {
  const listening = createServer(options, (socket) => socket.on('error', () => {}))
  listening.on('tlsClientError', () => {})
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  return {
    port: (listening.address() as { port: number }).port,
    [Symbol.asyncDispose]: async () => {
      await new Promise((closed) => listening.close(closed))
    },
  }
}

test('a handshake is answered, whatever the certificate, unless more was asked for', async () => {
  const soon = authority.sign('web.example', 5)
  const cases: readonly (readonly [ServerOptions, TlsOptions, Verdict['outcome'], RegExp])[] = [
    [authority.selfSigned('web.example'), {}, 'good', /^TLSv1\.3$/],
    [authority.selfSigned('web.example'), { verify: true }, 'bad', /^the certificate is self-signed/],
    [authority.sign('web.example', 60), { verify: true, ca, name: 'web.example' }, 'good', /^TLSv1\.3$/],
    [
      authority.sign('web.example', 60),
      { verify: true },
      'bad',
      /authority is not known: Authority of a test/,
    ],
    [
      authority.sign('web.example', 60),
      { verify: true, ca, name: 'api.example' },
      'bad',
      /is for web\.example, not for api\.example/,
    ],
    [
      authority.sign('web.example', 60),
      { verify: true, ca, name: '127.0.0.1' },
      'bad',
      /is for web\.example, not for 127\.0\.0\.1/,
    ],
    [authority.sign('web.example', -3), {}, 'good', /^TLSv1\.3$/],
    [authority.sign('web.example', -3), { verify: true, ca }, 'bad', /^the certificate expired 2 days ago/],
    [soon, { days: 5 }, 'good', /^TLSv1\.3$/],
    [soon, { days: 6 }, 'bad', /^the certificate expires in 5 days .*, 6 were to be left$/],
    [{ ...soon, maxVersion: 'TLSv1.2' }, {}, 'good', /^TLSv1\.2$/],
  ]
  for (const [options, asked, outcome, text] of cases) {
    await using listening = await server(options)
    const finding = await lookAt(tls(loopback(listening.port), asked))
    assert.equal(finding.outcome, outcome, finding.text)
    assert.match(finding.text, text)
  }
})

test('a certificate that ends soon, or has ended, is warned of', async () => {
  for (const [days, warning] of [
    [60, undefined],
    [5, /^the certificate expires in 5 days/],
    [-1, /^the certificate expired less than a day ago/],
  ] as const) {
    await using listening = await server(authority.sign('web.example', days))
    const finding = await lookAt(tls(loopback(listening.port)))
    if (warning === undefined) assert.equal(finding.warning, undefined)
    else assert.match(finding.warning ?? '', warning)
  }
})

test('a server that does not shake hands is down in time, and its descriptors come back', async () => {
  const texts: Record<string, string> = {}
  const before = descriptors()
  for (const kind of hostilities) {
    await using hostile = await hostileServer(kind)
    const finding = await lookAt(tls(loopback(hostile.port)), 300)
    assert.equal(finding.outcome, 'bad', kind)
    texts[kind] = finding.text
  }
  assert.deepEqual(
    { mute: texts.mute, refused: texts.refused, closing: texts.closing, gigabyte: texts.gigabyte },
    {
      mute: 'TLS handshake timed out after 300ms',
      refused: 'connect: refused',
      closing: 'TLS handshake: the server closed or reset the connection',
      gigabyte: 'TLS handshake: what the server said is not TLS',
    },
  )
  await returns(descriptors, before, 'descriptors')
})
