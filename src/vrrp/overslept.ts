// What a node does that was not run for too long: starved of CPU, stopped, suspended with its whole machine. It does not
// know what happened meanwhile, and above all must not fight whoever took over in its place. Pure. Exactly:
//
// An *active* node that finds itself stepped, by whatever event, three Advertisement_Intervals or more after its last
// advert takes itself for replaced: nobody waits less than that (Skew_Time is above 0). It takes its addresses away, says
// nothing, and listens for one Advertisement_Interval and its Skew_Time: whoever took over is heard in this time. Then it
// is a backup like any other, and preempts as it may.
//
// A *backup* whose Active_Down_Timer is noticed more than one Active_Adver_Interval after it fired listens for one
// Active_Adver_Interval and its Skew_Time before it takes over: what it has missed is not silence. Once: a node that is
// always late, and alone, still takes over.

import { listenMs, type VirtualRouter } from './router.ts'
import type { Active, Backup, State } from './state.ts'

/** hasOverslept: an active node that must take itself for replaced. */
export const hasOverslept = (phase: State['phase'], now: number): phase is Active =>
  phase.role === 'active' && now >= phase.deadAt

/** hasOversleptTakeover: a backup, due, that knows nothing of the time since. Who waits for its group has noticed. */
export const hasOversleptTakeover = (
  { downAt, activeAdverMs, isWanting, cause }: Backup,
  now: number,
): boolean => !isWanting && cause !== 'overslept' && now - downAt > activeAdverMs

/** listening: a backup that listens before it takes over. */
export const listening = (router: VirtualRouter, activeAdverMs: number, now: number): Backup => ({
  role: 'backup',
  activeAdverMs,
  downAt: now + listenMs(router, activeAdverMs),
  cause: 'overslept',
  isWanting: false,
  preemptAt: undefined,
  heard: undefined,
})
