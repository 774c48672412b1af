// What operators said of floods, kept over restarts and boots: one small file in the state folder, replaced as a whole. A file
// that cannot be read as one is set aside, never overwritten, and a problem until somebody has taken it away.

import { existsSync, renameSync } from 'node:fs'
import { z } from 'zod'
import { TenbinError } from '../base/errors.ts'
import { type FloodWord, ORDERS_LIMIT } from '../flood/said.ts'
import { permitted } from '../sys/permitted.ts'
import { readIfThere, writePrivate } from '../sys/private-file.ts'
import type { Problem } from './api-schema.ts'
import { floodWordSchema } from './flood-words.ts'
import { problem, problemsOf } from './problem.ts'

/** FloodStore: where the words are kept. */
export interface FloodStore {
  /** read: what was kept; nothing where there is none, or where it is damaged, which problems() tells from then on. */
  read(): readonly FloodWord[]
  /** write replaces what is kept. Throws NOT_PERMITTED, STATE_UNUSABLE. */
  write(words: readonly FloodWord[]): void
  problems(): readonly Problem[]
}

const file = z.strictObject({ version: z.literal(1), words: z.array(floodWordSchema).max(2 * ORDERS_LIMIT) })

/** floodStore keeps them at `path`. */
export function floodStore(path: string): FloodStore {
  const aside = `${path}.damaged`
  let unread: readonly Problem[] = []
  return {
    read() {
      try {
        const bytes = permitted('read what was said of floods', () => readIfThere(path))
        return bytes ? file.parse(JSON.parse(bytes.toString('utf8'))).words : []
      } catch (error) {
        if (error instanceof TenbinError) unread = problemsOf(error)
        else renameSync(path, aside)
        return []
      }
    },
    write(words) {
      const text = `${JSON.stringify({ version: 1, words }, null, 1)}\n`
      permitted('keep what was said of floods', () => writePrivate(path, text))
      unread = []
    },
    problems: () => [
      ...unread,
      ...(existsSync(aside)
        ? [problem('FLOOD_ORDERS_DAMAGED', `what was said of floods is lost: ${aside} is damaged`)]
        : []),
    ],
  }
}
