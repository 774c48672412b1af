// Which lab a command means: the one that it names, or the only one there is.

import { TenbinError } from '../base/errors.ts'
import { type LabState, recall, recallAll } from './state.ts'
import { checkLabName } from './topology.ts'

/** theOnly: the only lab there is, or else the only one that is up. Throws LAB_UNKNOWN, LAB_AMBIGUOUS. */
export function theOnly(states: readonly LabState[]): LabState {
  const up = states.filter(({ phase }) => phase === 'up')
  const [first, second] = up.length > 0 ? up : states
  if (!first) throw new TenbinError('LAB_UNKNOWN', 'lab', { detail: 'there is no lab' })
  if (!second) return first
  const names = states.map(({ topology }) => topology.lab).join(', ')
  throw new TenbinError('LAB_AMBIGUOUS', 'lab', { detail: `there are several labs: ${names}` })
}

/** unknown: LAB_UNKNOWN for this name. */
export const unknown = (name: string): TenbinError =>
  new TenbinError('LAB_UNKNOWN', `lab ${name}`, { detail: `there is no lab called ${name}` })

/** named: the lab of this name. Throws LAB_UNKNOWN, LAB_OPTION_INVALID, LAB_STATE_DAMAGED. */
export function named(name: string): LabState {
  checkLabName(name)
  const state = recall(name)
  if (!state) throw unknown(name)
  return state
}

/** meant: the lab of this name, or the only one. Throws LAB_UNKNOWN, LAB_AMBIGUOUS. */
export const meant = (name: string | undefined): LabState =>
  name === undefined ? theOnly(recallAll()) : named(name)
