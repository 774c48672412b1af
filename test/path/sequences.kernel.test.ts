// Every sequence through the generated program, in this kernel.

import { test } from 'node:test'
import { fixtures } from '../../src/dataplane/vectors/fixtures.ts'
import { sequences } from '../../src/dataplane/vectors/sequences.ts'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'
import { KernelPath } from './kernel-path.ts'
import { runSequence } from './run-sequence.ts'

// what is bounded is bounded for each CPU
setAffinity(affinity().slice(0, 1))

for (const sequence of sequences)
  test(sequence.name, () => {
    using path = new KernelPath(fixtures[sequence.fixture])
    runSequence(path, sequence)
  })
