// TLS on a connection: the handshake, and, where it was asked for, whether the certificate's chain leads to a known
// authority, whether it is for the name, and how many days are left of it. What is not asked for is not held against the
// server: a balancer checks whether it answers, and clients may trust what the balancer does not.

import { isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { Target } from './checker.ts'
import { failed } from './failure.ts'
import type { Look } from './look.ts'
import { nodeSocket, own, streamFailure } from './node-channel.ts'

/** TlsOptions: what is absent is not asked for. */
export interface TlsOptions {
  /** Told to the server (SNI), and what the certificate must be for if `verify` says so. */
  readonly name?: string
  readonly verify?: boolean
  /** PEM: authorities instead of the system's. */
  readonly ca?: string
  /** At least so many days must be left. */
  readonly days?: number
  /** ALPN. */
  readonly protocols?: readonly string[]
}

/** WARN_DAYS: a certificate that ends sooner is warned of. */
export const WARN_DAYS = 14
const DAY_MS = 86_400_000

/** Secured: a connection after its handshake. `warning`: of a certificate that ends soon. */
export interface Secured {
  readonly socket: TLSSocket
  readonly warning?: string
}

/** connectTls connects and shakes hands. Throws SyscallError, CHECK_FAILED. */
export const connectTls = async (look: Look, target: Target, options: TlsOptions): Promise<Secured> =>
  secure(look, await nodeSocket(look, target), options)

/** secure shakes hands on a connection (STARTTLS). Throws CHECK_FAILED. */
export async function secure(look: Look, plain: Socket, options: TlsOptions): Promise<Secured> {
  const { name, ca, protocols } = options
  look.doing = 'TLS handshake'
  const socket = connect({
    socket: plain,
    rejectUnauthorized: false,
    // The name is examine()'s, in words of its own.
    checkServerIdentity: () => undefined,
    // An address is no name of a host (RFC 6066 3).
    ...(name !== undefined && isIP(name) === 0 && { servername: name }),
    ...(ca !== undefined && { ca }),
    ...(protocols && { ALPNProtocols: [...protocols] }),
  })
  own(look, socket)
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error) => reject(streamFailure('TLS handshake', error))
    socket.once('secureConnect', resolve)
    socket.once('error', fail)
    socket.once('close', () => reject(failed('TLS handshake: the server closed the connection')))
  })
  const warning = examine(socket, options, Date.now())
  return warning === undefined ? { socket } : { socket, warning }
}

/** examine: a warning, if there is one. Throws CHECK_FAILED where something was asked for and is not so. */
function examine(socket: TLSSocket, { verify, name, days }: TlsOptions, now: number): string | undefined {
  const certificate = socket.getPeerCertificate()
  const left = Math.floor((Date.parse(certificate.valid_to) - now) / DAY_MS)
  const end = `the certificate ${left < 0 ? `expired ${ago(-left)}` : `expires in ${left} ${left === 1 ? 'day' : 'days'}`} (${certificate.valid_to})`
  if (verify) {
    if (left < 0) throw failed(end)
    if (!socket.authorized) throw failed(untrusted(socket.authorizationError, certificate))
    const wrong = name === undefined ? undefined : checkServerIdentity(name, certificate)
    if (wrong) throw failed(`the certificate is for ${names(certificate)}, not for ${name}`)
  }
  if (days !== undefined && left < days) throw failed(`${end}, ${days} were to be left`)
  return left < WARN_DAYS ? end : undefined
}

const ago = (days: number): string => (days <= 1 ? 'less than a day ago' : `${days - 1} days ago`)

function untrusted(error: Error | string | undefined, { issuer }: PeerCertificate): string {
  const code = typeof error === 'string' ? error : ((error as NodeJS.ErrnoException | undefined)?.code ?? '')
  if (/SELF_SIGNED/.test(code)) return 'the certificate is self-signed, or its authority is'
  if (/UNABLE_TO/.test(code))
    return `the certificate's authority is not known: ${issuer?.CN ?? 'without a name'}`
  return `the certificate is not trusted: ${code.toLowerCase().replaceAll('_', ' ')}`
}

const names = ({ subjectaltname, subject }: PeerCertificate): string =>
  subjectaltname?.replaceAll('DNS:', '') ?? subject?.CN?.toString() ?? 'nobody'
