// What a node is about, on disk, written before it is done: which revision counts here, which one is tried, which one
// waits to be confirmed. Whoever starts reads from it what is to run: a trial that nobody settled is as if it had never
// been. One small file, replaced as a whole, the folder flushed behind it.
//
//   settled ──try──▶ trying ──settle──▶ settled            current is what counts
//                      │  └──settle, to be confirmed──▶ confirming ──confirm──▶ settled
//                      └──abort──▶ settled as before         └──time is over──▶ settled as before

import { renameSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { permitted } from '../sys/permitted.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'
import { refSchema } from './revision.ts'
import { flushFolder } from './revision-store.ts'

/** deadlineSchema: a moment of one boot, by CLOCK_BOOTTIME in ms. */
const deadlineSchema = z.strictObject({ boot: z.string(), atMs: z.number(), time: z.iso.datetime() })
export type Deadline = z.infer<typeof deadlineSchema>

const entrySchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('settled'), current: refSchema.optional() }),
  z.strictObject({ state: z.literal('trying'), before: refSchema.optional(), next: refSchema }),
  z.strictObject({
    state: z.literal('confirming'),
    before: refSchema.optional(),
    current: refSchema,
    deadline: deadlineSchema,
  }),
])
/** Entry: what counts. `before`, `current` absent: nothing was ever applied. */
export type Entry = z.infer<typeof entrySchema>

const journalSchema = z.strictObject({ format: z.literal(1), entry: entrySchema })

/** JOURNAL: its name, in the folder of revisions. */
export const JOURNAL = 'journal.json'

/** Journal: where it is kept. */
export interface Journal {
  /** isDamaged: what was there could not be read, and was set aside. */
  readonly isDamaged: boolean
  readonly entry: Entry
  /** write replaces it. Throws NOT_PERMITTED, STATE_UNUSABLE: then the old one is there still. */
  write(entry: Entry): void
  /** insist: the entry counts, whether or not it can be written; until it is, `unwritten` says why not. */
  insist(entry: Entry): void
  readonly unwritten: TenbinError | undefined
}

/** openJournal reads the journal at `path`. Throws NOT_PERMITTED, STATE_UNUSABLE. */
export function openJournal(path: string): Journal {
  const read = permitted('read the journal of revisions', () => {
    const bytes = readIfThere(path)
    if (!bytes) return { entry: { state: 'settled' } as Entry, isDamaged: false }
    const entry = decode(bytes)
    if (entry) return { entry, isDamaged: false }
    renameSync(path, `${path}.damaged`)
    return { entry: { state: 'settled' } as Entry, isDamaged: true }
  })
  let { entry } = read
  let unwritten: TenbinError | undefined
  function write(next: Entry): void {
    permitted('write the journal of revisions', () => {
      writePrivate(path, `${JSON.stringify({ format: 1, entry: next })}\n`)
      flushFolder(dirname(path))
    })
    entry = next
    unwritten = undefined
  }
  return {
    isDamaged: read.isDamaged,
    get entry() {
      return entry
    },
    get unwritten() {
      return unwritten
    },
    write,
    insist(next) {
      try {
        write(next)
      } catch (error) {
        if (!(error instanceof TenbinError)) throw error
        entry = next
        unwritten = error
      }
    },
  }
}

function decode(bytes: Buffer): Entry | undefined {
  try {
    return journalSchema.parse(JSON.parse(bytes.toString('utf8'))).entry
  } catch {
    return undefined
  }
}
