// Another node of the cluster, as the API tells of it.

import { z } from 'zod'

export const peerSchema = z.object({
  name: z.string(),
  state: z.enum(['connected', 'unreachable', 'refused']),
  since: z.string(),
  why: z.string().optional(),
  hasLeft: z.literal(true).optional().describe('its daemon was stopped in order'),
  version: z.string().optional().describe('of the tenbin there; absent: it was not heard yet'),
  run: z.string().optional().describe('another one after each start of the daemon there'),
  protocol: z.int().optional(),
  clockAheadMs: z.int().optional().describe('how far its clock is ahead of this one'),
  reachesUs: z.boolean().describe('it has reached this node within the last seconds'),
})
