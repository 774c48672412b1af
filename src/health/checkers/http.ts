// http and https: a request, and what must be right about the answer: its status, a pattern in its body, or the body's
// digest. Its idea: what decides is read and no more; a check of the status alone ends with the header, whatever body
// follows. HTTP/1.1 over raw connections (thousands a second), over TLS where asked; HTTP/2 is http2.ts's.
// References: RFC 9110, RFC 9112.

import { createHash } from 'node:crypto'
import type { Pattern } from '../../base/pattern.ts'
import { type Channel, Reader } from '../channel.ts'
import { bad, type Checker, good, type Target, type Verdict } from '../checker.ts'
import { Expectation } from '../expect.ts'
import { failed } from '../failure.ts'
import { readBody, readHead } from '../http-answer.ts'
import type { Look } from '../look.ts'
import { NodeChannel } from '../node-channel.ts'
import { connectTo } from '../tcp-channel.ts'
import { connectTls, type TlsOptions } from '../tls-channel.ts'

/** StatusRange: both ends included. */
export interface StatusRange {
  readonly from: number
  readonly to: number
}

/** HttpExpectation: what must be right about an answer. */
export interface HttpExpectation {
  readonly status: readonly StatusRange[]
  readonly body?: Pattern
  /** SHA-256 of the body, hexadecimal, lower case. */
  readonly digest?: string
}

/** HttpOptions: what is asked for, and what must be right about the answer. */
export interface HttpOptions extends HttpExpectation {
  readonly method: string
  readonly path: string
  /** Of the Host header. */
  readonly host: string
  /** More headers, none of them Host, Connection or User-Agent. */
  readonly headers?: Readonly<Record<string, string>>
  /** https. */
  readonly tls?: TlsOptions
}

/** DIGEST_LIMIT: bytes of a body of which a digest is made. */
export const DIGEST_LIMIT = 2 ** 20

/** http: a checker of one target. */
export function http(target: Target, options: HttpOptions): Checker {
  const request = encodeRequest(options)
  return async (look) => {
    if (!options.tls) return exchange(look, await connectTo(look, target), request, options)
    const { socket, warning } = await connectTls(look, target, { ...options.tls, protocols: ['http/1.1'] })
    const verdict = await exchange(look, new NodeChannel(look, socket), request, options)
    return warning === undefined ? verdict : { ...verdict, warning }
  }
}

function encodeRequest({ method, path, host, headers = {} }: HttpOptions): Buffer {
  const all = { Host: host, 'User-Agent': 'tenbin', Accept: '*/*', ...headers, Connection: 'close' }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
}

async function exchange(
  look: Look,
  channel: Channel,
  request: Buffer,
  options: HttpOptions,
): Promise<Verdict> {
  look.doing = 'send'
  await channel.write(request)
  look.doing = 'answer'
  const reader = new Reader(channel, 8192)
  const head = await readHead(reader)
  const wrong = wrongStatus(head.status, options.status)
  if (wrong) return bad(wrong)
  if (options.body === undefined && options.digest === undefined) return good(`${head.status}`)
  look.doing = 'body'
  return judgeBody(head.status, readBody(reader, head, options.method), options)
}

/** wrongStatus: what is wrong with a status, if anything. */
export function wrongStatus(status: number, ranges: readonly StatusRange[]): string | undefined {
  if (ranges.some(({ from, to }) => status >= from && status <= to)) return undefined
  const words = ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}..${to}`)).join(', ')
  return `status ${status}, expected ${words}`
}

/** judgeBody reads as much of a body as decides. Throws CHECK_FAILED when it is cut before. */
export async function judgeBody(
  status: number,
  pieces: AsyncIterable<Uint8Array>,
  { body, digest }: HttpExpectation,
): Promise<Verdict> {
  const expectation = body && new Expectation(body)
  const hash = digest === undefined ? undefined : createHash('sha256')
  let verdict: Verdict | undefined
  let length = 0
  for await (const piece of pieces) {
    verdict ??= expectation?.feed(piece)
    if (verdict && (verdict.outcome === 'bad' || !hash)) break
    length += piece.length
    if (hash && length > DIGEST_LIMIT) throw failed(`a body of more than ${DIGEST_LIMIT >> 20} MiB`)
    hash?.update(piece)
  }
  verdict ??= expectation?.end()
  if (verdict?.outcome === 'bad') return bad(`body: ${verdict.text}`)
  const actual = hash?.digest('hex')
  if (actual !== digest)
    return bad(`body: its SHA-256 is ${actual?.slice(0, 16)}…, expected ${digest?.slice(0, 16)}…`)
  return good(`${status}, body as expected`)
}
