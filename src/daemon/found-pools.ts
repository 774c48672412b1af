// Who served of a packet path that a daemon finds: who holds slots there; and who holds none because an operator drains it,
// and has not failed: its flows are with it still, and checks that were edited meanwhile say nothing of it. Pure.

import type { FoundPool } from '../engine/holders.ts'
import { type Override, standingOf } from './overrides.ts'

/** withDrained: pools as they were found, with those that are drained by hand among their holders. */
export const withDrained = (
  pools: readonly FoundPool[],
  overrides: readonly Override[],
  now: number,
): FoundPool[] =>
  pools.map((pool) => {
    const drained = [...pool.unfailed].filter(
      ([server]) => standingOf(overrides, server, pool.services, now).order === 'drained',
    )
    return { ...pool, holders: new Map([...pool.holders, ...drained]) }
  })
