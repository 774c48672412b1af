import assert from 'node:assert/strict'
import { test } from 'node:test'
import { events } from '../outcomes.ts'
import { type FlowFixtureName, flowFixtures } from './flow-fixtures.ts'
import { flowStories } from './flow-stories.ts'
import { modelPath } from './model-path.ts'
import { expectedOf } from './story.ts'
import { type FlowPath, tell } from './tell.ts'

const models = new Map<FlowFixtureName, FlowPath>()
for (const [name, fixture] of Object.entries(flowFixtures))
  models.set(name as FlowFixtureName, modelPath(fixture))

for (const story of flowStories)
  test(story.name, () => {
    assert.deepEqual(tell(models.get(story.fixture)!, story), expectedOf(story))
  })

test('stories have names of their own, each fixture has some, and each event is met', () => {
  assert.equal(new Set(flowStories.map(({ name }) => name)).size, flowStories.length)
  assert.deepEqual(
    [...new Set(flowStories.map(({ fixture }) => fixture))].sort(),
    Object.keys(flowFixtures).sort(),
  )
  const met = flowStories.flatMap(({ steps }) => steps.flatMap(({ events = '' }) => events.split(' ')))
  for (const name of Object.keys(events))
    if (name.startsWith('flow-')) assert.ok(met.includes(name.slice('flow-'.length)), name)
})
