// Whether what runs becomes what is wanted by single stores: where an edit changes at most who is in which pool, and with
// which weight. Then no map is made and filled, and no program loaded: memory of hundreds of megabytes stays as it is, but for
// the words that are others. They are stored in the order of a take-over, which is that of failures (xdp.ts).

import type { Assignment } from './assignment.ts'
import type { Prepared } from './generation.ts'
import type { Live } from './status.ts'

/** Wanted: what is prepared. */
interface Wanted {
  readonly prepared: Prepared
  readonly assignment: Assignment
  readonly schedules: Live['schedules']
}

/**
 * differsInWords: what is live, if anything is, differs from what is wanted in words alone. Not where packets write beside
 * them, as they do to whose turn it is; nor while a table of before is asked, which has its place in a generation.
 */
export const differsInWords = (
  live: Live | undefined,
  { prepared, assignment, schedules }: Wanted,
): boolean =>
  live !== undefined &&
  live.prepared.structure === prepared.structure &&
  !(schedules ?? live.schedules) &&
  !(assignment.before ?? live.assignment.before)
