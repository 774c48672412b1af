// What the API says of address sets and of the process that moves them, and what commands about roles did.

import { z } from 'zod'
import { durationText } from './api-duration.ts'

const role = z.enum(['initialize', 'backup', 'active'])
const name = z.string().min(1).max(63)

/** setSchema: an address set. */
export const setSchema = z.object({
  name: z.string(),
  addresses: z.array(z.string()).describe('with their prefix lengths'),
  services: z.array(z.string()).describe('those that listen on them'),
  role: role.optional().describe('of this node; initialize: it may not have one now; absent: not known yet'),
  since: z.string().optional(),
  active: z
    .string()
    .optional()
    .describe('the node that is active, or its address where that is no node’s; absent: nobody is heard'),
  failover: z
    .object({
      vrid: z.int(),
      version: z.int(),
      advertMs: z.int(),
      configured: z.int().describe('the priority that the file has for this node'),
      priority: z.int().optional().describe('as it is now: tracking included'),
      faults: z.array(z.object({ name: z.string(), text: z.string() })).describe('why it may have no role'),
      tracks: z.array(z.object({ name: z.string(), isUp: z.boolean(), text: z.string() })),
      routes: z.array(z.string()).describe('static routes that the file has for the active node'),
      unrouted: z.array(z.string()).describe('those that this node could not make, and why'),
      heldUntil: z.string().optional().describe('until then it preempts nobody'),
      routers: z.array(
        z.object({
          name: z.string().describe('role of interfaces and family: lan/4'),
          nic: z.string(),
          vrid: z.int(),
          role,
          primary: z.string().optional().describe('where its adverts come from'),
        }),
      ),
      counters: z.record(z.string(), z.int()).describe('adverts and takeovers since it began'),
      refused: z.record(z.string(), z.int()).describe('packets that counted nothing, by reason'),
      remarked: z.record(z.string(), z.int()).describe('adverts that counted and were odd, by reason'),
      lateness: z
        .object({ counts: z.array(z.int()), sumMs: z.number(), worstMs: z.number() })
        .optional()
        .describe('how late adverts left, by upper ends, see docs/metrics.md'),
    })
    .optional()
    .describe('absent: the set has no vrid, and stays on the first node'),
  nodes: z
    .array(
      z.object({
        node: z.string(),
        role: role.optional(),
        since: z.string().optional(),
        priority: z.int().optional(),
        faults: z.array(z.string()),
      }),
    )
    .optional()
    .describe('as other nodes of the cluster say themselves'),
})
export type SetStatusAnswer = z.infer<typeof setSchema>

/** vrrpSchema: the process that has roles. */
export const vrrpSchema = z.object({
  state: z.enum(['present', 'absent']),
  pid: z.int().optional(),
  since: z.string().optional(),
  why: z.string().optional().describe('of absent'),
  problems: z.array(z.string()).describe('what it could not get of the machine'),
  ends: z.int().describe('how often one ended by itself since the daemon began'),
  isCrashLoop: z.boolean(),
  lastEnd: z.object({ at: z.string(), how: z.string(), words: z.string().optional() }).optional(),
})

/** failoverQuery: `set` absent: all; `to` absent: whoever is next; `hold`: how long this node preempts nobody. */
export const failoverQuery = z.strictObject({
  set: name.optional(),
  to: name.optional(),
  hold: durationText.optional(),
})

export const failoverSchema = z.object({
  sets: z.array(
    z.object({
      set: z.string(),
      from: z.string().optional().describe('who was active'),
      to: z.string().optional().describe('who is active now; absent: nobody was heard in time'),
      changed: z.boolean(),
    }),
  ),
  notes: z.array(z.string()),
})
export type FailoverAnswer = z.infer<typeof failoverSchema>

export const maintenanceQuery = z.strictObject({
  on: z.enum(['true', 'false']),
  force: z.enum(['true', 'false']).optional(),
})

export const maintenanceSchema = z.object({
  on: z.boolean(),
  changed: z.boolean(),
  kept: z.boolean().describe('it holds over restarts of the daemon'),
  sets: z.array(z.object({ set: z.string(), role: role.optional(), active: z.string().optional() })),
  notes: z.array(z.string()),
})
export type MaintenanceAnswer = z.infer<typeof maintenanceSchema>
