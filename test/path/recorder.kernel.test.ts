// The recorder in this kernel: what it keeps of vectors, that it changes none, how many it keeps, and what is lost.

import { test } from 'node:test'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'
import { budgetCases, vectorCases } from './recorder-path.ts'

// budgets are each CPU's own
setAffinity(affinity().slice(0, 1))

// every third fixture: each way through the program is in several
for (const { name, run } of [...vectorCases((_, at) => at % 3 === 1), ...budgetCases]) test(name, run)
