// All stories of tracked flows through the generated program, to the first that goes otherwise.

import { deepStrictEqual } from 'node:assert'
import { type FlowFixtureName, flowFixtures } from '../../../src/dataplane/vectors/flow-fixtures.ts'
import { flowStories } from '../../../src/dataplane/vectors/flow-stories.ts'
import { expectedOf, type Story } from '../../../src/dataplane/vectors/story.ts'
import { tell } from '../../../src/dataplane/vectors/tell.ts'
import { affinity, setAffinity } from '../../../src/sys/affinity.ts'
import { KernelPath } from '../../path/kernel-path.ts'
import { inTurn } from '../in-turn.ts'

/** tellAll throws at the first difference. On one CPU: new records are counted for each. */
export function tellAll(stories: readonly Story[], first?: string): void {
  const cpus = affinity()
  setAffinity([cpus[0]!])
  const paths = new Map<FlowFixtureName, KernelPath>()
  try {
    inTurn(stories, first, (story) => {
      const path = paths.get(story.fixture) ?? new KernelPath(flowFixtures[story.fixture])
      paths.set(story.fixture, path)
      deepStrictEqual(tell(path, story), expectedOf(story), story.name)
    })
  } finally {
    for (const path of paths.values()) path[Symbol.dispose]()
    setAffinity(cpus)
  }
}

/** run throws at the first difference. */
export const run = (first?: string): void => tellAll(flowStories, first)
