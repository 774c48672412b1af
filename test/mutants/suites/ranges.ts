// The vectors of ranges of ports.

import { rangeVectors } from '../../../src/dataplane/vectors/ranges.ts'
import { runThrough } from './vectors.ts'

/** run throws at the first difference. */
export const run = (first?: string): void => runThrough(rangeVectors, first)
