// A server of datagrams: it answers each with its own name, a bar, and the question. It listens on each address by itself, so that answers come
// from the address that was asked: a socket on all addresses would send them from the machine's own. `ready` when it does.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** UdpAnswerOptions: the argument, in JSON. */
export interface UdpAnswerOptions {
  readonly name: string
  readonly addresses: readonly string[]
  readonly port: number
}

const { name, addresses, port } = JSON.parse(process.argv[2]!) as UdpAnswerOptions
for (const address of addresses) {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (question, from) => socket.send(`${name}|${question}`, from.port, from.address))
  await once(socket.bind({ address, port }), 'listening')
}
process.stdout.write('ready\n')
