// TLS as a client, in the one way in which nodes speak it: version 1.3, from a given address, and without a word of OpenSSL on
// who the other end may be, because whoIs() (or, at a join, the word) says that.

import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { formatIp } from '../base/addresses.ts'
import type { Way } from './call-failure.ts'
import type { contextOf } from './reception.ts'

/** TLS_VERSION, of both ends: nothing below. */
export const TLS_VERSION = 'TLSv1.3' as const

/** openTls by `way`; `context`: what this end shows, nothing where it is absent. */
export function openTls({ from, to }: Way, context?: ReturnType<typeof contextOf>): TLSSocket {
  const options: ConnectionOptions & { readonly localAddress: string } = {
    ...context,
    host: formatIp(to.address),
    port: to.port,
    localAddress: formatIp(from),
    minVersion: TLS_VERSION,
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  }
  return connect(options)
}
