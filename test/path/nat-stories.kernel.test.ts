// Every story of nat through the generated program, in this kernel, on one CPU: new records are counted for each.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type NatFixtureName, natFixtures } from '../../src/dataplane/vectors/nat-fixtures.ts'
import { natStories } from '../../src/dataplane/vectors/nat-stories.ts'
import { expectedOf, tellNat } from '../../src/dataplane/vectors/nat-story.ts'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'
import { enterForwarding } from './forwarding.ts'
import { KernelPath } from './kernel-path.ts'

const cpus = affinity()
const paths = new Map<NatFixtureName, KernelPath>()
const pathOf = (name: NatFixtureName): KernelPath => {
  const path = paths.get(name) ?? new KernelPath(natFixtures[name])
  paths.set(name, path)
  return path
}
let forwarding: Disposable
before(() => {
  setAffinity([cpus[0]!])
  forwarding = enterForwarding()
})
after(() => {
  forwarding[Symbol.dispose]()
  for (const path of paths.values()) path[Symbol.dispose]()
  setAffinity(cpus)
})

for (const story of natStories)
  test(story.name, () => {
    assert.deepEqual(tellNat(pathOf(story.fixture), story), expectedOf(story))
  })
