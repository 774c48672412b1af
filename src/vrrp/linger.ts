// A role is given up, and the addresses stay a while longer, so that clients find one of two nodes at any moment. Who leaves in
// order (`left`) waits until another node is heard, or has to be: the longest Skew_Time after priority 0, and its lateness. Who
// hears that another one is active (`followed`: in its place, or with more right to it) has them for a moment more, since that
// one's addresses, and its word of them to neighbours, come after its advert. Pure.

import type { SetSpec } from './spec.ts'

export type Linger = 'left' | 'followed'

/** Lingering: `until`: bootMs. `isFollowed`: another one was heard. */
export interface Lingering {
  readonly until: number
  readonly isFollowed: boolean
}

/** LINGER: ms. Whoever ends the process waits for longer than `mostMs`. */
export const LINGER = { lateMs: 100, mostMs: 5000, followedMs: 10 } as const

/** lingering: what becomes of `before` at `now`. */
export function lingering(
  before: Lingering | undefined,
  how: Linger,
  { version, advertMs }: Pick<SetSpec, 'version' | 'advertMs'>,
  now: number,
): Lingering {
  const leftMs = Math.min(LINGER.mostMs, (version === 3 ? advertMs : 1000) + LINGER.lateMs)
  const until = now + (how === 'followed' ? LINGER.followedMs : leftMs)
  return {
    until: Math.min(before?.until ?? until, until),
    isFollowed: how === 'followed' || before?.isFollowed === true,
  }
}
