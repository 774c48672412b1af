// What the checker knows, kept over its own end: the orders and the standings, as one file that is replaced as a whole
// and belongs to a boot (it lies in /run). So a checker that is started again goes on at once, with main or without, and
// takes nothing down or up before it has looked. A file that is damaged, or of another version, is as if there were none.

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { z } from 'zod'
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
export function keep(path: string, kept: Kept): void {
  const beside = `${path}.new`
  try {
    const fd = openSync(beside, 'w', 0o600)
    try {
      const bytes = Buffer.from(JSON.stringify({ version: 1, ...kept }))
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
