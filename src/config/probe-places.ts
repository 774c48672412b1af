// Where the file says what a check asks: for those who find at this machine what the file could not tell, a script that is
// not there. By the resolved probe itself, so that what main hands on is as before.

import type { SingleProbe } from './check-spec.ts'
import { findingAt, type Place } from './source.ts'

const places = new WeakMap<SingleProbe, Place>()

/** rememberPlace of a probe that was resolved. */
export const rememberPlace = (probe: SingleProbe, place: Place): void => void places.set(probe, place)

/** placeOf a probe that load() resolved in this process: file, line and column; of any other: nothing. */
export function placeOf(probe: SingleProbe): { file?: string; line?: number; column?: number } {
  const place = places.get(probe)
  if (!place) return {}
  const { file, line, column } = findingAt(place, '')
  return { file, line, column }
}
