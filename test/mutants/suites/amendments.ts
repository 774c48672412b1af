// Edits that are words of what runs, each to an engine of its own, to the first that is not as it should be.

import { amendments } from '../../../src/engine/amendments.fixture.ts'
import { Rehearsal } from '../../../src/engine/rehearsal.ts'
import { inTurn } from '../in-turn.ts'

/** run throws at the first difference. */
export function run(first?: string): void {
  inTurn(amendments, first, ({ tell }) => {
    using rehearsal = new Rehearsal(`amend-mutant-${process.pid}`)
    tell(rehearsal)
  })
}
