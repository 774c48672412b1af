// Floods, as a status has them: those that there are now, who has to prove that he is real, what rules have matched.

import { z } from 'zod'

const count = z.string().regex(/^\d+$/)

/** badVerdicts: what an incident is. */
export const badVerdicts = ['overload', 'syn-flood', 'udp-flood', 'packet-flood', 'slow', 'carpet'] as const

export const incidentSchema = z.object({
  service: z
    .string()
    .describe('of the file, `all services` where no one of them shows it, `no service` of what is none’s'),
  verdict: z.enum(badVerdicts),
  since: z.string(),
  text: z.string().describe('what it is, with its reasons, as it is now'),
  perS: z.number().describe('packets a second; of slow: connections'),
})
export type FloodIncident = z.infer<typeof incidentSchema>

export const floodStatusSchema = z.object({
  incidents: z.array(incidentSchema).describe('attacks and overloads, now'),
  underProof: z.array(z.string()).describe('services whose sources of SYNs have to prove that they are real'),
  rules: z.array(
    z.object({
      name: z.string(),
      opening: count.describe('SYNs that it has matched'),
      others: count.describe('other packets that it has matched'),
    }),
  ),
})
export type FloodStatus = z.infer<typeof floodStatusSchema>
