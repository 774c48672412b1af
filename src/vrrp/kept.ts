// What vrrp keeps over its own end, as one file that is replaced as a whole and belongs to a boot (it lies in /run): what it
// was told last. So a process that is started again goes on without main. A file that is damaged, or of another version, is
// as if there were none.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { writePrivate } from '../sys/private-file.ts'
import { vrrpSpecSchema } from './spec.ts'

const fileSchema = z.strictObject({
  version: z.literal(1),
  spec: vrrpSpecSchema,
  /** Sets in maintenance. */
  maintained: z.array(z.string()),
  /** How services were told last, by the names of rules. */
  tracked: z.record(z.string(), z.boolean()),
  /** Until when a set preempts nobody; ms of bootMs. */
  held: z.record(z.string(), z.number()).default({}),
})
export type KeptOrders = Omit<z.infer<typeof fileSchema>, 'version'>

export const noOrders: KeptOrders = { spec: { sets: [] }, maintained: [], tracked: {}, held: {} }

/** readOrders: what was kept at `path`. */
export function readOrders(path: string): KeptOrders {
  try {
    const { version: _, ...orders } = fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
    return orders
  } catch {
    return noOrders
  }
}

/** keepOrders replaces it. Throws what fs throws: ENOSPC, EROFS. */
export const keepOrders = (path: string, orders: KeptOrders): void =>
  writePrivate(path, JSON.stringify({ version: 1, ...orders }))
