// Joining: the side that has a word of invitation. It asks over TLS without knowing whom, and both ends prove that they know
// the word's secret, bound to this one connection; nobody in between can do that for another. Only then do the keys come,
// and they are kept in one step: a join that was cut off has not happened, and can be made again by the same word.

import { timingSafeEqual } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { formatEndpoint, formatIp } from '../base/addresses.ts'
import { TenbinError } from '../base/errors.ts'
import { errorOf } from './error-words.ts'
import { joinAnswerSchema, proofOf } from './invitations.ts'
import type { ClusterKeys } from './key-file.ts'
import { JOIN_LABEL, JOIN_PATH } from './reception.ts'
import { openTls } from './tls-client.ts'
import type { Word } from './word.ts'

const JOIN_MS = 10_000
const ANSWER_MAX = 4096

/** join asks for the keys. Throws CLUSTER_JOIN_REFUSED, PEER_UNREACHABLE, PEER_ANSWER. */
export async function join(word: Word): Promise<ClusterKeys> {
  const { node, at, from, key } = word
  const op = `join ${formatEndpoint(at)} as ${node}`
  // Who it is is proven by the word.
  const socket = openTls({ from, to: at })
  const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${JOIN_MS / 1000} s`)), JOIN_MS)
  try {
    await secured(socket)
    const bound = socket.exportKeyingMaterial(32, JOIN_LABEL, Buffer.alloc(0))
    const { status, body } = await post(socket, {
      node,
      proof: proofOf(key, 'joins', bound).toString('base64'),
    })
    if (status !== 200) throw errorOf(body, status, op)
    return keysOf(body, word, bound, op)
  } catch (cause) {
    if (cause instanceof TenbinError) throw cause
    throw new TenbinError('PEER_UNREACHABLE', op, {
      detail: whyOf(cause as NodeJS.ErrnoException, word),
      cause,
    })
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

function keysOf(body: Buffer, { node, key }: Word, bound: Uint8Array, op: string): ClusterKeys {
  const read = joinAnswerSchema.safeParse(JSON.parse(body.toString('utf8')))
  if (!read.success) throw new TenbinError('PEER_ANSWER', op, { detail: 'its answer cannot be read' })
  const { proof, secret, current, next, previous } = read.data
  const wanted = proofOf(key, 'invites', bound)
  const given = Buffer.from(proof, 'base64')
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted))
    throw new TenbinError('CLUSTER_JOIN_REFUSED', op, {
      detail:
        'who answers there does not know the word: another machine has that address, or listens in between',
    })
  const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'))
  return {
    node,
    secret: bytes(secret),
    current: bytes(current),
    ...(next !== undefined && { next: bytes(next) }),
    ...(previous !== undefined && { previous: bytes(previous) }),
  }
}

const secured = (socket: TLSSocket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject)
    socket.once('close', () => reject(Object.assign(new Error('closed'), { code: 'ECONNRESET' })))
  })

function post(socket: TLSSocket, value: object): Promise<{ readonly status: number; readonly body: Buffer }> {
  const body = JSON.stringify(value)
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        createConnection: () => socket,
        host: 'node',
        path: JOIN_PATH,
        method: 'POST',
        headers: { 'content-length': Buffer.byteLength(body), connection: 'close' },
      },
      (answer) =>
        collect(answer).then((read) => resolve({ status: answer.statusCode ?? 0, body: read }), reject),
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

async function collect(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length
    if (length > ANSWER_MAX) throw new Error(`an answer of more than ${ANSWER_MAX} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function whyOf({ code = '', message }: NodeJS.ErrnoException, { at, from }: Word): string {
  const where = formatEndpoint(at)
  if (code === 'ECONNREFUSED')
    return `nobody listens at ${where}: the daemon has to run on the node that invites`
  if (code === 'EADDRNOTAVAIL')
    return `this machine does not have ${formatIp(from)}: the word is for another one`
  if (code === 'ECONNRESET')
    return `${where} takes no connection from ${formatIp(from)}: its daemon’s file must have that node`
  return `${where}: ${message}`
}
