// How often a check looks, and what that promises: how long a server that stops answering may go on getting traffic.
// Pure arithmetic.

import type { Rhythm } from '../config/check-spec.ts'

/** Detection: the longest time from a server's failure to its being down, by how it fails. */
export interface Detection {
  /** It refuses: every look fails at once. */
  readonly refusedMs: number
  /** It is silent: every look takes all of its time. */
  readonly silentMs: number
}

/**
 * detectionOf: the server fails just after a look's start, so that this look still is good; the next ones follow each
 * other by the rhythm of doubt, or as late as the one before takes.
 */
export function detectionOf({ everyMs, timeoutMs, fall, inDoubtMs }: Rhythm): Detection {
  return {
    refusedMs: everyMs + (fall - 1) * inDoubtMs,
    silentMs: Math.max(everyMs, timeoutMs) + (fall - 1) * Math.max(inDoubtMs, timeoutMs) + timeoutMs,
  }
}
