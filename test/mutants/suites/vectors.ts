// All vectors through the generated program, to the first that leaves otherwise.

import { deepStrictEqual } from 'node:assert'
import { type FixtureName, fixtures } from '../../../src/dataplane/vectors/fixtures.ts'
import { vectors } from '../../../src/dataplane/vectors/vectors.ts'
import { KernelPath } from '../../path/kernel-path.ts'
import { report } from './noticed.ts'

report(() => {
  const paths = new Map<FixtureName, KernelPath>()
  for (const { name, fixture, frame, expected, modelOnly } of vectors) {
    if (modelOnly !== undefined) continue
    const path = paths.get(fixture) ?? new KernelPath(fixtures[fixture])
    paths.set(fixture, path)
    deepStrictEqual(path.run(frame), { ...expected, frame: new Uint8Array(expected.frame) }, name)
  }
})
