// What a node's fitness is worth: things that are tracked (a link, a service's quorum, a script, a file, the packet path,
// addresses that can be reached), each of which weighs on the priority, or is a fault while it is down. Its idea: what is
// seen counts once it has held for a while, so that what flickers moves nobody; keepalived's sum of weights, its signs
// too. Who looks, and how often, is not said here. Pure.
//
//   weight > 0: added while up     weight < 0: taken away while down     fault: no role while down

import { PRIORITY } from '../wire/vrrp.ts'

/** Tracked: `weight` -253..253, or a fault. A change counts after it was seen for `riseMs` (to up) or `fallMs`. */
export interface Tracked {
  readonly name: string
  readonly weight: number | 'fault'
  readonly riseMs: number
  readonly fallMs: number
}

/** Track: `isUp` is what counts; `since`: it has been seen otherwise since. The first thing seen counts at once. */
export interface Track {
  readonly isUp: boolean
  readonly since: number | undefined
}

/** Tracks: by name; one that was never seen is down. */
export type Tracks = ReadonlyMap<string, Track>
export const noTracks: Tracks = new Map()

/** see: one thing is seen up or down at `now`. Seen as before: what was doubted is forgotten. */
export function see(tracks: Tracks, { name }: Tracked, isUp: boolean, now: number): Tracks {
  const track = tracks.get(name)
  if (track === undefined) return new Map(tracks).set(name, { isUp, since: undefined })
  const since = track.isUp === isUp ? undefined : (track.since ?? now)
  return since === track.since ? tracks : new Map(tracks).set(name, { isUp: track.isUp, since })
}

/** settle: what was seen long enough by `now` counts. */
export function settle(tracks: Tracks, tracked: readonly Tracked[], now: number): Tracks {
  const due = tracked.filter((each) => {
    const at = countsAt(tracks, each)
    return at !== undefined && now >= at
  })
  if (due.length === 0) return tracks
  const after = new Map(tracks)
  for (const { name } of due) after.set(name, { isUp: !after.get(name)!.isUp, since: undefined })
  return after
}

const countsAt = (tracks: Tracks, { name, riseMs, fallMs }: Tracked): number | undefined => {
  const track = tracks.get(name)
  return track?.since === undefined ? undefined : track.since + (track.isUp ? fallMs : riseMs)
}

/** settlesAt: when settle() has something to do at the earliest; undefined: nothing is in doubt. */
export function settlesAt(tracks: Tracks, tracked: readonly Tracked[]): number | undefined {
  const times = tracked.map((each) => countsAt(tracks, each)).filter((at) => at !== undefined)
  return times.length === 0 ? undefined : Math.min(...times)
}

/** Fitness: a priority within 1..254 and 255 for an owner, whose priority nothing weighs on; names of faults. */
export interface Fitness {
  readonly priority: number
  readonly faults: readonly string[]
}

/** fitness: what the configured priority comes to. */
export function fitness(priority: number, tracked: readonly Tracked[], tracks: Tracks): Fitness {
  const isUp = ({ name }: Tracked): boolean => tracks.get(name)?.isUp ?? false
  const faults = tracked.filter((each) => each.weight === 'fault' && !isUp(each)).map(({ name }) => name)
  if (priority === PRIORITY.owner) return { priority, faults }
  let sum = priority
  for (const each of tracked)
    if (each.weight !== 'fault' && each.weight > 0 === isUp(each)) sum += each.weight
  return { priority: Math.max(1, Math.min(PRIORITY.owner - 1, sum)), faults }
}
