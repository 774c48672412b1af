// Requests to the daemon over its Unix socket. An answer is bounded in size and time, and is used only if it is
// what the API's schema says; everything else is an error with a remedy, never a hang or a stack trace.

import { type IncomingMessage, request } from 'node:http'
import type { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { errorSchema, type Problem } from '../daemon/api-schema.ts'

const TIMEOUT_MS = 30_000
const ANSWER_MAX = 64 * 1024 * 1024

/** DaemonRefusal: the daemon answered, with an error of its own: its code, words and remedy. */
export class DaemonRefusal extends Error {
  override readonly name = 'DaemonRefusal'
  readonly code: string
  readonly remedy: string
  readonly problems: readonly Problem[]

  constructor({ code, message, remedy, problems = [] }: z.infer<typeof errorSchema>['error']) {
    super(message)
    this.code = code
    this.remedy = remedy
    this.problems = problems
  }
}

/** Call: one request. `path` is a route's, `reply` its schema. */
export interface Call<Reply extends z.ZodType> {
  readonly method?: 'GET' | 'POST'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** body: sent as JSON. */
  readonly body?: unknown
  readonly reply: Reply
  /** Of the answer; 30 s if absent. */
  readonly timeoutMs?: number
}

/**
 * callDaemon asks and reads the answer. Throws DaemonRefusal, DAEMON_ABSENT (nobody answers at the socket),
 * NOT_PERMITTED (may not connect), DAEMON_ANSWER (no sensible answer in time).
 */
export async function callDaemon<Reply extends z.ZodType>(
  socketPath: string,
  call: Call<Reply>,
): Promise<z.output<Reply>> {
  const { status, text } = await exchange(socketPath, call)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch (cause) {
    throw unusable(call, 'it is no JSON', cause)
  }
  if (status !== 200) throw refusalOf(call, body, status)
  const read = call.reply.safeParse(body)
  if (read.success) return read.data
  throw unusable(call, `it is not what this version expects (${read.error.issues[0]?.path.join('.')})`)
}

/** refusalOf: the error that an answer with another status than 200 is. */
export function refusalOf(call: Pick<Call<z.ZodType>, 'path'>, body: unknown, status: number): Error {
  const refusal = errorSchema.safeParse(body)
  return refusal.success ? new DaemonRefusal(refusal.data.error) : unusable(call, `HTTP status ${status}`)
}

/** unusable: there was an answer that makes no sense. */
export const unusable = (call: Pick<Call<z.ZodType>, 'path'>, detail: string, cause?: unknown): TenbinError =>
  new TenbinError('DAEMON_ANSWER', `ask the daemon for ${call.path}`, { detail, cause })

interface Answer {
  readonly status: number
  readonly text: string
}

function exchange(socketPath: string, call: Call<z.ZodType>): Promise<Answer> {
  const query = new URLSearchParams(call.query).toString()
  const path = query === '' ? call.path : `${call.path}?${query}`
  const { timeoutMs = TIMEOUT_MS } = call
  const body = call.body === undefined ? undefined : JSON.stringify(call.body)
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        socketPath,
        path,
        method: call.method ?? 'GET',
        headers: { host: 'tenbin', ...(body !== undefined && { 'content-type': 'application/json' }) },
        timeout: timeoutMs,
        agent: false,
      },
      (answer) => {
        collect(answer, call).then(resolve, (cause: Error) =>
          reject(cause instanceof TenbinError ? cause : unusable(call, cause.message, cause)),
        )
      },
    )
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)))
    sent.on('error', (cause) => reject(connectError(socketPath, call, cause)))
    sent.end(body)
  })
}

async function collect(answer: IncomingMessage, call: Call<z.ZodType>): Promise<Answer> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of answer as AsyncIterable<Buffer>) {
    length += part.length
    if (length > ANSWER_MAX) throw unusable(call, `it is larger than ${ANSWER_MAX} bytes`)
    parts.push(part)
  }
  return { status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString('utf8') }
}

/** connectError: what kept a request from being answered. */
export function connectError(
  socketPath: string,
  call: Pick<Call<z.ZodType>, 'path'>,
  cause: Error,
): TenbinError {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK' || code === 'ENOTDIR') {
    return new TenbinError('DAEMON_ABSENT', 'ask the daemon', {
      detail: `nobody answers at ${socketPath}`,
      cause,
    })
  }
  if (code === 'EACCES' || code === 'EPERM') {
    const detail = `${socketPath} may not be opened by this user`
    return new TenbinError('NOT_PERMITTED', 'ask the daemon', { detail, cause })
  }
  return unusable(call, cause.message, cause)
}
