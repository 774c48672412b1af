// A client of datagrams: it sends one from each of `count` ports and prints who answered whom. Its sockets are connected,
// so that an answer from any other address or port than the one asked is none.

import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'

/** UdpAskOptions: the argument, in JSON. */
export interface UdpAskOptions {
  readonly address: string
  readonly port: number
  readonly count: number
  /** The first of the ports that are asked from; absent: the kernel's choice. */
  readonly from?: number
  /** Bytes of the question; absent: a few. */
  readonly length?: number
}

/** UdpAnswered: what became of one datagram; no `server`: nobody answered in time. */
export interface UdpAnswered {
  readonly localPort: number
  readonly server?: string
  /** Whether the answer holds the question. */
  readonly isWhole?: boolean
  /** ECONNREFUSED, or what else the kernel said instead. */
  readonly error?: string
}

/** ANSWER_MS: a busy machine may let a server wait. */
const ANSWER_MS = 5000
const { address, port, count, from, length } = JSON.parse(process.argv[2]!) as UdpAskOptions

async function ask(local: number | undefined): Promise<UdpAnswered> {
  await using socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  if (local !== undefined) socket.bind(local)
  socket.connect(port, address)
  await once(socket, 'connect')
  const localPort = socket.address().port
  const question = length === undefined ? 'who?' : randomBytes(length).toString('hex').slice(0, length)
  socket.send(question)
  try {
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_MS) })) as [Buffer]
    const [server, repeated] = answer.toString().split('|')
    return { localPort, server: server!, isWhole: repeated === question }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { localPort, ...(code !== 'ABORT_ERR' && code !== undefined && { error: code }) }
  }
}

const answered: UdpAnswered[] = []
for (let i = 0; i < count; i++) answered.push(await ask(from === undefined ? undefined : from + i))
process.stdout.write(JSON.stringify(answered))
