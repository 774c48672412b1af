// grpc: grpc.health.v1.Health/Check answers SERVING. One call on one HTTP/2 connection, its message written and read by
// hand, since it is one field each way. References: grpc.io, "GRPC Core: PROTOCOL-HTTP2", grpc/health/v1/health.proto.

import type { ClientHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import { bad, type Checker, good, type Target, type Verdict } from '../checker.ts'
import { failed } from '../failure.ts'
import type { Look } from '../look.ts'
import { nodeSocket } from '../node-channel.ts'
import { connectTls, type TlsOptions } from '../tls-channel.ts'
import { openSession, piecesOf, statusOf } from './http2.ts'

/** GrpcOptions: `service` '' asks for the server as a whole. */
export interface GrpcOptions {
  readonly service: string
  readonly host: string
  readonly tls?: TlsOptions
}

/** MESSAGE_LIMIT: an answer is 7 bytes. */
const MESSAGE_LIMIT = 1024
/** ServingStatus of health.proto. */
const statuses = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const

/** grpc: a checker of one target. */
export function grpc(target: Target, options: GrpcOptions): Checker {
  const request = encodeRequest(options.service)
  return async (look) => {
    if (!options.tls) return call(look, await nodeSocket(look, target), request, options)
    const { socket, warning } = await connectTls(look, target, { ...options.tls, protocols: ['h2'] })
    const verdict = await call(look, socket, request, options)
    return warning === undefined ? verdict : { ...verdict, warning }
  }
}

/** encodeRequest: HealthCheckRequest { service = 1 } behind its five bytes of frame. `service` is below 128 bytes. */
function encodeRequest(service: string): Buffer {
  const name = Buffer.from(service)
  const message = name.length === 0 ? name : Buffer.concat([Buffer.from([0x0a, name.length]), name])
  const frame = Buffer.alloc(5)
  frame.writeUInt32BE(message.length, 1)
  return Buffer.concat([frame, message])
}

async function call(
  look: Look,
  socket: Duplex,
  request: Buffer,
  { host, tls }: GrpcOptions,
): Promise<Verdict> {
  const session = openSession(look, socket, host, tls !== undefined)
  look.doing = 'answer'
  const stream = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    ':authority': host,
    'content-type': 'application/grpc',
    'user-agent': 'tenbin',
    te: 'trailers',
  })
  stream.on('error', () => {})
  let trailer: Record<string, unknown> = {}
  // An error may come as the answer's only header, or behind it.
  stream.on('response', (headers) => {
    trailer = headers
  })
  stream.on('trailers', (headers) => {
    trailer = headers
  })
  const status = statusOf(look, stream)
  stream.end(request)
  if ((await status) !== 200) return bad(`HTTP status ${await status}`)
  const message = await readAll(look, stream)
  const code = trailer['grpc-status']
  if (code !== undefined && code !== '0')
    return bad(`grpc-status ${String(code)}: ${String(trailer['grpc-message'] ?? 'no words').slice(0, 80)}`)
  // HealthCheckResponse { status = 1 }, a varint; absent means 0.
  if (message.length < 5 || message[0] !== 0 || message.readUInt32BE(1) !== message.length - 5)
    return bad('an answer that is not a message of gRPC')
  const name = statuses[message.length === 5 ? 0 : message[5] === 0x08 ? (message[6] ?? 0) : 0] ?? 'UNKNOWN'
  return name === 'SERVING' ? good(name) : bad(name)
}

async function readAll(look: Look, stream: ClientHttp2Stream): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of piecesOf(look, stream)) {
    length += piece.length
    if (length > MESSAGE_LIMIT) throw failed(`an answer of more than ${MESSAGE_LIMIT} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
