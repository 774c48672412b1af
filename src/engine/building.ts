// What is made of a spec before the kernel sees any of it: plans, tables, programs. Their builder holds itself to what it may
// assume (invariant), which a bug of ours breaks, or a file that asks for more than it was thought of. Neither may end
// what runs: it is a refusal of that spec, with the builder's words.

import { TenbinError } from '../base/errors.ts'

/** building runs what makes something of a spec. Throws PROGRAM_UNBUILT for what is no operational error yet. */
export function building<Result>(body: () => Result): Result {
  try {
    return body()
  } catch (cause) {
    if (cause instanceof TenbinError) throw cause
    throw new TenbinError('PROGRAM_UNBUILT', 'build the packet path', {
      detail: cause instanceof Error ? cause.message : String(cause),
      cause,
    })
  }
}
