// A server that says what it is told to: a greeting, then for each thing that a client sends, what the first line of the
// script says whose pattern is in it. For tests of line protocols against every answer that a real server would hardly give.

import { once } from 'node:events'
import { createServer } from 'node:net'

/** Script: `on`: pattern -> answer; an answer of undefined closes. */
export interface Script {
  readonly greeting?: string | Uint8Array
  readonly on?: readonly (readonly [RegExp, string | Uint8Array | undefined])[]
}

/** ScriptedServer: `heard` is what clients sent, as text. */
export interface ScriptedServer extends AsyncDisposable {
  readonly port: number
  readonly heard: () => string
}

export async function scriptedServer({ greeting, on = [] }: Script): Promise<ScriptedServer> {
  let heard = ''
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    if (greeting !== undefined) socket.write(greeting)
    socket.on('data', (bytes) => {
      const text = bytes.toString('latin1')
      heard += text
      const line = on.find(([pattern]) => pattern.test(text))
      if (!line) return
      if (line[1] === undefined) socket.end()
      else socket.write(line[1])
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    heard: () => heard,
    [Symbol.asyncDispose]: () => new Promise<void>((closed) => void server.close(() => closed())),
  }
}
