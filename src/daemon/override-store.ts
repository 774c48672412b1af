// Where overrides are kept over restarts and boots: one small file in the state folder, replaced as a whole. A file that
// cannot be read as one is set aside, never overwritten: the daemon starts without it, and says so until somebody has
// looked at it and taken it away.

import { existsSync, renameSync, statSync } from 'node:fs'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { isName } from '../base/ranges.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'
import type { Problem } from './api-schema.ts'
import type { Override } from './overrides.ts'
import { permitted } from './permitted.ts'
import { problem, problemsOf } from './problem.ts'

/** OVERRIDES_LIMIT: so many are kept at most; more are refused, and a file of more is damaged. */
export const OVERRIDES_LIMIT = 10_000
/** A file of OVERRIDES_LIMIT is smaller. */
const FILE_LIMIT = 4 * 1024 * 1024

/** OverrideStore: where the list is kept. */
export interface OverrideStore {
  /** read: what was kept; nothing where there is none, or where it is damaged, which problems() tells from then on. */
  read(): readonly Override[]
  /** write replaces what is kept. Throws NOT_PERMITTED, STATE_UNUSABLE. */
  write(overrides: readonly Override[]): void
  problems(): readonly Problem[]
}

const name = z.string().refine(isName)
const time = z.codec(z.iso.datetime(), z.int(), {
  decode: (text) => Date.parse(text),
  encode: (ms) => new Date(ms).toISOString(),
})
const override = z
  .strictObject({
    server: name,
    service: name.optional(),
    order: z.enum(['ready', 'drained', 'disabled']).optional(),
    weight: z.int().min(0).max(65_535).optional(),
    since: time,
    deadline: time.optional(),
  })
  .refine(({ order, weight }) => order !== undefined || weight !== undefined)
const overridesFile = z.strictObject({
  version: z.literal(1),
  overrides: z.array(override).max(OVERRIDES_LIMIT),
})

/** overrideStore keeps them at `path`. */
export function overrideStore(path: string): OverrideStore {
  const aside = `${path}.damaged`
  let unread: readonly Problem[] = []
  return {
    read() {
      try {
        return permitted('read overrides', () => readOverrides(path))
      } catch (error) {
        if (error instanceof TenbinError) unread = problemsOf(error)
        else renameSync(path, aside)
        return []
      }
    },
    write(overrides) {
      permitted('keep overrides', () => writeOverrides(path, overrides))
      unread = []
    },
    problems: () => [
      ...unread,
      ...(existsSync(aside)
        ? [problem('OVERRIDES_DAMAGED', `what was said of servers is lost: ${aside} is damaged`)]
        : []),
    ],
  }
}

/** readOverrides: what the file says. Throws what fs throws, and what is no TenbinError where its content is damaged. */
function readOverrides(path: string): readonly Override[] {
  const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 }
  if (size > FILE_LIMIT) throw new SyntaxError(`${size} bytes`)
  const bytes = readIfThere(path)
  if (!bytes) return []
  const { overrides } = z.decode(overridesFile, JSON.parse(bytes.toString('utf8')))
  return overrides.map(
    ({ server, service, order, weight, since, deadline }): Override => ({
      server,
      since,
      ...(service !== undefined && { service }),
      ...(order !== undefined && { order }),
      ...(weight !== undefined && { weight }),
      ...(deadline !== undefined && { deadline }),
    }),
  )
}

function writeOverrides(path: string, overrides: readonly Override[]): void {
  const file = z.encode(overridesFile, { version: 1, overrides: [...overrides] })
  writePrivate(path, `${JSON.stringify(file, null, 2)}\n`)
}
