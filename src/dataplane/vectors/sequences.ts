// All sequences, by theme. Names are unique.

import { banSequences } from './ban-sequences.ts'
import { defenceSequences } from './defence-sequences.ts'
import { exceededSequences } from './exceeded-sequences.ts'
import { fragmentSequences } from './fragment-sequences.ts'
import { proofSequences } from './proof-sequences.ts'
import type { Sequence } from './sequence.ts'

/** sequences: what model and kernel must both do. */
export const sequences: readonly Sequence[] = [
  ...exceededSequences,
  ...fragmentSequences,
  ...defenceSequences,
  ...banSequences,
  ...proofSequences,
]
