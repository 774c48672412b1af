// A mail, by SMTP (RFC 5321): STARTTLS (RFC 3207), or TLS from the first byte (RFC 8314), login (RFC 4954), by nodemailer. The
// connection is ours, so that all of it ends in time, whatever the server does.

import { connect, type Socket } from 'node:net'
import { createTransport } from 'nodemailer'
import type { MailJob } from './jobs.ts'
import { done, failed, messageOf, type Outcome, type Step, withoutSecrets } from './outcome.ts'

/** ANSWER_LIMIT: bytes of one answer of the server. */
const ANSWER_LIMIT = 64 * 1024

/** sendMail: one attempt. Never rejects. */
export async function sendMail(job: MailJob): Promise<Outcome> {
  const progress: Progress = { step: 'connect' }
  const { host, port, timeoutMs, login } = job
  const secrets = login ? secretsOf(login) : []
  const socket = connect({ host, port })
  // Nobody else listens before nodemailer has it.
  socket.on('error', () => undefined)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve(failed(progress.step, `nothing for ${timeoutMs / 1000} s`)), timeoutMs)
  })
  try {
    return await Promise.race([attempt(job, socket, progress, secrets), late])
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

interface Progress {
  step: Step
}

async function attempt(
  job: MailJob,
  socket: Socket,
  progress: Progress,
  secrets: readonly string[],
): Promise<Outcome> {
  try {
    await connected(socket)
    progress.step = job.tls === 'tls' ? 'tls' : 'greeting'
    const { accepted, rejected } = await transportOf(job, socket, progress).sendMail({
      from: job.from,
      to: job.to,
      subject: job.subject,
      text: job.text,
      messageId: `<${job.id}@${job.from.split('@')[1]}>`,
      // RFC 3834 5: nobody answers it by machine.
      headers: { 'Auto-Submitted': 'auto-generated' },
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    const text = `accepted by ${job.host} for ${accepted.join(', ')}`
    if (rejected.length === 0) return done(text)
    const refused = rejected.join(', ')
    return done(`${text}, refused for ${refused}`, refused)
  } catch (error) {
    return outcomeOf(error as SmtpError, progress.step, secrets)
  }
}

const connected = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })

function transportOf(
  { host, port, tls, ca, login, name, timeoutMs }: MailJob,
  socket: Socket,
  progress: Progress,
) {
  const follow = (entry: { readonly tnx?: string }, text: string) => {
    if (entry.tnx === 'client') progress.step = stepOf(text) ?? progress.step
  }
  const ignore = () => undefined
  return createTransport({
    host,
    port,
    name,
    connection: socket,
    secure: tls === 'tls',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(login && { auth: { user: login.user, pass: login.password } }),
    tls: { servername: host, ...(ca !== undefined && { ca }) },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    socketCloseTimeout: 0,
    maxResponseSize: ANSWER_LIMIT,
    transactionLog: true,
    logger: {
      level: ignore,
      trace: ignore,
      debug: follow,
      info: follow,
      warn: ignore,
      error: ignore,
      fatal: ignore,
    },
  })
}

/** stepOf: what a command of SMTP is for. */
function stepOf(command: string): Step | undefined {
  const [verb = ''] = command.toUpperCase().split(/[\s:]/)
  if (verb === 'EHLO' || verb === 'HELO') return 'greeting'
  if (verb === 'STARTTLS') return 'tls'
  if (verb === 'AUTH') return 'login'
  if (verb === 'MAIL' || verb === 'RCPT') return 'recipients'
  return verb === 'DATA' ? 'message' : undefined
}

interface SmtpError extends Error {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
}

const steps: Readonly<Record<string, Step>> = {
  EDNS: 'name',
  ENOTFOUND: 'name',
  EAI_AGAIN: 'name',
  EAUTH: 'login',
  ETLS: 'tls',
  EENVELOPE: 'recipients',
  EMESSAGE: 'message',
}

function outcomeOf(error: SmtpError, at: Step, secrets: readonly string[]): Outcome {
  const { code = '', command, responseCode = 0 } = error
  const isData = command === 'DATA'
  const step = isData ? 'message' : (steps[code] ?? (/CERT|TLS|SSL/.test(code) ? 'tls' : at))
  const isFinal = (step === 'recipients' || step === 'message') && responseCode >= 500
  return failed(step, withoutSecrets(messageOf(error), secrets), isFinal)
}

/** secretsOf: in the forms in which a server may repeat them (AUTH PLAIN and LOGIN). */
function secretsOf({ user, password }: { readonly user: string; readonly password: string }): string[] {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return [base64(`\0${user}\0${password}`), base64(password), password]
}
