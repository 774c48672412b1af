// The flow tables that stories are told with: small, with a clock that is a word.

import { type FlowsShape, TIMEOUTS } from '../shape.ts'

/** SHIFT: a tick is 16 jiffies of 4 ms. */
export const SHIFT = 4

/** flowsOf: room for so many records, of which each CPU makes so many in a second. */
export const flowsOf = (entries: number, newFlows = 1_000): FlowsShape => ({
  entries,
  newFlows,
  clock: { source: 'word', hz: 250, shift: SHIFT },
  idle: TIMEOUTS,
})
