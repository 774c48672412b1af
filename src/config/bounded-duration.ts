// Durations within bounds, as keys of the file say them: one that is wrong is a finding, and what is assumed goes on.

import { formatDuration, parseDuration } from '../base/durations.ts'
import { TenbinError } from '../base/errors.ts'
import type { Findings } from './findings.ts'
import type { Place } from './source.ts'

/** Bounds: milliseconds; `otherwise`: what is meant by nothing. With a least of 0, `0s` is a duration as well. */
export interface Bounds {
  readonly min: number
  readonly max: number
  readonly otherwise: number
}

/** durationAt: ms of the duration at `place`, or what is meant otherwise. */
export function durationAt(
  text: string | undefined,
  { min, max, otherwise }: Bounds,
  place: Place,
  findings: Findings,
): number {
  if (text === undefined) return otherwise
  if (min === 0 && /^0(ms|s|m)$/.test(text)) return 0
  try {
    const ms = parseDuration(text)
    if (ms >= min && ms <= max) return ms
    const least = min === 0 ? '0s' : formatDuration(min)
    findings.add(place, `${text} is out of range: ${least} to ${formatDuration(max)}`)
  } catch (error) {
    if (!(error instanceof TenbinError)) throw error
    findings.add(place, error.detail ?? error.message)
  }
  return otherwise
}
