// Rows of the bench `adverts`, of how late adverts left and of what was done meanwhile: pure. Where adverts are to be on time
// beside work, a work of which nothing was done proves nothing.

import { percentileMs } from '../../src/vrrp/lateness.ts'
import { LATENESS_BOUNDS, type Lateness } from '../../src/vrrp/protocol.ts'
import type { Row } from '../runner/row.ts'

const SHARE = 0.999
/** LIMIT_MS: what so many adverts stay within beside work. */
const LIMIT_MS = 5

/** advertRows: the 99.9th percentile and the worst. `work`: how much of each kind was done; with any the limit counts. */
export function advertRows(name: string, late: Lateness, work: Readonly<Record<string, number>>): Row[] {
  const runs = late.counts.reduce((sum, count) => sum + count, 0)
  const idle = Object.entries({ adverts: runs, ...work }).filter(([, count]) => count === 0)
  const p999 = percentileMs(late, SHARE)
  const why =
    idle.length > 0
      ? `not what was to be measured: no ${idle.map(([what]) => what).join(', no ')}`
      : Object.keys(work).length > 0 && p999 > LIMIT_MS && `later than ${LIMIT_MS} ms`
  const row = (of: string, value: number): Row => ({
    ...{ name: `${name}.${of}`, value, unit: 'ms', min: value, max: value, runs },
    checks: { mean: runs && Math.round((1000 * late.sumMs) / runs) / 1000, over: overOf(late), ...work },
    ...(why && { failed: why }),
  })
  return [row('p99.9', p999), row('worst', late.worstMs)]
}

/** overOf: how many left later than LIMIT_MS. */
const overOf = ({ counts }: Lateness): number =>
  counts.reduce(
    (sum, count, at) => ((LATENESS_BOUNDS[at] ?? Number.POSITIVE_INFINITY) > LIMIT_MS ? sum + count : sum),
    0,
  )

/** requestsOf what wrk said: how many were answered; 0 where it did not get so far. */
export const requestsOf = (said: string): number => Number(/^\s*(\d+) requests in /m.exec(said)?.[1] ?? 0)
