// The stories of where records are and go, through the generated program, to the first that goes otherwise.

import { flowPlaceStories } from '../../../src/dataplane/vectors/flow-places.ts'
import { tellAll } from './stories.ts'

/** run throws at the first difference. */
export const run = (first?: string): void => tellAll(flowPlaceStories, first)
