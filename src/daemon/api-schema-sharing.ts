// What status says of flows that other nodes are told of.

import { z } from 'zod'

/** sharingSchema: of one other node. */
export const sharingSchema = z.object({
  name: z.string(),
  state: z
    .enum(['away', 'filling', 'current'])
    .describe('away: nothing is told; filling: all there is is being told; current: what changes is'),
  why: z.string().optional().describe('why it is not told more: the last refusal or failure'),
  waiting: z.int().describe('records that wait for it'),
  records: z.int().describe('told since this daemon started'),
  bytes: z.int(),
  isHeard: z.boolean().describe('it has told all there is, since it was last away'),
  taken: z.int().describe('records that came from it and count'),
  lost: z.int().describe('records that came from it and mean nothing here, or found no room'),
})
