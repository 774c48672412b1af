import { test } from 'node:test'
import { groupStories, tellGroup } from '../../test/vrrp/group-stories.ts'

for (const story of groupStories) test(story.name, () => tellGroup(story))
