import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { identityOf } from './identity.ts'
import { newCluster } from './new-cluster.ts'
import { whoIs } from './who.ts'

const NOW = new Date('2024-01-02T03:04:05Z')
const mine = identityOf(newCluster(['lb1'])[0]!, NOW)
const [ours] = mine.ids
const other = randomBytes(8).toString('hex')

/** shown: what is found of an other end whose certificate OpenSSL has read like this. */
const shown = (
  certificate: object,
  authorized = false,
  authorizationError = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
) =>
  whoIs(
    { getPeerCertificate: () => certificate, authorized, authorizationError } as unknown as TLSSocket,
    mine,
    NOW,
  )
const by = (id: string | undefined) => ({ CN: `tenbin cluster ${id}` })
const why = (certificate: object, error?: string) => {
  const who = shown(certificate, false, error)
  return who.kind === 'refused' ? who.why : who.kind
}

test('a node is who its certificate names, if OpenSSL has verified it and the authority is ours by name', () => {
  assert.deepEqual(shown({ subject: { CN: 'lb2' }, issuer: by(ours) }, true), {
    kind: 'node',
    node: 'lb2',
    authority: ours,
  })
  assert.deepEqual(shown({}), { kind: 'nobody' })
  assert.equal(shown({ subject: {}, issuer: by(ours) }, true).kind, 'refused')
  assert.equal(shown({ subject: { CN: ['lb2', 'lb3'] }, issuer: by(ours) }, true).kind, 'refused')
})

test('whoever is refused is told why, whatever he shows', () => {
  const subject = { CN: 'lb2\n\x1b[2J' }
  const valid_to = 'Jan  1 00:00:00 2024 GMT'
  assert.equal(
    why({ subject, issuer: { CN: 'Snake Oil' } }),
    'the certificate of "lb2\\n\\u001b[2J" is not one of a tenbin cluster',
  )
  assert.match(
    why({ subject, issuer: by(other) }),
    new RegExp(`of another cluster, .* \\(${other}; here it is ${ours}\\)`),
  )
  assert.equal(
    why({ subject: { CN: 'lb2' }, issuer: by(ours), valid_to }, 'CERT_HAS_EXPIRED'),
    'the certificate of "lb2" ended on 2024-01-01T00:00Z, and here it is 2024-01-02T03:04Z: set the clocks',
  )
  assert.match(
    why({ subject, issuer: by(ours), valid_to: 'Bad time value' }, 'CERT_HAS_EXPIRED'),
    /ended on "Bad time value"/,
  )
  // The name of our authority, signed by another.
  assert.match(
    why({ subject, issuer: by(ours) }, 'CERT_SIGNATURE_FAILURE'),
    /cannot be verified: CERT_SIGNATURE_FAILURE/,
  )
})
