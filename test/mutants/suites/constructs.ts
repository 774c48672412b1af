// The builder's constructs, to the first that does otherwise.

import { Kernel } from '../../constructs/construct.ts'
import { constructs } from '../../constructs/constructs.ts'
import { inTurn } from '../in-turn.ts'

/** run throws at the first difference. */
export const run = (first?: string): void =>
  inTurn(constructs, first, (construct) => {
    using kernel = new Kernel()
    construct.run(kernel)
  })
