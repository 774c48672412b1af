// The sequences of limits and bans alone: what only these have is noticed sooner.

import { banSequences } from '../../../src/dataplane/vectors/ban-sequences.ts'
import { defenceSequences } from '../../../src/dataplane/vectors/defence-sequences.ts'
import { runSequences } from './sequences.ts'

/** run throws at the first difference. */
export const run = (first?: string): void => runSequences([...banSequences, ...defenceSequences], first)
