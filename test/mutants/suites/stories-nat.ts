// All stories of nat through the generated program, to the first that goes otherwise.

import { deepStrictEqual } from 'node:assert'
import { type NatFixtureName, natFixtures } from '../../../src/dataplane/vectors/nat-fixtures.ts'
import { asksRoutes, natStories } from '../../../src/dataplane/vectors/nat-stories.ts'
import { expectedOf, tellNat } from '../../../src/dataplane/vectors/nat-story.ts'
import { affinity, setAffinity } from '../../../src/sys/affinity.ts'
import { enterForwarding } from '../../path/forwarding.ts'
import { KernelPath } from '../../path/kernel-path.ts'
import { inTurn } from '../in-turn.ts'

/** run throws at the first difference. On one CPU: new records are counted for each. */
export function run(first?: string): void {
  const cpus = affinity()
  setAffinity([cpus[0]!])
  // most mutants are noticed by a story that asks for no routes
  let forwarding: Disposable | undefined
  const paths = new Map<NatFixtureName, KernelPath>()
  try {
    inTurn(natStories, first, (story) => {
      if (asksRoutes(story)) forwarding ??= enterForwarding()
      const path = paths.get(story.fixture) ?? new KernelPath(natFixtures[story.fixture])
      paths.set(story.fixture, path)
      deepStrictEqual(tellNat(path, story), expectedOf(story), story.name)
    })
  } finally {
    for (const path of paths.values()) path[Symbol.dispose]()
    forwarding?.[Symbol.dispose]()
    setAffinity(cpus)
  }
}
