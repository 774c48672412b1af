// A server of much data: a client's first line says which way. `up`: what follows is read to its end and answered by
// `NAME BYTES SHA256`; `down BYTES KEY`: the answer is so much of the key's stream. It listens on all addresses of both
// families; `ready` when it does.

import { createHash } from 'node:crypto'
import { createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { bulkStream } from './bulk-stream.ts'

/** BulkServerOptions: the argument, in JSON. */
export interface BulkServerOptions {
  readonly name: string
  readonly port: number
}

const { name, port } = JSON.parse(process.argv[2]!) as BulkServerOptions

async function serve(socket: Socket): Promise<void> {
  const hash = createHash('sha256')
  let [head, bytes] = ['', 0]
  // Not the usual iteration: that would destroy the socket at the client's end, before the answer.
  for await (const part of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let data = part
    if (!head.includes('\n')) {
      head += part.toString('latin1')
      const end = head.indexOf('\n')
      if (end < 0) continue
      data = Buffer.from(head.slice(end + 1), 'latin1')
      head = head.slice(0, end + 1)
      const [way, size, key] = head.trim().split(' ')
      if (way === 'down') return pipeline(bulkStream(key!, Number(size)), socket)
    }
    hash.update(data)
    bytes += data.length
  }
  socket.end(`${name} ${bytes} ${hash.digest('hex')}\n`)
}

createServer({ allowHalfOpen: true }, (socket) => {
  // What the client misses, it counts itself.
  serve(socket).catch(() => socket.destroy())
}).listen({ port, backlog: 512 }, () => process.stdout.write('ready\n'))
