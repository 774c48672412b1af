// What came of one attempt to tell somebody, in words for an operator.

import { z } from 'zod'

/**
 * outcomeSchema: `step`: what was being done when it failed; `isFinal`: the same again will be refused again. `refused`: of
 * several who were to be told these were not, and why no one knows: the others would be told again.
 */
export const outcomeSchema = z.discriminatedUnion('isDone', [
  z.strictObject({ isDone: z.literal(true), text: z.string(), refused: z.string().exactOptional() }),
  z.strictObject({
    isDone: z.literal(false),
    step: z.enum([
      'secret',
      'name',
      'connect',
      'greeting',
      'tls',
      'login',
      'recipients',
      'message',
      'answer',
      'run',
      'process',
    ]),
    text: z.string(),
    isFinal: z.boolean(),
  }),
])
export type Outcome = z.infer<typeof outcomeSchema>
export type Step = Extract<Outcome, { isDone: false }>['step']

export const done = (text: string, refused?: string): Outcome => ({
  isDone: true,
  text,
  ...(refused !== undefined && { refused }),
})

export const failed = (step: Step, text: string, isFinal = false): Outcome => ({
  isDone: false,
  step,
  text,
  isFinal,
})

/** stepWords: how a step is called. */
export const stepWords: Readonly<Record<Step, string>> = {
  secret: 'the secret',
  name: 'the name of the host',
  connect: 'connecting',
  greeting: "the server's greeting",
  tls: 'TLS',
  login: 'the login',
  recipients: 'sender and recipients',
  message: 'the message',
  answer: 'the answer',
  run: 'the script',
  process: 'the process that sends',
}

/** remedies: what to do about a step that failed. */
export const remedies: Readonly<Record<Step, string>> = {
  secret:
    'see that the file or variable that the entry names is there, and that the file is read by root alone',
  name: 'see that the host of the entry is spelled right, and that this machine can resolve names',
  connect: 'see that the host listens on that port, and that nothing between refuses or drops it',
  greeting: 'see that host and port are of an SMTP server, and that tls is what that port speaks',
  tls: 'see that tls is what the server offers, that its certificate is for the host of the entry, and who issued it (ca)',
  login: 'see that user and password are right, and that the server lets this machine log in',
  recipients: 'see that the server accepts mail from `from` to these addresses',
  message: 'see what the server said: size, rate or content',
  answer: 'see what the receiver logs; a redirect is not followed: write the address that it leads to',
  run: 'run the script by hand as its user, with an event of `tenbin events --json` on its standard input',
  process: 'read what it said in the log; it is started again by itself',
}

/** outcomeText: one line of it. */
export const outcomeText = (outcome: Outcome): string =>
  outcome.isDone ? outcome.text : `${stepWords[outcome.step]}: ${outcome.text}`

/** messageOf an error; where each address of a host was tried, Node has one for each, and none for all. */
export const messageOf = (error: Error): string =>
  error instanceof AggregateError && error.message === ''
    ? error.errors.map(({ message }: Error) => message).join(', ')
    : error.message

/** withoutSecrets: a text of somebody else's that may repeat what it was told. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  let cleaned = text
  for (const secret of secrets) if (secret !== '') cleaned = cleaned.replaceAll(secret, '(secret)')
  const cut = cleaned.length > 200 ? `${cleaned.slice(0, 200)}…` : cleaned
  return cut.replace(/\p{Cc}+|[\u2028\u2029]/gu, ' ').trim()
}
