// What the API says and takes, as zod schemas: the server answers by them, the command reads by them, and the API
// document is made from them. Counters are decimal strings: a JSON number loses counts above 2^53. Addresses are
// text; times are ISO 8601 in UTC. Fields are only ever added within /v1.

import { z } from 'zod'
import { type Endpoint, isIp4, tryEndpoint } from '../base/addresses.ts'

const count = z.string().regex(/^\d+$/).describe('a counter, in decimal: may exceed 2^53')
const address = z.string().describe('an IPv4 or IPv6 address')
const listener = z.string().describe('192.0.2.1:80, [2001:db8::1]:80; /udp behind it where it is not TCP')
const instructions = z
  .int()
  .describe('as the kernel runs them: with what it inlines, a few more than `tenbin check` counts')
const traffic = { packets: count, bytes: count.describe('IP bytes, without Ethernet') }

/** endpointText: `192.0.2.1:80` or `[2001:db8::1]:80`, read into an Endpoint. */
export const endpointText = z
  .string()
  .max(64)
  .transform((text, context): Endpoint => {
    const endpoint = tryEndpoint(text)
    if (endpoint) return endpoint
    context.addIssue({ code: 'custom', message: 'write ADDRESS:PORT, 192.0.2.1:80 or [2001:db8::1]:80' })
    return z.NEVER
  })

/** problem: what is wrong and what to do; `file`, `line`, `column` where it is the file's fault. */
export const problemSchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
})
export type Problem = z.infer<typeof problemSchema>

/** errorSchema: the body of every answer that is not 2xx. `problems` when there are several. */
export const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    remedy: z.string(),
    problems: z.array(problemSchema).optional(),
  }),
})
export type ApiError = z.infer<typeof errorSchema>

export const versionSchema = z.object({
  name: z.literal('tenbin'),
  version: z.string(),
  api: z.literal('v1'),
  pid: z.int(),
})

export const serverSchema = z.object({
  name: z.string(),
  address,
  mac: z.string().optional().describe('absent while the server is unusable'),
  why: z.string().optional().describe('why it is unusable'),
  share: z.number().min(0).max(1).describe('part of all slots of its pools that it holds now'),
  ...traffic,
})

export const serviceSchema = z.object({
  name: z.string(),
  listeners: z.array(listener),
  pool: z.string(),
  servers: z.array(z.object({ name: z.string(), weight: z.number() })),
  ...traffic,
})

export const statusSchema = z.object({
  version: z.string(),
  instance: z.string(),
  pid: z.int(),
  startedAt: z.string(),
  state: z.enum(['waiting', 'forwarding']).describe('waiting: nothing is applied yet, see problems'),
  node: z.string().optional(),
  file: z.object({ path: z.string(), appliedAt: z.string().optional() }),
  lastReload: z
    .object({ at: z.string(), done: z.boolean(), problems: z.array(problemSchema) })
    .optional()
    .describe('the last attempt to apply a changed file'),
  problems: z.array(problemSchema).describe('what is not as the file has it, now'),
  interface: z
    .object({
      name: z.string(),
      index: z.int(),
      mac: z.string(),
      mtu: z.int(),
      up: z.boolean(),
      mode: z.enum(['native', 'generic']),
    })
    .optional(),
  program: z
    .object({
      engine: z.literal('xdp'),
      id: z.int(),
      instructions,
      loadMs: z.number(),
      generation: z.int(),
      memoryBytes: z.int(),
    })
    .optional(),
  addresses: z.array(
    z.object({
      address,
      prefix: z.int(),
      interface: z.string(),
      present: z.boolean(),
      owned: z.boolean().describe('put there by this instance: `tenbin down` removes it'),
    }),
  ),
  services: z.array(serviceSchema),
  servers: z.array(serverSchema),
  outcomes: z.record(z.string(), count).describe('packets by outcome, docs/counters.md'),
})
export type Status = z.infer<typeof statusSchema>

const protocol = z.enum(['tcp', 'udp'])

export const traceQuery = z
  .strictObject({ client: endpointText, listener: endpointText, protocol: protocol.default('tcp') })
  .refine(({ client, listener }) => isIp4(client.address) === isIp4(listener.address), {
    message: 'client and listener are of two families: a packet has addresses of one',
  })

export const traceSchema = z.object({
  client: z.string(),
  listener,
  protocol,
  outcome: z.string(),
  service: z.string().optional(),
  pool: z.string().optional(),
  slot: z.object({ index: z.int(), of: z.int(), hash: z.int() }).optional(),
  server: z.string().optional(),
  mac: z.string().optional(),
  steps: z.array(z.string()),
})
export type TraceAnswer = z.infer<typeof traceSchema>

export const reloadSchema = z.object({
  change: z.enum(['taken-over', 'replaced', 'created']),
  generation: z.int(),
  instructions,
  loadMs: z.number(),
  notes: z.array(z.string()),
})
export type ReloadAnswer = z.infer<typeof reloadSchema>

export const listingSchema = z.object({
  generation: z.int(),
  lines: z.array(z.string()).describe('the program, one instruction or source line each'),
})
export type ListingAnswer = z.infer<typeof listingSchema>
