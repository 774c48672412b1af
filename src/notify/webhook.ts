// An event sent as JSON by HTTP POST. Signed where there is a key: the header `tenbin-signature` is `v1=` and the HMAC-SHA256, in
// hexadecimal, of the header `tenbin-timestamp` (seconds since 1970), a dot, and the body; so a receiver can tell who sent it and
// that it is no old one sent again. Certificates are verified, redirects are not followed, of the answer the status
// counts. `idempotency-key` is the same whenever the same event is sent again.

import { createHmac } from 'node:crypto'
import { request as httpRequest, type IncomingMessage, STATUS_CODES } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { TLSSocket } from 'node:tls'
import type { WebhookJob } from './jobs.ts'
import { done, failed, messageOf, type Outcome, type Step, withoutSecrets } from './outcome.ts'

/** signatureOf a body that is sent at `timestamp`. */
export const signatureOf = (secret: string, timestamp: string, body: string): string =>
  `v1=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`

/** postWebhook: one attempt. Never rejects. */
export function postWebhook(job: WebhookJob): Promise<Outcome> {
  const { url, secret, agent, body, id, ca, timeoutMs } = job
  let step: Step = 'connect'
  return new Promise((resolve) => {
    const timestamp = `${Math.floor(Date.now() / 1000)}`
    const isSecure = url.startsWith('https:')
    const sent = (isSecure ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      agent: false,
      maxHeaderSize: 16 * 1024,
      ...(ca !== undefined && { ca }),
      headers: {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': agent,
        'idempotency-key': id,
        'tenbin-timestamp': timestamp,
        ...(secret !== undefined && { 'tenbin-signature': signatureOf(secret, timestamp, body) }),
      },
    })
    const end = (outcome: Outcome) => {
      clearTimeout(timer)
      sent.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => end(failed(step, `nothing for ${timeoutMs / 1000} s`)), timeoutMs)
    sent.on('socket', (socket) => {
      socket.once('connect', () => {
        step = isSecure ? 'tls' : 'answer'
      })
      ;(socket as TLSSocket).once('secureConnect', () => {
        step = 'answer'
      })
    })
    sent.on('response', (answer) => end(outcomeOf(answer, job.host)))
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const isUnknown = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN'
      end(failed(isUnknown ? 'name' : step, withoutSecrets(messageOf(error), [secret ?? '', url])))
    })
    sent.end(body)
  })
}

/** Statuses of 4xx that are not the request's fault: too slow, too early, too many. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429])

function outcomeOf({ statusCode = 0 }: IncomingMessage, host: string): Outcome {
  const words = `${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim()
  if (statusCode >= 200 && statusCode < 300) return done(`${host} answered ${words}`)
  if (statusCode >= 300 && statusCode < 400)
    return failed('answer', `${words}: redirects are not followed`, true)
  return failed('answer', words, statusCode >= 400 && statusCode < 500 && !LATER.has(statusCode))
}
