// Flow tables for stories: small, with a clock that is a word.

import { type FlowsShape, TIMEOUTS } from '../shape.ts'

/** SHIFT: a tick is 16 jiffies of 4 ms. */
export const SHIFT = 4

/** flowsOf so many entries, and new records a second. */
export const flowsOf = (entries: number, newFlows = 1_000): FlowsShape => ({
  entries,
  newFlows,
  clock: { source: 'word', hz: 250, shift: SHIFT },
  idle: TIMEOUTS,
})
