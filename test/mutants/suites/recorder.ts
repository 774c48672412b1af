// What the recorder keeps, and how much of it, to the first that is otherwise.

import { affinity, setAffinity } from '../../../src/sys/affinity.ts'
import { budgetCases, vectorCases } from '../../path/recorder-path.ts'
import { inTurn } from '../in-turn.ts'

/** Of each family, protocol and way through the program one. */
const TAKEN: ReadonlySet<string> = new Set([
  'one',
  'nobody',
  'both',
  'dual',
  'jumbo',
  'defence-rules',
  'back-far',
])

/** run throws at the first difference. On one CPU: budgets are each CPU's own. */
export function run(first?: string): void {
  const cpus = affinity()
  setAffinity([cpus[0]!])
  try {
    inTurn([...budgetCases, ...vectorCases((name) => TAKEN.has(name))], first, (each) => each.run())
  } finally {
    setAffinity(cpus)
  }
}
