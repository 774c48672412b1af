// How much traffic goes to others with a change of one server, in words, as the table has it: `10 % of www moves to 9
// servers`; and what a server says of its own weight. Pure.

import type { Changed } from '../engine/engine.ts'
import type { Report } from '../health/checker.ts'

/** Moved: what a change did to the slots of a pool. */
export type Moved = Pick<Changed, 'slots' | 'of' | 'peers'>

/** movedText: of what is called `name`, a service or a pool; `isGain`: the server got it. Empty where nothing moved. */
export function movedText({ slots, of, peers }: Moved, name: string, isGain: boolean): string {
  if (slots === 0) return ''
  const share = `${percentText(slots / of)} of ${name}`
  if (peers === 0) return isGain ? `${share} had nobody` : `${share} has nobody left`
  const who = peers === 1 ? '1 server' : `${peers} servers`
  return `${share} ${isGain ? 'comes from' : 'moves to'} ${who}`
}

/** percentText of a part of 1: whole ones, and below 1 one digit that counts. */
function percentText(part: number): string {
  const percent = 100 * part
  return `${percent >= 1 ? Math.round(percent) : Number(percent.toPrecision(1))} %`
}

/** reportText: `drain`, `weight 5`, `50 % of its weight`. */
export function reportText({ isDraining, weight, share }: Report = {}): string {
  if (isDraining) return 'drain'
  if (weight !== undefined) return `weight ${weight}`
  return `${percentText(share ?? 1)} of its weight`
}
