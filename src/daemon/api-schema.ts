// What the API says and takes, as zod schemas: the server answers by them, the command reads by them, and the API
// document is made from them. Counters are decimal strings: a JSON number loses counts above 2^53. Addresses are
// text; times are ISO 8601 in UTC. Fields are only ever added within /v1.

import { z } from 'zod'
import { type Endpoint, isIp4, tryEndpoint } from '../base/addresses.ts'
import { durationText } from './api-duration.ts'
import { floodStatusSchema } from './api-flood-status.ts'
import { checkerSchema } from './api-schema-checks.ts'
import { peerSchema } from './api-schema-peers.ts'
import { setSchema, vrrpSchema } from './api-schema-roles.ts'
import { sharingSchema } from './api-schema-sharing.ts'

const count = z.string().regex(/^\d+$/).describe('a counter, in decimal: may exceed 2^53')
const address = z.string().describe('an IPv4 or IPv6 address')
const listener = z.string().describe('192.0.2.1:80, [2001:db8::1]:80; /udp behind it where it is not TCP')
const orderWord = z.enum(['ready', 'drained', 'disabled'])
const instructions = z
  .int()
  .describe('as the kernel runs them: with what it inlines, a few more than `tenbin check` counts')
const traffic = { packets: count, bytes: count.describe('IP bytes, without Ethernet') }

const rate = z
  .object({ packets: z.number(), bits: z.number().describe('of IP packets, without Ethernet') })
  .optional()
  .describe('a second, over the last four; absent until counters were read twice')

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
  interface: z.string().optional().describe('by which it is reached; absent while it is unusable'),
  why: z.string().optional().describe('why it is unusable'),
  share: z.number().min(0).max(1).describe('part of all slots of its pools that it holds now'),
  flows: z.int().describe('remembered flows that are with it'),
  ...traffic,
  rate,
})

/** poolServerSchema: a server as one pool sees it. */
export const poolServerSchema = z.object({
  name: z.string(),
  state: z
    .enum(['up', 'draining', 'drained', 'disabled', 'failed', 'unreachable', 'off'])
    .describe('drained: no flow of it is left; off: the file gives it weight 0'),
  sorry: z.literal(true).optional().describe("a sorry server: it has a share while the pool's own have none"),
  weight: z.int().describe('what counts now'),
  configured: z.int().describe('what the file says'),
  share: z.number().min(0).max(1).describe("part of this pool's slots that it holds now"),
  flows: z.int().describe("remembered flows of this pool's services that are with it"),
  check: z
    .object({
      state: z
        .enum(['unknown', 'up', 'down', 'held'])
        .describe('unknown: not looked at yet; held: failed, and not believed by the guard'),
      since: z.string().optional(),
      why: z.string().optional().describe('of down: what was found; of others: why looks find nothing'),
      warning: z.string().optional().describe('nothing wrong yet: a certificate that expires soon'),
      isOverdue: z.boolean().optional().describe('it stands still; told of 20 checks at most'),
    })
    .optional()
    .describe('absent: it is not checked'),
  active: z.int().optional().describe('connections from their SYN on; where a scheduler looks at them'),
  inactive: z.int().optional().describe('those of which a FIN or RST was seen'),
  drain: z
    .object({
      since: z.string().optional(),
      deadline: z.string().optional().describe('from then on it is as if disabled'),
      silentS: z.number().optional().describe('since the last packet of the flows that are left'),
    })
    .optional(),
})

export const poolSchema = z.object({
  name: z.string(),
  services: z.array(z.string()),
  sorry: z.literal(true).optional().describe('its sorry servers take what is new'),
  quorum: z
    .object({
      state: z.enum(['unknown', 'there', 'lost']).describe('unknown: first looks are awaited'),
      present: z.int().describe('weights of the servers that are up'),
      up: z.int().describe('a lost quorum is back with so much'),
      down: z.int().describe('it is lost with less than this'),
    })
    .optional()
    .describe('absent: no check moves its servers'),
  slots: z.int(),
  young: z.int().describe('slots that changed hands lately: their flows are looked up'),
  servers: z.array(poolServerSchema),
})

/** overrideSchema: what an operator said of a server. */
export const overrideSchema = z.object({
  server: z.string(),
  service: z.string().optional().describe('absent: of all pools that have the server'),
  order: orderWord.optional(),
  weight: z.int().optional(),
  since: z.string(),
  deadline: z.string().optional(),
})

export const serviceSchema = z.object({
  name: z.string(),
  listeners: z.array(listener),
  pool: z.string(),
  servers: z.array(z.object({ name: z.string(), weight: z.number() })),
  track: z.enum(['none', 'changes', 'all']),
  flows: z.int().describe('remembered flows: all with track all, else those whose server changed'),
  persistence: z
    .object({
      timeout: z.int().describe('seconds'),
      network: z.int().describe('bits of an IPv4 address'),
      network6: z.int().describe('bits of an IPv6 address'),
      networks: z.int().describe('how many are kept with a server'),
    })
    .optional()
    .describe('client networks that keep their server; absent: none do'),
  ...traffic,
  rate,
})

export const sysctlSchema = z.object({
  name: z.string(),
  wanted: z.int().describe('what the file says'),
  value: z.string().optional().describe('what it is; absent: it does not exist here'),
  before: z.string().optional().describe('what `tenbin down` sets it back to; absent: it was so before'),
})
export type SysctlStatus = z.infer<typeof sysctlSchema>

