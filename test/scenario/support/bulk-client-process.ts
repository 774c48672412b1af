// A client of much data: it moves each of its transfers over a connection of its own, all at once, and prints what was
// sent and what arrived, as digests of both ends.

import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { bulkDigest, bulkStream } from './bulk-stream.ts'

/** Transfer: one connection. */
export interface Transfer {
  readonly address: string
  readonly port: number
  readonly way: 'up' | 'down'
  readonly bytes: number
}

/** Transferred: `sent` is the digest of what went, `arrived` of what came; `server` where it said so. */
export interface Transferred extends Transfer {
  readonly sent: string
  readonly arrived: string
  readonly arrivedBytes: number
  readonly server?: string
}

const transfers = JSON.parse(process.argv[2]!) as readonly Transfer[]

async function open({ address: host, port }: Transfer) {
  const socket = connect({ host, port, allowHalfOpen: true })
  await once(socket, 'connect')
  return socket
}

async function up(transfer: Transfer): Promise<Transferred> {
  const socket = await open(transfer)
  const [hash, key] = [createHash('sha256'), randomUUID()]
  let answer = ''
  socket.setEncoding('latin1').on('data', (text: string) => (answer += text))
  const end = once(socket, 'end')
  await pipeline(function* () {
    yield Buffer.from('up\n')
    for (const part of bulkStream(key, transfer.bytes)) {
      hash.update(part)
      yield part
    }
  }, socket)
  await end
  const [server = '', bytes, arrived = ''] = answer.trim().split(' ')
  return { ...transfer, server, sent: hash.digest('hex'), arrived, arrivedBytes: Number(bytes) }
}

async function down(transfer: Transfer): Promise<Transferred> {
  const socket = await open(transfer)
  const [hash, key] = [createHash('sha256'), randomUUID()]
  socket.write(`down ${transfer.bytes} ${key}\n`)
  let arrivedBytes = 0
  for await (const part of socket as AsyncIterable<Buffer>) {
    hash.update(part)
    arrivedBytes += part.length
  }
  return { ...transfer, sent: bulkDigest(key, transfer.bytes), arrived: hash.digest('hex'), arrivedBytes }
}

const done = await Promise.all(transfers.map((each) => (each.way === 'up' ? up(each) : down(each))))
process.stdout.write(JSON.stringify(done))
