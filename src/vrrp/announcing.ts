// When an active node tells its neighbours where the addresses are (gratuitous ARP, RFC 5227 3; unsolicited neighbour
// advertisements, RFC 4861 7.2.6): at once, once more later because a burst can be lost under load, then again and again
// if asked to. When somebody else claims them it does so anew: at once, where that was not just now, and once more an interval
// later, since who claims them tells neighbours after his advert, and neighbours believe whom they heard last. So it does where
// another node gave way in order, which has the addresses for a moment yet (linger.ts), and answers who asks. Pure.

import { LINGER } from './linger.ts'
import type { AnnounceRules } from './router.ts'

/** Announcing: `at`: the next one; undefined: none is due. `lastAt`: the last one. */
export interface Announcing {
  readonly at: number | undefined
  readonly next: 'given' | 'conflict' | 'repeat' | 'refresh'
  readonly lastAt: number
}

/** GIVEN_MS: by then who gave way has gone, also where it was late. */
const GIVEN_MS = 2 * LINGER.followedMs

const refresh = (now: number, { refreshMs }: AnnounceRules): Announcing => ({
  at: refreshMs > 0 ? now + refreshMs : undefined,
  next: 'refresh',
  lastAt: now,
})

/** announced: what is to come after an announcement at `now` for a new cause. */
export const announced = (now: number, rules: AnnounceRules): Announcing =>
  rules.repeatMs > 0 ? { at: now + rules.repeatMs, next: 'repeat', lastAt: now } : refresh(now, rules)

/** given: what is to come after the first one, at `now`, where another node gave way. */
export const given = (now: number): Announcing => ({ at: now + GIVEN_MS, next: 'given', lastAt: now })

/** announcedAgain: what is to come after the one that was due at `now`. */
export const announcedAgain = ({ next }: Announcing, now: number, rules: AnnounceRules): Announcing =>
  next === 'conflict' || next === 'given' ? announced(now, rules) : refresh(now, rules)

/** contested: what is to come where somebody else claimed the addresses at `now`; `isTold`: neighbours were told at once. */
export const contested = (
  { at, next, lastAt }: Announcing,
  now: number,
  adverMs: number,
  isTold: boolean,
): Announcing => ({
  at: next === 'conflict' && !isTold ? at : now + adverMs,
  next: 'conflict',
  lastAt: isTold ? now : lastAt,
})
