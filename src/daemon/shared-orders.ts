// What operators say of servers, on all nodes of a cluster (shared-words.ts).

import { z } from 'zod'
import type { Peers } from '../cluster/peers.ts'
import type { Override } from './overrides.ts'
import { SharedWords } from './shared-words.ts'
import { digestOf, later, overrideOf, type Said, takenBackOf, type Word, wordsOf } from './words.ts'

const version = z.strictObject({ count: z.int().min(0), by: z.string().max(255) })
const about = { server: z.string().max(255), service: z.string().max(255).optional() }
const override = z.strictObject({
  ...about,
  order: z.enum(['ready', 'drained', 'disabled']).optional(),
  weight: z.int().min(0).max(65_535).optional(),
  since: z.int(),
  deadline: z.int().optional(),
  said: version.optional(),
})
const word = z.union([override, z.strictObject({ ...about, said: version })])

/** SharedOrdersOptions: `hear` takes another node's words in. */
export interface SharedOrdersOptions {
  readonly peers: Peers
  readonly said: () => Said
  readonly hear: (words: readonly Word[], from: string) => Promise<void>
  readonly now: () => Date
  /** monotonic: ms of a clock that nobody sets. */
  readonly monotonic: () => number
}

/** shareOrders: they are told of, and heard, until it is disposed of. */
export function shareOrders({ said, ...options }: SharedOrdersOptions): SharedWords<Word> {
  let known: { readonly said: Said; readonly words: readonly Word[] } | undefined
  return new SharedWords<Word>({
    ...options,
    topic: 'orders',
    words() {
      if (known?.said !== said()) known = { said: said(), words: [...wordsOf(said()).values()] }
      return known!.words
    },
    word: word as z.ZodType<Word>,
    limit: 20_000,
    digest: () => digestOf(said()),
    later: (theirs) => later(said(), theirs),
    shifted(each, byMs) {
      if (!('since' in each)) return takenBackOf(each)
      const { since, deadline } = each
      const times = { since: since + byMs, deadline: deadline === undefined ? undefined : deadline + byMs }
      return overrideOf({ ...(each as Override), ...times })
    },
  })
}
