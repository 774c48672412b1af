// What operators say of floods, on all nodes of a cluster (shared-words.ts).

import type { Peers } from '../cluster/peers.ts'
import { digestOf, type FloodWord, later, ORDERS_LIMIT } from '../flood/said.ts'
import type { FloodOrders } from './flood-orders.ts'
import { floodWordSchema } from './flood-words.ts'
import { SharedWords } from './shared-words.ts'

/** SharedFloodsOptions: whose words they are. */
export interface SharedFloodsOptions {
  readonly peers: Peers
  readonly orders: Pick<FloodOrders, 'words' | 'hear'>
  readonly now: () => Date
  /** monotonic: ms of a clock that nobody sets. */
  readonly monotonic: () => number
}

/** onClock: a clock that was never set begins in 1970; before that there are no times. */
const onClock = (time: number): number => Math.max(0, time)

/** shareFloods: they are told of, and heard, until it is disposed of. */
export const shareFloods = ({ orders, ...options }: SharedFloodsOptions): SharedWords<FloodWord> =>
  new SharedWords<FloodWord>({
    ...options,
    topic: 'floods',
    words: () => orders.words,
    word: floodWordSchema,
    limit: 2 * ORDERS_LIMIT,
    digest: () => digestOf(orders.words),
    later: (theirs) => later(orders.words, theirs),
    shifted: ({ since, until, ...word }, byMs) => ({
      ...word,
      since: onClock(since + byMs),
      ...(until !== undefined && { until: onClock(until + byMs) }),
    }),
    hear: (words, from) => orders.hear(words, from),
  })
