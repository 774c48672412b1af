// The cluster by the API: who the other nodes are and how they stand.

import { z } from 'zod'
import { problemSchema } from './api-schema.ts'
import { peerSchema } from './api-schema-peers.ts'

export const rotateQuery = z.strictObject({
  without: z
    .string()
    .max(1024)
    .transform((text) => text.split(','))
    .optional()
    .describe('names of nodes that are not there, with commas between them: they have to join anew'),
})

export const clusterSchema = z.object({
  node: z.string().optional().describe('this node; absent: it is in no cluster'),
  keys: z.boolean().describe('whether it has keys of one'),
  at: z.array(z.string()).describe('where it meets the others'),
  rotates: z.boolean().describe('keys are being exchanged for others'),
  without: z
    .array(z.string())
    .optional()
    .describe('nodes that keys were exchanged without: each has to join anew; absent: none'),
  refused: z
    .object({
      strangers: z.int().describe('connections from addresses that are no other node’s'),
      excess: z.int().describe('connections of a node that has too many, or too many a second'),
    })
    .describe('connections that were ended at once, since the start'),
  nodes: z.array(peerSchema),
  problems: z.array(problemSchema),
})
export type ClusterAnswer = z.infer<typeof clusterSchema>
