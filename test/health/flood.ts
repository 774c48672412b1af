// A server that never stops talking, in a process of its own: in this one it could not say anything while a check, which
// never waits for more, lets nobody else in. It says the same bytes again and again to whoever says something.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Flood: closed by disposal. */
export interface Flood extends AsyncDisposable {
  readonly port: number
}

interface Talk {
  readonly transport: 'udp' | 'tcp'
  /** once comes before all others (a greeting is said unasked). */
  readonly once: string
  readonly again: string
  readonly greets: boolean
}

const self = fileURLToPath(import.meta.url)

/** floodFrom starts one. Texts are latin1. */
export async function floodFrom(talk: Talk): Promise<Flood> {
  const child = fork(self, [JSON.stringify(talk)], { execArgv: ['--import', 'tsx'] })
  const [port] = (await once(child, 'message')) as [number]
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const over = once(child, 'exit')
      child.kill('SIGKILL')
      await over
    },
  }
}

async function talkByTcp({ once: first, again, greets }: Talk): Promise<number> {
  const { createServer } = await import('node:net')
  const bytes = Buffer.from(again.repeat(Math.ceil(65_536 / again.length)), 'latin1')
  const server = createServer((socket) => {
    const more = () => {
      while (!socket.destroyed && socket.write(bytes));
    }
    const begin = () => {
      socket.write(Buffer.from(first, 'latin1'))
      more()
    }
    socket.on('error', () => {})
    socket.on('drain', more)
    socket.resume()
    if (greets) begin()
    else socket.once('data', begin)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

async function talkByUdp({ again }: Talk): Promise<number> {
  const { createSocket } = await import('node:dgram')
  const socket = createSocket('udp4')
  const bytes = Buffer.from(again, 'latin1')
  socket.on('message', (_, { port, address }) => {
    const more = () => {
      for (let count = 0; count < 200; count++) socket.send(bytes, port, address)
      setImmediate(more)
    }
    more()
  })
  socket.on('error', () => {})
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket.address().port
}

if (process.argv[1] === self) {
  // Whoever began this is gone.
  process.once('disconnect', () => process.exit())
  const talk = JSON.parse(process.argv[2]!) as Talk
  process.send!(await (talk.transport === 'udp' ? talkByUdp(talk) : talkByTcp(talk)))
}
