// All stories of nat through the generated program, to the first that goes otherwise.

import { deepStrictEqual } from 'node:assert'
import { type NatFixtureName, natFixtures } from '../../../src/dataplane/vectors/nat-fixtures.ts'
import { natStories } from '../../../src/dataplane/vectors/nat-stories.ts'
import { expectedOf, tellNat } from '../../../src/dataplane/vectors/nat-story.ts'
import { affinity, setAffinity } from '../../../src/sys/affinity.ts'
import { KernelPath } from '../../path/kernel-path.ts'

/** run throws at the first difference. On one CPU: new records are counted for each. */
export function run(): void {
  const cpus = affinity()
  setAffinity([cpus[0]!])
  const paths = new Map<NatFixtureName, KernelPath>()
  try {
    for (const story of natStories) {
      const path = paths.get(story.fixture) ?? new KernelPath(natFixtures[story.fixture])
      paths.set(story.fixture, path)
      deepStrictEqual(tellNat(path, story), expectedOf(story), story.name)
    }
  } finally {
    for (const path of paths.values()) path[Symbol.dispose]()
    setAffinity(cpus)
  }
}
