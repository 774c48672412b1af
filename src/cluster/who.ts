// Who is at the other end of a TLS connection: the node that its certificate names, if an authority of this cluster has
// signed that; otherwise why not, in words that say what to do about it. The same check at both ends. Which address a node
// may come from is the door's matter (door.ts).

import type { TLSSocket } from 'node:tls'
import { authorityName } from './certificate.ts'
import type { Identity } from './identity.ts'

/** Who: `node` is what the certificate says, proven; `why` not; `nobody`: it showed none. */
export type Who =
  | { readonly kind: 'node'; readonly node: string; readonly authority: string }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'refused'; readonly why: string }

const AUTHORITY = new RegExp(`^${authorityName('([0-9a-f]{16})')}$`)

/** whoIs at the other end of a connection whose handshake is done. */
export function whoIs(socket: TLSSocket, { ids }: Identity, now: Date): Who {
  // An empty object where there is none, whatever its type says.
  const { subject, issuer, valid_to: until } = socket.getPeerCertificate()
  if (!subject) return { kind: 'nobody' }
  const node = oneOf(subject.CN)
  const authority = AUTHORITY.exec(oneOf(issuer?.CN) ?? '')?.[1]
  if (socket.authorized && node && authority) return { kind: 'node', node, authority }
  const named = `the certificate of ${node ? JSON.stringify(node) : 'the other end'}`
  if (authority === undefined) return { kind: 'refused', why: `${named} is not one of a tenbin cluster` }
  if (!ids.includes(authority))
    return {
      kind: 'refused',
      why: `${named} is of another cluster, or of keys that were rotated (${authority}; here it is ${ids.join(', ')})`,
    }
  const code = String(socket.authorizationError)
  if (code === 'CERT_HAS_EXPIRED')
    return {
      kind: 'refused',
      why: `${named} ended on ${iso(until)}, and here it is ${now.toISOString().slice(0, 16)}Z: set the clocks`,
    }
  return { kind: 'refused', why: `${named} cannot be verified: ${code}` }
}

/** oneOf a name: a subject with several is none of ours. */
const oneOf = (name: string | readonly string[] | undefined): string | undefined =>
  typeof name === 'string' ? name : undefined

/** iso: what OpenSSL writes, as other times are written; as it is where a stranger’s certificate has no time in it. */
function iso(text: string): string {
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? JSON.stringify(text) : `${time.toISOString().slice(0, 16)}Z`
}
