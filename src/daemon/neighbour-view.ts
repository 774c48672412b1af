// What the packet path is told of servers' MACs. Its idea: only an answer changes a MAC, and only the lack of one
// takes it away. While the kernel asks anew, while the NIC has no carrier or no route for the moment, nothing is
// known that was not known before; taking servers out then would move the flows of those that answer a
// millisecond later.

import type { Neighbour } from '../engine/engine.ts'
import { asking, isFailed, type Resolution, sameResolution } from '../netlink/resolution.ts'

/**
 * nextView: what to tell of a server, given what was told before (undefined: nothing) and what is known now.
 * Undefined: nothing to tell.
 */
export function nextView(before: Neighbour | undefined, now: Resolution): Neighbour | undefined {
  if (before && sameResolution(before, now)) return undefined
  if ('mac' in now || isFailed(now)) return now
  return (before && 'mac' in before) || sameResolution(now, asking) ? undefined : now
}

/** isDoubtful: the MAC that was told is used on, though something else than silence speaks against it. */
export const isDoubtful = (told: Neighbour | undefined, now: Resolution): boolean =>
  told !== undefined && 'mac' in told && 'why' in now && !sameResolution(now, asking)
