// Where the programs of a generation go: each interface of a plan with the one that there is for it.

import type { BpfProgram } from '../kernel/program.ts'
import type { Generation, Prepared } from './generation.ts'
import type { Place } from './hook.ts'

/** placesOf: each interface with the program that a generation has for it. */
export const placesOf = ({ plan }: Prepared, generation: Generation): Place<BpfProgram | undefined>[] =>
  plan.interfaces.map(({ name, index, number }) => ({
    name,
    index,
    program: generation.programs.get(number),
  }))

/** isComplete: there is a program for each. */
export const isComplete = (
  places: readonly Place<BpfProgram | undefined>[],
): places is readonly Place<BpfProgram>[] => places.every(({ program }) => program !== undefined)
