// http and https by HTTP/2: the same questions on one stream of one connection; without TLS the server is taken to know
// (RFC 9113 3.3). Node's own HTTP/2, whose sessions bound what they hold.

import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2'
import type { Duplex } from 'node:stream'
import { bad, type Checker, good, type Target, type Verdict } from '../checker.ts'
import { failed } from '../failure.ts'
import type { Look } from '../look.ts'
import { nodeSocket, streamFailure } from '../node-channel.ts'
import { connectTls } from '../tls-channel.ts'
import { type HttpOptions, judgeBody, wrongStatus } from './http.ts'

/** http2: a checker of one target. */
export function http2(target: Target, options: HttpOptions): Checker {
  return async (look) => {
    if (!options.tls) return exchange(look, await nodeSocket(look, target), options)
    const { socket, warning } = await connectTls(look, target, { ...options.tls, protocols: ['h2'] })
    if (socket.alpnProtocol !== 'h2') throw failed('TLS handshake: the server does not speak HTTP/2')
    const verdict = await exchange(look, socket, options)
    return warning === undefined ? verdict : { ...verdict, warning }
  }
}

async function exchange(look: Look, socket: Duplex, options: HttpOptions): Promise<Verdict> {
  const stream = openStream(look, socket, options)
  look.doing = 'answer'
  const status = await statusOf(look, stream)
  const wrong = wrongStatus(status, options.status)
  if (wrong) return bad(wrong)
  if (options.body === undefined && options.digest === undefined) return good(`${status}`)
  look.doing = 'body'
  return judgeBody(status, piecesOf(look, stream), options)
}

/** piecesOf what follows the header. Throws CHECK_FAILED, whatever became of the connection. */
export async function* piecesOf(look: Look, stream: ClientHttp2Stream): AsyncGenerator<Buffer> {
  try {
    for await (const piece of stream) yield piece as Buffer
  } catch (error) {
    throw streamFailure(look.doing, error as Error)
  }
}

/** openSession: HTTP/2 on a connection, ended with the look. */
export function openSession(
  look: Look,
  socket: Duplex,
  authority: string,
  isSecure: boolean,
): ClientHttp2Session {
  const session = connect(`${isSecure ? 'https' : 'http'}://${authority}`, {
    createConnection: () => socket,
    maxSessionMemory: 1,
  })
  // Streams are told of it too.
  session.on('error', () => {})
  look.own({ [Symbol.dispose]: () => session.destroy() })
  return session
}

function openStream(
  look: Look,
  socket: Duplex,
  { tls, host, method, path, headers }: HttpOptions,
): ClientHttp2Stream {
  const session = openSession(look, socket, host, tls !== undefined)
  const stream = session.request({
    ...Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value])),
    'user-agent': 'tenbin',
    ':method': method,
    ':path': path,
    ':authority': host,
  })
  stream.on('error', () => {})
  return stream
}

/** statusOf: the answer's status. Throws CHECK_FAILED. */
export function statusOf(look: Look, stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve, reject) => {
    stream.once('response', (headers) => resolve(Number(headers[':status'])))
    stream.once('error', (error) => reject(streamFailure(look.doing, error)))
    stream.once('close', () =>
      reject(failed(`${look.doing}: the server closed the connection before it answered`)),
    )
  })
}
