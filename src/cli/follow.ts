// A stream of JSON lines from the daemon, read until it ends. A line is bounded, one that is not of the schema is an
// error, and so is a daemon that says nothing for longer than it may.

import { type IncomingMessage, request } from 'node:http'
import { TenbinError } from '../base/errors.ts'
import { type EventLine, eventLineSchema } from '../daemon/api-events.ts'
import { connectError, DaemonRefusal, refusalOf, unusable } from './client.ts'

/** SILENCE_MS: the daemon says at least that it is there three times as often. */
const SILENCE_MS = 30_000
const LINE_MAX = 1024 * 1024

const call = { path: '/v1/events/stream' }

/**
 * followEvents reads the stream and hands on its lines; resolves when it ends. Throws DaemonRefusal, DAEMON_ABSENT,
 * NOT_PERMITTED, DAEMON_ANSWER (silent, or no sensible line).
 */
export function followEvents(
  socketPath: string,
  query: Readonly<Record<string, string>>,
  onLine: (line: EventLine) => void,
): Promise<void> {
  const path = `${call.path}?${new URLSearchParams(query)}`
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, headers: { host: 'tenbin' }, agent: false }, (answer) => {
      read(answer, onLine).then(resolve, (error: Error) => {
        sent.destroy()
        const isTold = error instanceof TenbinError || error instanceof DaemonRefusal
        reject(isTold ? error : unusable(call, error.message, error))
      })
    })
    sent.setTimeout(SILENCE_MS, () => sent.destroy(new Error(`nothing for ${SILENCE_MS / 1000} s`)))
    sent.on('error', (cause) => reject(connectError(socketPath, call, cause)))
    sent.end()
  })
}

async function read(answer: IncomingMessage, onLine: (line: EventLine) => void): Promise<void> {
  const { statusCode = 0 } = answer
  answer.setEncoding('utf8')
  let rest = ''
  try {
    for await (const part of answer as AsyncIterable<string>) {
      rest += part
      if (statusCode === 200) {
        const lines = rest.split('\n')
        rest = lines.pop()!
        for (const line of lines) onLine(eventLineSchema.parse(JSON.parse(line)))
      }
      if (rest.length > LINE_MAX) throw unusable(call, `a line is longer than ${LINE_MAX} characters`)
    }
  } catch (error) {
    // A daemon that ends cuts the stream short.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
  }
  if (statusCode !== 200) throw refusalOf(call, JSON.parse(rest), statusCode)
}
