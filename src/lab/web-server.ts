// The lab's web server: it answers who it is. `/` is its name and a line end, `/page` the same and as much more as a
// small page has, `/who` more about it as JSON, anything else 404; keep-alive as HTTP/1.1 has it. It keeps nothing but
// a count of its answers.

import { createServer, type Server } from 'node:http'

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

/** webServer makes the server called `name`; the caller makes it listen. */
export function webServer(name: string): Server {
  const plain: Readonly<Record<string, Buffer>> = {
    '/': Buffer.from(`${name}\n`),
    '/page': Buffer.from(`${name}\n`.padEnd(PAGE_BYTES, '.')),
  }
  let answers = 0
  return createServer({ keepAliveTimeout: 10_000 }, (request, response) => {
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
  })
}

/** endpoint: Node listens on both families with one socket, which writes IPv4 addresses as ::ffff:10.0.0.1. */
function endpoint(address = 'unknown', port = 0): string {
  const host = address.replace(/^::ffff:/, '')
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
