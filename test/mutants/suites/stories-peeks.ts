// The stories of errors about flows and later fragments, through the generated program, to the first that goes otherwise.

import { flowPeekStories } from '../../../src/dataplane/vectors/flow-peeks.ts'
import { tellAll } from './stories.ts'

/** run throws at the first difference. */
export const run = (first?: string): void => tellAll(flowPeekStories, first)
