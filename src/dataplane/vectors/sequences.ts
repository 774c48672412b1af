// All sequences, by theme. Names are unique.

import { exceededSequences } from './exceeded-sequences.ts'
import { fragmentSequences } from './fragment-sequences.ts'
import type { Sequence } from './sequence.ts'

/** sequences: what model and kernel must both do. */
export const sequences: readonly Sequence[] = [...exceededSequences, ...fragmentSequences]
