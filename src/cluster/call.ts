// The client half: connections to one peer, kept open, and requests over them. A connection counts once the handshake is
// done and the other end is the node that was meant (who.ts), so nothing is said to anybody else. A request that comes to
// nothing says at which step: no connection, no TLS, another node, no answer in time.

import { Agent, type IncomingMessage, request } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { formatIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { Broken, failureOf, Late, Other, type Way } from './call-failure.ts'
import { deadline } from './deadline.ts'
import { errorOf } from './error-words.ts'
import type { Identity } from './identity.ts'
import { BODY_LIMIT } from './peers.ts'
import { contextOf } from './reception.ts'
import { openTls } from './tls-client.ts'
import { Turns } from './turns.ts'
import { whoIs } from './who.ts'

/** CONNECT_MS: how long a connection may take until the other end is known; shorter than an exchange may (peer.ts), to say why. */
const CONNECT_MS = 2_000
const IDLE_MS = 30_000

/** LineOptions: `identity` is asked at each connection; `sockets`: how many at once, further requests wait. */
export interface LineOptions {
  readonly node: string
  readonly way: Way
  readonly identity: () => Identity
  readonly now: () => Date
  readonly sockets: number
}

/** Line: connections to one node by one way. */
export class Line implements Disposable {
  readonly #options: LineOptions
  readonly #agent: Agent
  readonly #turns: Turns

  constructor(options: LineOptions) {
    this.#options = options
    this.#turns = new Turns(options.sockets)
    const agent = new Agent({ keepAlive: true, maxSockets: options.sockets, timeout: IDLE_MS })
    // Asynchronous, by its second argument; that it returns nothing is not in its type.
    agent.createConnection = ((_: unknown, done: (error: Error | null, socket?: Duplex) => void) => {
      this.#connect().then(
        (socket) => done(null, socket),
        (error: Error) => done(error),
      )
    }) as unknown as Agent['createConnection']
    this.#agent = agent
  }

  /**
   * send posts `body` to `path` and resolves with the answer. Throws PEER_UNREACHABLE, PEER_REFUSED, PEER_TIMEOUT,
   * PEER_ANSWER, and what the other end threw.
   */
  async send(path: string, body: Uint8Array, timeoutMs: number, op: string): Promise<Uint8Array> {
    const began = performance.now()
    const left = () => Math.max(1, timeoutMs - (performance.now() - began))
    if (!(await this.#turns.take(timeoutMs))) {
      const detail = `${this.#options.sockets} requests to it are under way, and none ended within ${timeoutMs} ms`
      throw new TenbinError('PEER_TIMEOUT', op, { detail })
    }
    try {
      return await this.#exchange(path, body, timeoutMs, left, op)
    } finally {
      this.#turns.give()
    }
  }

  #exchange(
    path: string,
    body: Uint8Array,
    timeoutMs: number,
    left: () => number,
    op: string,
  ): Promise<Uint8Array> {
    const { node, way } = this.#options
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent: this.#agent,
          host: formatIp(way.to.address),
          port: way.to.port,
          path,
          method: 'POST',
          headers: { 'content-length': body.length },
        },
        (answer) => void collect(answer, op).then(resolve, fail),
      )
      let late: Late | undefined
      const timer = deadline(left(), () => {
        late = new Late(timeoutMs)
        sent.destroy(late)
      })
      const fail = (cause: Error) =>
        reject(
          cause instanceof TenbinError
            ? cause
            : failureOf(late ?? cause, { op, node, way, isSent: Boolean(sent.socket) }),
        )
      sent.once('close', () => timer[Symbol.dispose]())
      sent.on('error', fail)
      sent.end(body)
    })
  }

  /** retire: what is under way ends as it would, and then its connections. */
  retire(): void {
    // Node keeps a connection that becomes free only while this is so.
    ;(this.#agent as { keepAlive?: boolean }).keepAlive = false
    for (const sockets of Object.values(this.#agent.freeSockets))
      for (const socket of sockets ?? []) socket.destroy()
  }

  /** Dispose: what is under way fails. */
  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  #connect(): Promise<TLSSocket> {
    const { node, way, identity, now } = this.#options
    return new Promise((resolve, reject) => {
      const mine = identity()
      const socket = openTls(way, contextOf(mine))
      let isConnected = false
      // Stays with the socket: an error that comes when nobody else listens any more ends nothing but it.
      const fail = (error: Error) => {
        timer[Symbol.dispose]()
        socket.destroy()
        reject(error)
      }
      const timer = deadline(CONNECT_MS, () => fail(new Late(CONNECT_MS, isConnected)))
      socket.once('connect', () => {
        isConnected = true
      })
      socket.on('error', (error) => fail(isConnected ? new Broken(error) : error))
      socket.once('close', () => fail(new Broken(new Error('closed'))))
      socket.once('secureConnect', () => {
        const who = whoIs(socket, mine, now())
        if (who.kind === 'refused') return fail(new Other(who.why))
        if (who.kind === 'nobody') return fail(new Other('the other end showed no certificate'))
        if (who.node !== node)
          return fail(new Other(`${who.node} answers there: the file has another address for ${node}`))
        timer[Symbol.dispose]()
        socket.setNoDelay()
        resolve(socket)
      })
    })
  }
}

async function collect(answer: IncomingMessage, op: string): Promise<Uint8Array> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length
    if (length > BODY_LIMIT) {
      answer.destroy()
      throw new TenbinError('PEER_ANSWER', op, { detail: `more than ${BODY_LIMIT} bytes` })
    }
    parts.push(part)
  }
  const body = Buffer.concat(parts)
  if (answer.statusCode === 200) return body
  throw errorOf(body, answer.statusCode ?? 0, op)
}
