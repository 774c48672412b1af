// Every story through the generated program, in this kernel.

import { test } from 'node:test'
import { fixtures } from '../../src/dataplane/vectors/fixtures.ts'
import { stories } from '../../src/dataplane/vectors/stories.ts'
import { affinity, setAffinity } from '../../src/sys/affinity.ts'
import { KernelPath } from './kernel-path.ts'
import { tellStory } from './tell-story.ts'

// what is bounded is bounded for each CPU
setAffinity(affinity().slice(0, 1))

for (const story of stories)
  test(story.name, () => {
    using path = new KernelPath(fixtures[story.fixture])
    tellStory(path, story)
  })
