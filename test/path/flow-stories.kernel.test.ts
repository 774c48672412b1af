// Every story of tracked flows through the generated program, in this kernel, on one CPU: new records are counted for
// each.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FlowFixtureName, flowFixtures } from '../../src/dataplane/vectors/flow-fixtures.ts'
import { flowStories } from '../../src/dataplane/vectors/flow-stories.ts'
import { expectedOf } from '../../src/dataplane/vectors/story.ts'
import { tell } from '../../src/dataplane/vectors/tell.ts'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'
import { KernelPath } from './kernel-path.ts'

const cpus = affinity()
const paths = new Map<FlowFixtureName, KernelPath>()
const pathOf = (name: FlowFixtureName): KernelPath => {
  const path = paths.get(name) ?? new KernelPath(flowFixtures[name])
  paths.set(name, path)
  return path
}
before(() => setAffinity([cpus[0]!]))
after(() => {
  for (const path of paths.values()) path[Symbol.dispose]()
  setAffinity(cpus)
})

for (const story of flowStories)
  test(story.name, () => {
    assert.deepEqual(tell(pathOf(story.fixture), story), expectedOf(story))
  })
