// A stream of JSON lines from the daemon, read until it ends. A line is bounded, one that is not of the schema is an
// error, and so is a daemon that says nothing for longer than it may.

import { type IncomingMessage, request } from 'node:http'
import type { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { type EventLine, eventLineSchema } from '../daemon/api-events.ts'
import { connectError, DaemonRefusal, refusalOf, unusable } from './client.ts'

/** SILENCE_MS: the daemon says at least that it is there three times as often. */
const SILENCE_MS = 30_000
const LINE_MAX = 1024 * 1024

/** LinesCall: a stream of the API. `signal`: aborted, it ends there. */
export interface LinesCall {
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/**
 * followLines reads a stream and hands on its lines; resolves when it ends, or when `onLine` says false: enough. Throws
 * DaemonRefusal, DAEMON_ABSENT, NOT_PERMITTED, DAEMON_ANSWER (silent, or no sensible line), and what `onLine` throws.
 */
export function followLines<Line>(
  socketPath: string,
  call: LinesCall,
  schema: z.ZodType<Line>,
  onLine: (line: Line) => unknown,
): Promise<void> {
  const path = `${call.path}?${new URLSearchParams(call.query)}`
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, headers: { host: 'tenbin' }, agent: false }, (answer) => {
      read(answer, call, schema, onLine).then(
        () => {
          resolve()
          sent.destroy()
        },
        (error: Error) => {
          sent.destroy()
          const isTold = error instanceof TenbinError || error instanceof DaemonRefusal
          reject(isTold ? error : unusable(call, error.message, error))
        },
      )
    })
    sent.setTimeout(SILENCE_MS, () => sent.destroy(new Error(`nothing for ${SILENCE_MS / 1000} s`)))
    call.signal?.addEventListener('abort', () => {
      resolve()
      sent.destroy()
    })
    sent.on('error', (cause) => reject(connectError(socketPath, call, cause)))
    sent.end()
  })
}

/** followEvents: the stream of events. */
export const followEvents = (
  socketPath: string,
  query: Readonly<Record<string, string>>,
  onLine: (line: EventLine) => void,
): Promise<void> => followLines(socketPath, { path: '/v1/events/stream', query }, eventLineSchema, onLine)

async function read<Line>(
  answer: IncomingMessage,
  call: LinesCall,
  schema: z.ZodType<Line>,
  onLine: (line: Line) => unknown,
): Promise<void> {
  const { statusCode = 0 } = answer
  answer.setEncoding('utf8')
  let rest = ''
  try {
    for await (const part of answer as AsyncIterable<string>) {
      rest += part
      if (statusCode === 200) {
        const lines = rest.split('\n')
        rest = lines.pop()!
        for (const line of lines) if (onLine(schema.parse(JSON.parse(line))) === false) return
      }
      if (rest.length > LINE_MAX) throw unusable(call, `a line is longer than ${LINE_MAX} characters`)
    }
  } catch (error) {
    // A daemon that ends cuts the stream short.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
  if (statusCode !== 200) throw refusalOf(call, JSON.parse(rest), statusCode)
}
