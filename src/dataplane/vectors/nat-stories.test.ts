import assert from 'node:assert/strict'
import { test } from 'node:test'
import { events } from '../outcomes.ts'
import { modelPath } from './model-path.ts'
import { type NatFixtureName, natFixtures } from './nat-fixtures.ts'
import { natStories } from './nat-stories.ts'
import { expectedOf, tellNat } from './nat-story.ts'
import type { FlowPath } from './tell.ts'

const models = new Map<NatFixtureName, FlowPath>()
for (const [name, fixture] of Object.entries(natFixtures))
  models.set(name as NatFixtureName, modelPath(fixture))

for (const story of natStories)
  test(story.name, () => {
    assert.deepEqual(tellNat(models.get(story.fixture)!, story), expectedOf(story))
  })

test('stories of nat have names of their own, each fixture has some, and each event is met', () => {
  assert.equal(new Set(natStories.map(({ name }) => name)).size, natStories.length)
  assert.deepEqual(
    [...new Set(natStories.map(({ fixture }) => fixture))].sort(),
    Object.keys(natFixtures).sort(),
  )
  const met = natStories.flatMap(({ steps }) => steps.flatMap((step) => (step.events ?? '').split(' ')))
  for (const name of Object.keys(events)) if (name.startsWith('answer-')) assert.ok(met.includes(name), name)
})
