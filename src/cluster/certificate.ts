// Certificates of nodes and of the authority that signs them (RFC 5280), with Ed25519 keys (RFC 8410). An authority is a
// seed of 32 bytes: its key follows from that, and as Ed25519 signs without randomness so does its certificate, which is
// therefore the same on every node and needs no way to travel. It has no end (RFC 5280 4.1.2.5: 99991231235959Z). A node's
// certificate begins in 1970, so that a clock which a boot has set back refuses nobody.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import {
  bitString,
  booleanTrue,
  explicit,
  implicit,
  objectIdentifier,
  octetString,
  positiveInteger,
  sequence,
  set,
  tagged,
  time,
  utf8String,
} from './der.ts'

/** Authority: who signs. `id` names it: 16 hexadecimal digits of its public key's SHA-256. */
export interface Authority {
  readonly id: string
  readonly key: KeyObject
  /** In PEM. */
  readonly certificate: string
}

/** Credentials: what a node shows, and the key that proves it; both in PEM. */
export interface Credentials {
  readonly key: string
  readonly certificate: string
  readonly until: Date
}

const ED25519 = sequence(objectIdentifier('1.3.101.112'))
/** RFC 8410 7: a PKCS #8 private key up to its 32 octets. */
const PRIVATE_KEY = Buffer.from('302e020100300506032b657004220420', 'hex')
const COMMON_NAME = '2.5.4.3'
const NEVER = new Date(Date.UTC(9999, 11, 31, 23, 59, 59))
const EPOCH = new Date(0)

/** authorityOf a seed. The subject of its certificate is "tenbin cluster ID". */
export function authorityOf(seed: Uint8Array): Authority {
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_KEY, seed]), format: 'der', type: 'pkcs8' })
  const publicKey = publicOf(createPublicKey(key))
  const id = createHash('sha256').update(publicKey).digest('hex').slice(0, 16)
  const name = nameOf(authorityName(id))
  const certificate = signed(key, {
    serial: Buffer.from(id, 'hex'),
    issuer: name,
    subject: name,
    until: NEVER,
    publicKey,
    extensions: [
      // BasicConstraints: an authority, of leaves only.
      extension('2.5.29.19', true, sequence(booleanTrue(), positiveInteger(Uint8Array.of(0)))),
      // KeyUsage: keyCertSign (bit 5).
      extension('2.5.29.15', true, bitString(Uint8Array.of(0b00000100), 2)),
      extension('2.5.29.14', false, octetString(keyIdOf(publicKey))),
    ],
  })
  return { id, key, certificate: pem('CERTIFICATE', certificate) }
}

/** authorityName: the common name of an authority's certificate. */
export const authorityName = (id: string): string => `tenbin cluster ${id}`

/** issue makes a key for `node` and a certificate of it, to show as client and as server until `until`. */
export function issue({ id, key: authorityKey }: Authority, node: string, until: Date): Credentials {
  const pair = generateKeyPairSync('ed25519')
  const publicKey = publicOf(pair.publicKey)
  const certificate = signed(authorityKey, {
    serial: randomBytes(16),
    issuer: nameOf(authorityName(id)),
    subject: nameOf(node),
    until,
    publicKey,
    extensions: [
      extension('2.5.29.19', true, sequence()),
      // KeyUsage: digitalSignature (bit 0).
      extension('2.5.29.15', true, bitString(Uint8Array.of(0b10000000), 7)),
      // ExtKeyUsage: serverAuth, clientAuth.
      extension(
        '2.5.29.37',
        false,
        sequence(objectIdentifier('1.3.6.1.5.5.7.3.1'), objectIdentifier('1.3.6.1.5.5.7.3.2')),
      ),
      extension('2.5.29.14', false, octetString(keyIdOf(publicKey))),
      extension('2.5.29.35', false, sequence(implicit(0, keyIdOf(publicOf(createPublicKey(authorityKey)))))),
    ],
  })
  const key = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { key, certificate: pem('CERTIFICATE', certificate), until }
}

interface ToSign {
  readonly serial: Uint8Array
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly until: Date
  /** SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array
  readonly extensions: readonly Uint8Array[]
}

/** signed: RFC 5280 4.1. */
function signed(key: KeyObject, { serial, issuer, subject, until, publicKey, extensions }: ToSign) {
  const toBeSigned = sequence(
    explicit(0, tagged(0x02, Uint8Array.of(2))), // version 3
    positiveInteger(serial),
    ED25519,
    issuer,
    sequence(time(EPOCH), time(until)),
    subject,
    publicKey,
    explicit(3, sequence(...extensions)),
  )
  return sequence(toBeSigned, ED25519, bitString(sign(null, toBeSigned, key)))
}

const nameOf = (commonName: string): Uint8Array =>
  sequence(set(sequence(objectIdentifier(COMMON_NAME), utf8String(commonName))))

const extension = (id: string, isCritical: boolean, value: Uint8Array): Uint8Array =>
  sequence(objectIdentifier(id), ...(isCritical ? [booleanTrue()] : []), octetString(value))

const publicOf = (key: KeyObject): Uint8Array => key.export({ type: 'spki', format: 'der' })

/** keyIdOf: RFC 7093 2 (1), the leftmost 160 bits of the SHA-256 of the key; 12 octets of its frame come before it. */
const keyIdOf = (publicKey: Uint8Array): Uint8Array =>
  createHash('sha256').update(publicKey.subarray(12)).digest().subarray(0, 20)

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
