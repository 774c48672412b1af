// The stories of persistence.

import { persistenceStories } from '../../../src/dataplane/vectors/persistence.ts'
import { tellAll } from './stories.ts'

/** run throws at the first difference. */
export const run = (first?: string): void => tellAll(persistenceStories, first)
