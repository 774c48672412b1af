// How often a check looks, and what that promises: how long a server that stops answering may go on getting traffic.
// Pure arithmetic.

/** Rhythm: times in ms. `fall` bad findings in a row take a server down, `rise` good ones bring it back. */
export interface Rhythm {
  /** From one look's start to the next one's. */
  readonly everyMs: number
  /** For all of a look. */
  readonly timeoutMs: number
  readonly fall: number
  readonly rise: number
  /** From one start to the next while findings contradict what the server is taken for. */
  readonly inDoubtMs: number
  /** Before the first look. */
  readonly delayMs: number
}

/** RHYTHM: what a file that says nothing means. */
export const RHYTHM: Rhythm = {
  everyMs: 2000,
  timeoutMs: 2000,
  fall: 3,
  rise: 2,
  inDoubtMs: 1000,
  delayMs: 0,
}

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
