// The stories of services whose scheduler counts through the generated program, to the first that ends otherwise.

import { deepStrictEqual } from 'node:assert'
import { countingChoiceStories } from '../../../src/dataplane/vectors/counting-choices.ts'
import { countingLoadStories } from '../../../src/dataplane/vectors/counting-loads.ts'
import { countingTurnStories } from '../../../src/dataplane/vectors/counting-turns.ts'
import { type FlowFixtureName, flowFixtures } from '../../../src/dataplane/vectors/flow-fixtures.ts'
import { expectedOf } from '../../../src/dataplane/vectors/story.ts'
import { tell } from '../../../src/dataplane/vectors/tell.ts'
import { affinity, setAffinity } from '../../../src/sys/affinity.ts'
import { KernelPath } from '../../path/kernel-path.ts'
import { inTurn } from '../in-turn.ts'

/** run throws at the first difference. On one CPU: new records are counted for each. */
export function run(first?: string): void {
  const cpus = affinity()
  setAffinity([cpus[0]!])
  const paths = new Map<FlowFixtureName, KernelPath>()
  try {
    inTurn([...countingTurnStories, ...countingLoadStories, ...countingChoiceStories], first, (story) => {
      const path = paths.get(story.fixture) ?? new KernelPath(flowFixtures[story.fixture])
      paths.set(story.fixture, path)
      deepStrictEqual(tell(path, story), expectedOf(story), story.name)
    })
  } finally {
    for (const path of paths.values()) path[Symbol.dispose]()
    setAffinity(cpus)
  }
}
