// What the packet path is told of servers' MACs. Its idea: only an answer changes a MAC, and only the lack of one
// takes it away. While the kernel asks anew, while the NIC has no carrier or no route for the moment, nothing is
// known that was not known before; taking servers out then would move the flows of those that answer a
// millisecond later.

import type { Neighbour } from '../engine/engine.ts'
import { asking, isFailed, isOffLink, type Resolution, sameResolution } from '../netlink/resolution.ts'

/**
 * seen: what is known of a server, from what is known of it on each NIC: the one that the route leads to answers, or is
 * silent, or asks; where it leads to none of them, whichever says more than that.
 */
export function seen(on: ReadonlyMap<string, Resolution>): Neighbour {
  for (const [nic, resolution] of on) if ('mac' in resolution) return { ...resolution, on: nic }
  const silences = [...on.values()].flatMap((each) => ('why' in each ? [each] : []))
  return (
    silences.find(isFailed) ??
    silences.find(isAsking) ??
    silences.find((each) => !isOffLink(each)) ??
    silences[0] ??
    asking
  )
}

const isAsking = (resolution: Resolution): boolean => sameResolution(resolution, asking)

const sameNeighbour = (a: Neighbour, b: Neighbour): boolean =>
  sameResolution(a, b) && ('why' in a || 'why' in b || a.on === b.on)

/**
 * nextView: what to tell of a server, given what was told before (undefined: nothing) and what is known now.
 * Undefined: nothing to tell.
 */
export function nextView(before: Neighbour | undefined, now: Neighbour): Neighbour | undefined {
  if (before && sameNeighbour(before, now)) return undefined
  if ('mac' in now || isFailed(now)) return now
  return (before && 'mac' in before) || isAsking(now) ? undefined : now
}

/** isDoubtful: the MAC that was told is used on, though something else than silence speaks against it. */
export const isDoubtful = (told: Neighbour | undefined, now: Neighbour): boolean =>
  told !== undefined && 'mac' in told && 'why' in now && !isAsking(now)
