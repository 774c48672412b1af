// All vectors, by theme. Names are unique.

import { choiceVectors } from './choices.ts'
import { flagVectors } from './flags.ts'
import { fragmentVectors } from './fragments.ts'
import { headerVectors } from './headers.ts'
import { hopVectors } from './hops.ts'
import { hostileVectors } from './hostile.ts'
import { lengthVectors } from './lengths.ts'
import { linkVectors } from './links.ts'
import { plainVectors } from './plain.ts'
import { protocolVectors } from './protocols.ts'
import type { Vector } from './vector.ts'
import { vlanVectors } from './vlan.ts'

/** vectors: what model and kernel must both do. */
export const vectors: readonly Vector[] = [
  ...plainVectors,
  ...flagVectors,
  ...lengthVectors,
  ...headerVectors,
  ...fragmentVectors,
  ...vlanVectors,
  ...linkVectors,
  ...protocolVectors,
  ...hopVectors,
  ...choiceVectors,
  ...hostileVectors,
]
