// How late adverts left, counted by bounds: a histogram that never grows. Pure.

import { LATENESS_BOUNDS, type Lateness } from './protocol.ts'

export const noLateness: Lateness = {
  counts: Array.from({ length: LATENESS_BOUNDS.length + 1 }, () => 0),
  sumMs: 0,
  worstMs: 0,
}

/** withLate: one more, so many ms late. */
export function withLate({ counts, sumMs, worstMs }: Lateness, lateMs: number): Lateness {
  const bucket = LATENESS_BOUNDS.findIndex((bound) => lateMs <= bound)
  return {
    counts: counts.with(bucket, counts.at(bucket)! + 1),
    sumMs: sumMs + lateMs,
    worstMs: Math.max(worstMs, lateMs),
  }
}

/** percentileMs: the bound that a share of all stayed within, 0..1; the worst one where that is above all bounds. */
export function percentileMs({ counts, worstMs }: Lateness, share: number): number {
  const all = counts.reduce((sum, count) => sum + count, 0)
  let sum = 0
  for (const [index, bound] of LATENESS_BOUNDS.entries()) {
    sum += counts[index]!
    if (sum >= share * all) return Math.min(bound, worstMs)
  }
  return worstMs
}
