// All stories of tracked flows, by theme. Names are unique.

import { countingChoiceStories } from './counting-choices.ts'
import { countingLoadStories } from './counting-loads.ts'
import { countingTurnStories } from './counting-turns.ts'
import { flowBeforeStories } from './flow-before.ts'
import { flowEgressStories } from './flow-egress.ts'
import { flowIdentityStories } from './flow-identities.ts'
import { flowPeekStories } from './flow-peeks.ts'
import { flowPlaceStories } from './flow-places.ts'
import { flowResetStories } from './flow-resets.ts'
import { flowSegmentStories } from './flow-segments.ts'
import { flowTimeStories } from './flow-times.ts'
import { flowUdpStories } from './flow-udp.ts'
import { persistenceStories } from './persistence.ts'
import type { Story } from './story.ts'

/** flowStories: what model and kernel must both tell. */
export const flowStories: readonly Story[] = [
  ...flowSegmentStories,
  ...flowUdpStories,
  ...flowPlaceStories,
  ...flowTimeStories,
  ...flowResetStories,
  ...flowIdentityStories,
  ...flowBeforeStories,
  ...flowEgressStories,
  ...flowPeekStories,
  ...persistenceStories,
  ...countingTurnStories,
  ...countingLoadStories,
  ...countingChoiceStories,
]
