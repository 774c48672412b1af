// The vectors of shapes with a defence alone: what only these have is noticed sooner.

import { fixtures } from '../../../src/dataplane/vectors/fixtures.ts'
import { vectors } from '../../../src/dataplane/vectors/vectors.ts'
import { runThrough } from './vectors.ts'

/** run throws at the first difference. */
export const run = (first?: string): void =>
  runThrough(
    vectors.filter(({ fixture }) => fixtures[fixture].shape.defence !== undefined),
    first,
  )
