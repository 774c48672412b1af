// What the checker knows, kept over its own end: the orders and the standings, as one file that is replaced as a whole
// and belongs to a boot (it lies in /run). So a checker that is started again goes on at once, with main or without, and
// takes nothing down or up before it has looked. A file that is damaged, or of another version, is as if there were none.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writePrivate } from '../sys/private-file.ts'
import { orderSchema, stateSchema } from './protocol.ts'

const fileSchema = z.strictObject({
  version: z.literal(1),
  orders: z.array(orderSchema),
  states: z.array(stateSchema),
})
export type Kept = Omit<z.infer<typeof fileSchema>, 'version'>

const nothing: Kept = { orders: [], states: [] }

/** readKept: what was kept at `path`. */
export function readKept(path: string): Kept {
  try {
    const { orders, states } = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
    return { orders, states }
  } catch {
    return nothing
  }
}

/** keep replaces it. Throws what fs throws: ENOSPC, EROFS. */
export const keep = (path: string, kept: Kept): void =>
  writePrivate(path, JSON.stringify({ version: 1, ...kept }))
