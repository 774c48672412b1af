// The stories of RSTs, through the generated program, to the first that goes otherwise.

import { flowResetStories } from '../../../src/dataplane/vectors/flow-resets.ts'
import { tellAll } from './stories.ts'

/** run throws at the first difference. */
export const run = (first?: string): void => tellAll(flowResetStories, first)