export const statusSchema = z.object({
  version: z.string(),
  instance: z.string(),
  pid: z.int(),
  startedAt: z.string(),
  state: z.enum(['waiting', 'forwarding']).describe('waiting: nothing is applied yet, see problems'),
  node: z.string().optional(),
  file: z.object({ path: z.string(), appliedAt: z.string().optional() }),
  revision: z
    .object({
      number: z.int(),
      id: z.string(),
      at: z.string(),
      who: z.string(),
      why: z.string(),
      confirmUntil: z.string().optional().describe('if it is not confirmed until then, it is taken back'),
    })
    .optional()
    .describe('the one that counts; absent: nothing was applied yet'),
  lastReload: z
    .object({ at: z.string(), done: z.boolean(), problems: z.array(problemSchema) })
    .optional()
    .describe('the last attempt to apply a changed file'),
  problems: z.array(problemSchema).describe('what is not as the file has it, now'),
  checker: checkerSchema.optional().describe('absent: nothing is checked'),
  interfaces: z
    .array(
      z.object({
        name: z.string(),
        index: z.int(),
        mac: z.string(),
        mtu: z.int(),
        up: z.boolean(),
        mode: z.enum(['native', 'generic']),
        programId: z.int(),
        instructions,
        loadMs: z.number(),
      }),
    )
    .describe('those that forward, each by a program of its own'),
  program: z
    .object({
      engine: z.literal('xdp'),
      generation: z.int(),
      memoryBytes: z.int(),
      maps: z.array(z.object({ name: z.string(), bytes: z.int() })),
    })
    .optional(),
  addresses: z.array(
    z.object({
      address,
      prefix: z.int(),
      interface: z.string(),
      present: z.boolean(),
      owned: z.boolean().describe('put there by this instance: `tenbin down` removes it'),
      set: z.string().describe('the address set that it is of'),
    }),
  ),
  peers: z.array(peerSchema).optional().describe('the other nodes; absent: this node is in no cluster'),
  sets: z.array(setSchema).describe('address sets of the file'),
  vrrp: vrrpSchema.optional().describe('absent: no address set moves'),
  maintenance: z.object({ since: z.string() }).optional().describe('this node takes no role'),
  sharing: z
    .array(sharingSchema)
    .optional()
    .describe('what each other node is told of flows; absent: there is none'),
  flood: floodStatusSchema
    .optional()
    .describe('floods and what is done against them; absent: the file says off'),
  sysctls: z.array(sysctlSchema).optional().describe('kernel settings of the file, if it has any'),
  services: z.array(serviceSchema),
  servers: z.array(serverSchema),
  pools: z.array(poolSchema),
  overrides: z.array(overrideSchema),
  flows: z
    .object({
      capacity: z.int(),
      live: z.int().describe('flows and networks'),
      networks: z.int().describe('client networks that are kept with a server'),
      closed: z.int(),
      syn: z.int(),
      established: z.int().describe('UDP flows among them'),
      newPerS: z.number().optional().describe('records made a second, over the last four'),
    })
    .optional()
    .describe('the flow table; absent: no service remembers flows'),
  outcomes: z.record(z.string(), count).describe('packets by outcome, docs/counters.md'),
  events: z
    .record(z.string(), count)
    .optional()
    .describe('what happened to remembered flows, docs/counters.md'),
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
  current: z.string().optional().describe('who gets a new flow of this slot'),
  settled: z.string().optional().describe('who had the slot before it changed hands lately'),
  record: z
    .object({
      server: z.string(),
      state: z.enum(['closed', 'syn', 'established']),
      ageS: z.number().describe('since its last packet'),
    })
    .optional()
    .describe('what is remembered of this very flow'),
  network: z
    .object({ network: z.string(), server: z.string(), leftS: z.number() })
    .optional()
    .describe("who gets new flows of the client's network, and for how long, if none of its flows sends"),
  server: z.string().optional(),
  mac: z.string().optional(),
  interface: z.string().optional().describe('by which the server is reached'),
  steps: z.array(z.string()),
})
export type TraceAnswer = z.infer<typeof traceSchema>

const order = {
  server: z.string().min(1).max(63),
  service: z.string().min(1).max(63).optional(),
}

const weightText = z
  .string()
  .regex(/^\d{1,5}$/, 'a whole number from 0 to 65535')
  .transform(Number)
  .refine((weight) => weight <= 65_535, 'a whole number from 0 to 65535')

export const orderQuery = z.strictObject(order)
export const drainQuery = z.strictObject({ ...order, deadline: durationText.optional() })
export const weightQuery = z.strictObject({ ...order, weight: weightText })

/** orderSchema: what a command about a server did. */
export const orderSchema = z.object({
  server: z.string(),
  service: z.string().optional(),
  changed: z.boolean().describe('something is different from before'),
  kept: z.boolean().describe('it holds over restarts of the daemon'),
  pools: z.array(
    z.object({
      name: z.string(),
      services: z.array(z.string()),
      order: orderWord,
      weight: z.int().describe('what counts now'),
      configured: z.int(),
      slots: z.int().describe('slots that went to other servers, or came from them'),
    }),
  ),
  deadline: z.string().optional().describe('from then on the drained server is as if disabled'),
  notes: z.array(z.string()),
})
export type OrderAnswer = z.infer<typeof orderSchema>

export const reloadSchema = z.object({
  change: z.enum(['taken-over', 'amended', 'replaced', 'created']),
  generation: z.int(),
  instructions: instructions.describe('of the longest program'),
  loadMs: z.number().describe('of all programs'),
  notes: z.array(z.string()),
})
export type ReloadAnswer = z.infer<typeof reloadSchema>

export const listingSchema = z.object({
  generation: z.int(),
  lines: z.array(z.string()).describe('the program, one instruction or source line each'),
})
export type ListingAnswer = z.infer<typeof listingSchema>
