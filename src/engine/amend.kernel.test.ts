// Edits that are words of what runs, in the kernel: each of amendments.fixture.ts.

import { test } from 'node:test'
import { amendments } from './amendments.fixture.ts'
import { Rehearsal } from './rehearsal.ts'

for (const { name, tell } of amendments)
  test(name, () => {
    using rehearsal = new Rehearsal(`amend-test-${process.pid}`)
    tell(rehearsal)
  })
