// The lab's web server: it answers who it is. `/` is its name and a line end, `/page` the same and as much more as a
// small page has, `/who` more about it as JSON, anything else 404; keep-alive as HTTP/1.1 has it. It keeps nothing but
// a count of its answers. Frozen, it accepts connections and answers none of them before it thaws.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** WhoAnswer: the body of /who. Addresses are as the server sees them: `service` is what the client asked for. */
export interface WhoAnswer {
  readonly server: string
  readonly service: string
  readonly client: string
  /** Answers of this server so far, this one included. */
  readonly answers: number
}

/** PAGE_BYTES: of the body of /page. */
export const PAGE_BYTES = 8192

/** WebOrder: what the process of the lab's web servers can be told of one. */
export type WebOrder = 'stop' | 'begin' | 'freeze' | 'thaw'

/** WebServer: the caller makes it listen. */
export interface WebServer {
  readonly server: Server
  freeze(): void
  thaw(): void
}

/** webServer makes the server called `name`. */
export function webServer(name: string): WebServer {
  const plain: Readonly<Record<string, Buffer>> = {
    '/': Buffer.from(`${name}\n`),
    '/page': Buffer.from(`${name}\n`.padEnd(PAGE_BYTES, '.')),
  }
  let answers = 0
  /** Requests that wait for it to thaw; undefined: it is not frozen. */
  let held: (readonly [IncomingMessage, ServerResponse])[] | undefined
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    answers++
    const { socket } = request
    const body = plain[request.url ?? '']
    if (body) {
      response.writeHead(200, { 'content-type': 'text/plain', 'content-length': body.length })
      response.end(body)
    } else if (request.url === '/who') {
      const who: WhoAnswer = {
        server: name,
        service: endpoint(socket.localAddress, socket.localPort),
        client: endpoint(socket.remoteAddress, socket.remotePort),
        answers,
      }
      const body = `${JSON.stringify(who)}\n`
      response.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      })
      response.end(body)
    } else {
      response.writeHead(404, { 'content-type': 'text/plain' })
      response.end(`${name} has no ${request.url}\n`)
    }
  }
  return {
    server: createServer({ keepAliveTimeout: 10_000 }, (request, response) => {
      if (held) held.push([request, response])
      else answer(request, response)
    }),
    freeze: () => {
      held ??= []
    },
    thaw: () => {
      const waiting = held ?? []
      held = undefined
      for (const [request, response] of waiting) answer(request, response)
    },
  }
}

/** endpoint: Node listens on both families with one socket, which writes IPv4 addresses as ::ffff:10.0.0.1. */
function endpoint(address = 'unknown', port = 0): string {
  const host = address.replace(/^::ffff:/, '')
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
