// What an HTTP/1.1 server answers, read from a connection in bounds: status and header, then the body in pieces as they
// come, none kept. References: RFC 9112 (messages), RFC 9110 15.2 (informational answers are not the answer).
// Left out: trailers' meaning, compression (none was asked for), anything after the answer.

import type { Reader } from './channel.ts'
import { failed, shown } from './failure.ts'

/** HEADER_LINES: more than any server sends, few enough to bound what is kept. */
const HEADER_LINES = 200

/** INTERIM_HEADS: answers before the answer (100, 103). */
const INTERIM_HEADS = 16

/** HttpHead: names in lower case; of repeated ones the first. */
export interface HttpHead {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
}

/** readHead reads status and header. Throws CHECK_FAILED: cut, too long, or not HTTP. */
export async function readHead(reader: Reader): Promise<HttpHead> {
  for (let count = 0; count <= INTERIM_HEADS; count++) {
    const line = await reader.line()
    const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1]
    if (status === undefined) throw failed(`not HTTP: ${shown(Buffer.from(line, 'latin1'), 40)}`)
    const headers = await readHeaders(reader)
    if (status.startsWith('1') && status !== '101') continue
    return { status: Number(status), headers }
  }
  throw failed(`no answer behind ${INTERIM_HEADS} informational ones`)
}

async function readHeaders(reader: Reader): Promise<Map<string, string>> {
  const headers = new Map<string, string>()
  for (let count = 0; count < HEADER_LINES; count++) {
    const line = await reader.line()
    if (line === '') return headers
    const colon = line.indexOf(':')
    if (colon <= 0) throw failed(`not HTTP: ${shown(Buffer.from(line, 'latin1'), 40)} in its header`)
    const name = line.slice(0, colon).toLowerCase()
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim())
  }
  throw failed(`a header of more than ${HEADER_LINES} lines`)
}

/** readBody: pieces of the body, until its end (RFC 9112 6.3). Throws CHECK_FAILED when it is cut, or not framed right. */
export async function* readBody(
  reader: Reader,
  { status, headers }: HttpHead,
  method: string,
): AsyncGenerator<Buffer> {
  if (method === 'HEAD' || status === 204 || status === 304) return
  if (/\bchunked$/i.test(headers.get('transfer-encoding') ?? '')) {
    yield* readChunks(reader)
    return
  }
  const length = headers.get('content-length')
  if (length === undefined) {
    for (let bytes = await reader.some(); bytes !== undefined; bytes = await reader.some()) yield bytes
    return
  }
  if (!/^\d{1,15}$/.test(length))
    throw failed(`Content-Length is ${shown(Buffer.from(length, 'latin1'), 20)}`)
  yield* readSome(reader, Number(length))
}

async function* readSome(reader: Reader, length: number): AsyncGenerator<Buffer> {
  for (let left = length; left > 0; ) {
    const bytes = await reader.some()
    if (bytes === undefined)
      throw failed(`the server closed the connection ${left} bytes before the end of its answer`)
    yield bytes.subarray(0, left)
    if (bytes.length > left) reader.putBack(bytes.subarray(left))
    left -= bytes.length
  }
}

async function* readChunks(reader: Reader): AsyncGenerator<Buffer> {
  for (;;) {
    const line = await reader.line()
    const size = /^([0-9a-fA-F]{1,8})\s*(?:;|$)/.exec(line)?.[1]
    if (size === undefined) throw failed(`a chunk that begins with ${shown(Buffer.from(line, 'latin1'), 20)}`)
    const length = Number.parseInt(size, 16)
    if (length === 0) return
    yield* readSome(reader, length)
    if ((await reader.line()) !== '') throw failed('a chunk that is longer than it says')
  }
}
