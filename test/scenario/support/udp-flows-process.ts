// A client of datagrams that keeps its ports: told `ask`, it sends one from each and says who answered whom; told `stop`,
// the same once more, and it ends. Its sockets are connected, so that an answer from any other address or port than
// the one asked is none.

import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { UdpAnswered, UdpAskOptions } from './udp-ask-process.ts'

/** ANSWER_MS: a busy machine may let a server wait for a second. */
const ANSWER_MS = 3000
const { address, port, count } = JSON.parse(process.argv[2]!) as UdpAskOptions

async function open(): Promise<Socket> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('error', () => undefined)
  socket.connect(port, address)
  await once(socket, 'connect')
  return socket
}

/** ask: an answer that comes too late is thrown away before the next question. */
async function ask(socket: Socket): Promise<UdpAnswered> {
  const localPort = socket.address().port
  const question = `${localPort} ${Math.random()}`
  const answer = new Promise<string | undefined>((resolve) => {
    const timer = setTimeout(() => done(undefined), ANSWER_MS)
    const take = (bytes: Buffer) => {
      const [server, about] = bytes.toString().split('|')
      if (about === question) done(server)
    }
    function done(server: string | undefined): void {
      clearTimeout(timer)
      socket.off('message', take)
      resolve(server)
    }
    socket.on('message', take)
  })
  socket.send(question)
  const server = await answer
  return { localPort, ...(server !== undefined && { server }) }
}

const sockets: Socket[] = []
while (sockets.length < count) sockets.push(await open())
process.stdout.write('open\n')
for await (const word of createInterface({ input: process.stdin })) {
  const answered: readonly UdpAnswered[] = await Promise.all(sockets.map(ask))
  process.stdout.write(`${JSON.stringify(answered)}\n`)
  if (word === 'stop') break
}
process.exit(0)
