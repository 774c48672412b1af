// tls: the handshake is answered; and the certificate, where that was asked for.

import { type Checker, good, type Target } from '../checker.ts'
import { connectTls, type TlsOptions } from '../tls-channel.ts'

/** tls: a checker of one target. */
export function tls(target: Target, options: TlsOptions = {}): Checker {
  return async (look) => {
    const { socket, warning } = await connectTls(look, target, options)
    const verdict = good(`${socket.getProtocol() ?? 'TLS'}`)
    return warning === undefined ? verdict : { ...verdict, warning }
  }
}
