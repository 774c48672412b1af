import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { authorityOf, issue } from './certificate.ts'
import { identityOf, isOld, LIFE_MS } from './identity.ts'
import { newCluster } from './new-cluster.ts'

const DAY_MS = 86_400_000

test('the same seed makes the same authority, to the last byte, on every node', () => {
  const seed = new Uint8Array(32).fill(9)
  assert.deepEqual(authorityOf(seed).certificate, authorityOf(seed).certificate)
  assert.notEqual(authorityOf(seed).id, authorityOf(new Uint8Array(32)).id)
})

test('a certificate is good for its node, from 1970 on, by its own authority alone', () => {
  const authority = authorityOf(randomBytes(32))
  const until = new Date(Date.UTC(2051, 0, 1))
  const leaf = new X509Certificate(issue(authority, 'lb_1.example', until).certificate)
  const signer = new X509Certificate(authority.certificate)
  assert.equal(leaf.subject, 'CN=lb_1.example')
  assert.equal(signer.subject, `CN=tenbin cluster ${authority.id}`)
  assert.ok(leaf.verify(signer.publicKey) && leaf.checkIssued(signer))
  assert.ok(!leaf.verify(new X509Certificate(authorityOf(randomBytes(32)).certificate).publicKey))
  assert.deepEqual([leaf.ca, signer.ca], [false, true])
  assert.deepEqual([new Date(leaf.validFrom).getTime(), new Date(leaf.validTo)], [0, until])
  assert.equal(signer.validTo, 'Dec 31 23:59:59 9999 GMT')
})

test('OpenSSL’s strict rules (RFC 5280) have nothing to say against either', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'tenbin-certificate-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const authority = authorityOf(randomBytes(32))
  const [ca, leaf] = [join(folder, 'ca.pem'), join(folder, 'leaf.pem')]
  writeFileSync(ca, authority.certificate)
  writeFileSync(leaf, issue(authority, 'lb1', new Date(Date.now() + DAY_MS)).certificate)
  for (const purpose of ['sslserver', 'sslclient']) {
    const verify = ['verify', '-x509_strict', '-purpose', purpose, '-CAfile', ca, leaf]
    assert.match(execFileSync('openssl', verify, { encoding: 'utf8' }), /: OK\n$/)
  }
})

test('an identity is made anew after a day, and when the clock was set back', () => {
  const [keys] = newCluster(['lb1'])
  const now = new Date()
  const identity = identityOf(keys!, now)
  const later = (ms: number) => new Date(now.getTime() + ms)
  assert.equal(identity.credentials.until.getTime(), now.getTime() + LIFE_MS)
  assert.deepEqual(
    [0, DAY_MS - 1, DAY_MS, -1].map((ms) => isOld(identity, later(ms))),
    [false, false, true, true],
  )
})
