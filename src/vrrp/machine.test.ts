import { test } from 'node:test'
import { stories, tell } from '../../test/vrrp/machine-stories.ts'

for (const story of stories) test(story.name, () => tell(story))
