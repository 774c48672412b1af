// What operators said of this node's roles, kept over restarts and boots beside the overrides of servers: maintenance, and
// until when no address set is taken back. A file that cannot be read says nothing: a node that may take roles is the lesser
// harm of the two, and status shows it.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { permitted } from '../sys/permitted.ts'
import { writePrivate } from '../sys/private-file.ts'

/** SaidOfRoles: times in ms of the time of day. `maintenance`: since when. */
export interface SaidOfRoles {
  readonly maintenance?: number
  /** By address set: until then this node preempts nobody. */
  readonly heldUntil: Readonly<Record<string, number>>
}

/** FailoverStore: where it is kept. */
export interface FailoverStore {
  read(): SaidOfRoles
  /** write replaces it. Throws NOT_PERMITTED, STATE_UNUSABLE. */
  write(said: SaidOfRoles): void
}

const file = z.strictObject({
  version: z.literal(1),
  maintenance: z.number().exactOptional(),
  heldUntil: z.record(z.string(), z.number()),
})

/** failoverStore keeps it at `path`. */
export const failoverStore = (path: string): FailoverStore => ({
  read() {
    try {
      const { version: _, ...said } = file.parse(JSON.parse(readFileSync(path, 'utf8')))
      return said
    } catch {
      return { heldUntil: {} }
    }
  },
  write: (said) =>
    permitted('keep roles', () => writePrivate(path, `${JSON.stringify({ version: 1, ...said })}\n`)),
})
