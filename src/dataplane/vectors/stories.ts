// All stories, by theme. Names are unique.

import { exceededStories } from './exceeded-stories.ts'
import { fragmentStories } from './fragment-stories.ts'
import type { Story } from './story.ts'

/** stories: what model and kernel must both do. */
export const stories: readonly Story[] = [...exceededStories, ...fragmentStories]
