// The server half of the cluster's port: TLS and HTTP on connections that the door let in. Who asks is settled once for each
// connection (who.ts); a node of the file gets its requests handled, whoever carries a word of invitation gets to join, and
// everybody else gets one sentence that says why not. Sizes, times, and what all bodies together may take are bounded.

import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { TenbinError } from '../base/errors.ts'
import { type ErrorWords, errorWords } from './error-words.ts'
import type { Handlers } from './handlers.ts'
import type { Identity } from './identity.ts'
import { BODY_LIMIT } from './peers.ts'
import { TLS_VERSION } from './tls-client.ts'
import { type Who, whoIs } from './who.ts'

/** REQUEST_PATH: where requests to handlers go, before their own path. */
export const REQUEST_PATH = '/v1/request/'
/** JOIN_PATH: the only one for whoever has no certificate yet. */
export const JOIN_PATH = '/v1/join'

const LIMITS = {
  handshakeMs: 3_000,
  headersMs: 5_000,
  requestMs: 60_000,
  idleMs: 60_000,
  /** What a request that is under way has left where the keys that it came by are forgotten. */
  retireMs: 5_000,
  headerBytes: 4096,
  /** Of all bodies that are being read or handled at once. */
  bodiesBytes: 2 * BODY_LIMIT,
  joinBytes: 4096,
} as const

/** Join answers who has no certificate: `bound` is 32 bytes that only the two ends of this connection know (RFC 9266). */
export type Join = (body: Uint8Array, bound: Uint8Array, from: string) => Promise<Uint8Array>

/** ReceptionOptions: `refusal` says why a node, proven, is none of this cluster; undefined: it is one. */
export interface ReceptionOptions {
  readonly identity: () => Identity
  readonly handlers: Handlers
  readonly now: () => Date
  readonly refusal: (node: string, from: string) => string | undefined
  readonly join: Join
}

export class Reception implements Disposable {
  readonly #options: ReceptionOptions
  readonly #server: Server
  readonly #sockets = new Map<TLSSocket, Who>()
  /** Those with a request under way. */
  readonly #busy = new Set<TLSSocket>()
  /** Those of keys that are forgotten: each ends with its answer. */
  readonly #retired = new WeakSet<TLSSocket>()
  #bodiesBytes = 0

