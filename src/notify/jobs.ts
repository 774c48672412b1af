// What main and the process that sends say to each other, by its standard input and output: JSON, one message a line.

import { z } from 'zod'
import { outcomeSchema } from './outcome.ts'

const base = { host: z.string(), ca: z.string().exactOptional(), timeoutMs: z.int().min(1) }

/** mailJobSchema: `name`: what this machine calls itself. */
export const mailJobSchema = z.strictObject({
  ...base,
  kind: z.literal('mail'),
  port: z.int(),
  tls: z.enum(['starttls', 'tls', 'none']),
  login: z.strictObject({ user: z.string(), password: z.string() }).exactOptional(),
  name: z.string(),
  from: z.string(),
  to: z.array(z.string()),
  subject: z.string(),
  text: z.string(),
  id: z.string(),
})
export type MailJob = z.infer<typeof mailJobSchema>

/** webhookJobSchema: `host` is of the URL; `id` the same whenever the same is sent again. */
export const webhookJobSchema = z.strictObject({
  ...base,
  kind: z.literal('webhook'),
  url: z.string(),
  secret: z.string().exactOptional(),
  agent: z.string(),
  body: z.string(),
  id: z.string(),
})
export type WebhookJob = z.infer<typeof webhookJobSchema>

export const jobSchema = z.discriminatedUnion('kind', [mailJobSchema, webhookJobSchema])
export type Job = z.infer<typeof jobSchema>

/** askedSchema: what main says. */
export const askedSchema = z.strictObject({ number: z.int(), job: jobSchema })
/** answeredSchema: what it hears. */
export const answeredSchema = z.strictObject({ number: z.int(), outcome: outcomeSchema })
