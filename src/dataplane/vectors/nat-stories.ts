// All stories of nat, by theme. Names are unique.

import { natBackStories } from './nat-back.ts'
import { natBelongingStories } from './nat-belonging.ts'
import { natChecksumStories } from './nat-checksums.ts'
import { natEarlyStories } from './nat-early.ts'
import { natEgressStories } from './nat-egress.ts'
import { natFlowStories } from './nat-flows.ts'
import { natHairpinStories } from './nat-hairpins.ts'
import { natPieceStories } from './nat-pieces.ts'
import { natRecordStories } from './nat-records.ts'
import type { NatStory } from './nat-story.ts'

/** natStories. */
export const natStories: readonly NatStory[] = [
  ...natFlowStories,
  ...natRecordStories,
  ...natChecksumStories,
  ...natBelongingStories,
  ...natEgressStories,
  ...natHairpinStories,
  ...natBackStories,
  ...natPieceStories,
  ...natEarlyStories,
]

/** asksRoutes: whether a story's node forwards by routes of its kernel, which where it is told must be as kept-addresses.ts says. */
export const asksRoutes = ({ steps }: NatStory): boolean => steps.some(({ awaits }) => awaits === true)
