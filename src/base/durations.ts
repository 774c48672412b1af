// Durations as people write them: a number and its unit, `3s`, `100ms`, `1.5s`, `15m`, `1h`, `2d`. Inside the
// program a duration is a whole number of milliseconds. A number without a unit is refused: nobody remembers
// whose default it was.

import { TenbinError } from './errors.ts'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
/** One year: longer than anything that is timed here, and far from where numbers lose whole milliseconds. */
const longestMs = 366 * 86_400_000

/** parseDuration reads `100ms` as 100; at least 1 ms, at most 366d. Throws DURATION_INVALID. */
export function parseDuration(text: string): number {
  const refuse = (detail: string): never => {
    throw new TenbinError('DURATION_INVALID', 'parse duration', { detail: `"${text}" ${detail}` })
  }
  const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text)
  if (!match) {
    return refuse(
      /^\d+(\.\d+)?$/.test(text)
        ? `has no unit: write ${text}s or ${text}ms`
        : 'is not a duration such as 3s or 100ms',
    )
  }
  // Rounded first: 0.001s is 1 ms, though the product of the two floats need not be exactly that.
  const ms = Math.round(Number(match[1]) * unitMs[match[2]!]! * 1000) / 1000
  if (!Number.isInteger(ms)) return refuse('is not a whole number of milliseconds')
  if (ms < 1 || ms > longestMs) return refuse('is out of range: 1ms to 366d')
  return ms
}

/** formatDuration writes whole milliseconds in the largest unit that holds them whole: 90000 is `90s`. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms !== 0 && ms % unitMs[unit]! === 0) return `${ms / unitMs[unit]!}${unit}`
  }
  return `${ms}ms`
}
