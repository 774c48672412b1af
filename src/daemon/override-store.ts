// Where overrides are kept over restarts and boots: one small file in the state folder, replaced as a whole. A file that
// cannot be read as one is set aside, never overwritten: the daemon starts without it, and says so until somebody has
// looked at it and taken it away.

import { existsSync, renameSync, statSync } from 'node:fs'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { isName } from '../base/ranges.ts'
import { permitted } from '../sys/permitted.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'
import type { Problem } from './api-schema.ts'
import { problem, problemsOf } from './problem.ts'
import { NOTHING_SAID, OVERRIDES_LIMIT, overrideOf, type Said, takenBackOf } from './words.ts'

/** A file of OVERRIDES_LIMIT, and as many that were taken back, is smaller. */
const FILE_LIMIT = 8 * 1024 * 1024

/** OverrideStore: where the list is kept. */
export interface OverrideStore {
  /** read: what was kept; nothing where there is none, or where it is damaged, which problems() tells from then on. */
  read(): Said
  /** write replaces what is kept. Throws NOT_PERMITTED, STATE_UNUSABLE. */
  write(said: Said): void
  problems(): readonly Problem[]
}

const version = z.strictObject({ count: z.int().min(0), by: z.string() })
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
    said: version.optional(),
  })
  .refine(({ order, weight }) => order !== undefined || weight !== undefined)
const takenBack = z.strictObject({ server: name, service: name.optional(), said: version })
const overridesFile = z.strictObject({
  version: z.literal(1),
  overrides: z.array(override).max(OVERRIDES_LIMIT),
  /** Not there in files of before there were clusters. */
  takenBack: z.array(takenBack).max(OVERRIDES_LIMIT).default([]),
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
        return NOTHING_SAID
      }
    },
    write(said) {
      permitted('keep overrides', () => writeOverrides(path, said))
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
function readOverrides(path: string): Said {
  const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 }
  if (size > FILE_LIMIT) throw new SyntaxError(`${size} bytes`)
  const bytes = readIfThere(path)
  if (!bytes) return NOTHING_SAID
  const { overrides, takenBack } = z.decode(overridesFile, JSON.parse(bytes.toString('utf8')))
  return { overrides: overrides.map(overrideOf), takenBack: takenBack.map(takenBackOf) }
}

function writeOverrides(path: string, { overrides, takenBack }: Said): void {
  const kept = { version: 1 as const, overrides: [...overrides], takenBack: [...takenBack] }
  writePrivate(path, `${JSON.stringify(z.encode(overridesFile, kept), null, 2)}\n`)
}