  constructor(options: ReceptionOptions) {
    this.#options = options
    this.#server = createServer(
      {
        ...contextOf(options.identity()),
        minVersion: TLS_VERSION,
        requestCert: true,
        // whoIs() refuses, in words.
        rejectUnauthorized: false,
        secureOptions: constants.SSL_OP_NO_TICKET,
        handshakeTimeout: LIMITS.handshakeMs,
        headersTimeout: LIMITS.headersMs,
        requestTimeout: LIMITS.requestMs,
        keepAliveTimeout: LIMITS.idleMs,
        maxHeaderSize: LIMITS.headerBytes,
        connectionsCheckingInterval: 1_000,
      },
      (request, response) => void this.#receive(request, response),
    )
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      this.#sockets.set(socket, whoIs(socket, options.identity(), options.now()))
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy())
    this.#server.on('clientError', (_error, socket) => socket.destroy())
    this.#server.on('checkContinue', (_request, response: ServerResponse) =>
      refuse(response, 417, badRequest),
    )
    // The door listens in its place, and without this event Node enforces none of its times.
    this.#server.emit('listening')
  }

  /** admit a connection: this end serves it from here on. */
  admit(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  /**
   * identify: the identity is another one: for connections to come, and those whose authority is no longer trusted end, each
   * with the answer that it waits for.
   */
  identify(): void {
    const identity = this.#options.identity()
    this.#server.setSecureContext({ ...contextOf(identity), minVersion: TLS_VERSION })
    for (const [socket, who] of this.#sockets)
      if (who.kind === 'node' && !identity.ids.includes(who.authority)) this.#retire(socket)
  }

  /** part with nodes that are none any more. */
  part(isOver: (who: Who & { readonly kind: 'node' }) => boolean): void {
    for (const [socket, who] of this.#sockets) if (who.kind === 'node' && isOver(who)) socket.destroy()
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets.keys()) socket.destroy()
    this.#server.closeAllConnections()
    this.#server.close()
  }

  #retire(socket: TLSSocket): void {
    if (!this.#busy.has(socket)) return void socket.destroy()
    this.#retired.add(socket)
    setTimeout(() => socket.destroy(), LIMITS.retireMs).unref()
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    const socket = request.socket as TLSSocket
    // What came behind the last request of a connection that ends.
    if (this.#retired.has(socket)) return
    this.#busy.add(socket)
    response.once('close', () => {
      this.#busy.delete(socket)
      if (this.#retired.has(socket)) socket.destroySoon()
    })
    try {
      await this.#answer(request, response, socket)
    } catch (error) {
      refuse(response, 500, errorWords(error))
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse, socket: TLSSocket): Promise<void> {
    const who = this.#sockets.get(socket) ?? ({ kind: 'nobody' } as const)
    const from = socket.remoteAddress ?? ''
    const { method, url = '' } = request
    if (method !== 'POST') return refuse(response, 405, badRequest)
    if (url === JOIN_PATH && who.kind === 'nobody') {
      const bound = socket.exportKeyingMaterial(32, JOIN_LABEL, Buffer.alloc(0))
      return this.#handled(request, response, LIMITS.joinBytes, (body) =>
        this.#options.join(body, bound, from),
      )
    }
    const why = this.#whyNot(who, from)
    if (why !== undefined || who.kind !== 'node')
      return refuse(response, 403, { code: 'PEER_REFUSED', message: why ?? 'this end showed no certificate' })
    const path = url.startsWith(REQUEST_PATH) ? url.slice(REQUEST_PATH.length) : ''
    const found = this.#options.handlers.get(path)
    if (!found)
      return refuse(response, 404, { code: 'PEER_FAILED', message: `it answers no ${JSON.stringify(path)}` })
    return this.#handled(request, response, found.maxBytes, (body) => found.handler(who.node, body))
  }

  #whyNot(who: Who, from: string): string | undefined {
    if (who.kind === 'refused') return who.why
    return who.kind === 'node' ? this.#options.refusal(who.node, from) : undefined
  }

  async #handled(
    request: IncomingMessage,
    response: ServerResponse,
    maxBytes: number,
    handler: (body: Uint8Array) => Promise<Uint8Array>,
  ): Promise<void> {
    const length = Number(request.headers['content-length'] ?? Number.NaN)
    if (!Number.isSafeInteger(length)) return refuse(response, 411, badRequest)
    const tooLarge = {
      code: 'PEER_REQUEST',
      message: `${length} bytes: at most ${maxBytes} are read there`,
    } as const
    if (length > maxBytes) return refuse(response, 413, tooLarge)
    if (this.#bodiesBytes + length > LIMITS.bodiesBytes)
      return refuse(response, 503, {
        code: 'PEER_FAILED',
        message: 'it has as many requests as it has room for',
      })
    this.#bodiesBytes += length
    try {
      const parts: Buffer[] = []
      for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
      // Parted with meanwhile, or all is over here: nothing is done any more for whoever asked.
      if (request.socket.destroyed) return
      const answer = await handler(Buffer.concat(parts))
      if (answer.length > BODY_LIMIT)
        throw new TenbinError('PEER_FAILED', 'answer', { detail: `an answer of ${answer.length} bytes` })
      response.writeHead(200, { 'content-length': answer.length })
      response.end(answer)
    } finally {
      this.#bodiesBytes -= length
    }
  }
}

/** JOIN_LABEL: of the keying material that both ends of a join export (RFC 8446 7.5). */
export const JOIN_LABEL = 'EXPORTER-tenbin-join'

/** contextOf an identity: for either end of TLS. */
export const contextOf = ({ credentials: { key, certificate }, trusted }: Identity) => ({
  key,
  cert: certificate,
  ca: [...trusted],
})

const badRequest = { code: 'PEER_REQUEST', message: 'this is no request of a node' } as const

/** refuse in words; the connection ends with it where a body may still come. */
function refuse(response: ServerResponse, status: number, error: ErrorWords): void {
  if (response.headersSent || response.destroyed) return void response.destroy()
  const body = JSON.stringify(error)
  const ends = status === 500 ? {} : { connection: 'close' }
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...ends,
  })
  response.end(body)
}
