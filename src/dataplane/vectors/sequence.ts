// A sequence: frames one after another at given times, because what becomes of one depends on those before. Each starts with
// empty memory. The same sequences go through the model and through the kernel.

import type { Outcome } from '../model.ts'
import type { OutcomeName } from '../outcomes.ts'
import type { FixtureName } from './fixtures.ts'
import type { Vector } from './vector.ts'

/** Step: at `now` jiffies comes this frame. An outcome's name alone stands for any frame with that outcome. */
export interface Step {
  readonly now: number
  readonly frame: Uint8Array
  readonly expected: Outcome | OutcomeName
}

/** Sequence: its name is unique. */
export interface Sequence {
  readonly name: string
  readonly fixture: FixtureName
  readonly steps: readonly Step[]
}

/** at: a vector as a step. */
export const at = (now: number, { frame, expected }: Vector): Step => ({ now, frame, expected })

/** outcomeAt: a step of which the outcome alone matters. */
export const outcomeAt = (now: number, frame: Uint8Array, expected: OutcomeName): Step => ({
  now,
  frame,
  expected,
})
