// All vectors through the generated program, to the first that leaves otherwise.

import { deepStrictEqual } from 'node:assert'
import { type FixtureName, fixtures } from '../../../src/dataplane/vectors/fixtures.ts'
import type { Vector } from '../../../src/dataplane/vectors/vector.ts'
import { vectors } from '../../../src/dataplane/vectors/vectors.ts'
import { KernelPath } from '../../path/kernel-path.ts'
import { inTurn } from '../in-turn.ts'

/** runThrough throws at the first difference. A fixture's program is loaded when its first vector's turn comes. */
export function runThrough(inOrder: readonly Vector[], first?: string): void {
  const paths = new Map<FixtureName, KernelPath>()
  // each vector has a second of its own, and nothing remembered
  let now = 0
  try {
    inTurn(inOrder, first, ({ name, fixture, frame, expected, modelOnly }) => {
      if (modelOnly !== undefined) return
      const path = paths.get(fixture) ?? new KernelPath(fixtures[fixture])
      paths.set(fixture, path)
      now += 512
      path.setJiffies(BigInt(now))
      path.forgetFragments()
      deepStrictEqual(path.run(frame), { ...expected, frame: new Uint8Array(expected.frame) }, name)
    })
  } finally {
    for (const path of paths.values()) path[Symbol.dispose]()
  }
}

/** run throws at the first difference. */
export const run = (first?: string): void => runThrough(vectors, first)
