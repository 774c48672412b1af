// All sequences through the generated program, to the first frame that leaves otherwise.

import { fixtures } from '../../../src/dataplane/vectors/fixtures.ts'
import type { Sequence } from '../../../src/dataplane/vectors/sequence.ts'
import { sequences } from '../../../src/dataplane/vectors/sequences.ts'
import { affinity, setAffinity } from '../../../src/sys/affinity.ts'
import { KernelPath } from '../../path/kernel-path.ts'
import { runSequence } from '../../path/run-sequence.ts'
import { inTurn } from '../in-turn.ts'

/** runSequences throws at the first difference. On one CPU: what is bounded is bounded for each. */
export function runSequences(inOrder: readonly Sequence[], first?: string): void {
  const cpus = affinity()
  setAffinity([cpus[0]!])
  try {
    inTurn(inOrder, first, (sequence) => {
      using path = new KernelPath(fixtures[sequence.fixture])
      runSequence(path, sequence)
    })
  } finally {
    setAffinity(cpus)
  }
}

/** run throws at the first difference. */
export const run = (first?: string): void => runSequences(sequences, first)
