// All vectors, by theme. Names are unique.

import { acceptVectors } from './accept.ts'
import { bothProtocolVectors } from './both-protocols.ts'
import { choiceVectors } from './choices.ts'
import { defenceVectors } from './defence.ts'
import { egressVectors } from './egress.ts'
import { errorVectors } from './errors.ts'
import { exceededVectors } from './exceeded.ts'
import { flagVectors } from './flags.ts'
import { fragmentVectors } from './fragments.ts'
import { hairpinVectors } from './hairpins.ts'
import { headerVectors } from './headers.ts'
import { hopVectors } from './hops.ts'
import { hostileVectors } from './hostile.ts'
import { lengthVectors } from './lengths.ts'
import { linkVectors } from './links.ts'
import { plainVectors } from './plain.ts'
import { protocolVectors } from './protocols.ts'
import { rangeVectors } from './ranges.ts'
import { sixChainVectors } from './six-chains.ts'
import { sixChoiceVectors } from './six-choices.ts'
import { sixErrorVectors } from './six-errors.ts'
import { sixFragmentVectors } from './six-fragments.ts'
import { sixHashVectors } from './six-hash.ts'
import { sixLinkVectors } from './six-links.ts'
import { sixNextVectors } from './six-next.ts'
import { sixPlainVectors } from './six-plain.ts'
import { tableVectors } from './tables.ts'
import { turnVectors } from './turns.ts'
import { udpVectors } from './udp.ts'
import type { Vector } from './vector.ts'
import { virtualVectors } from './virtual.ts'
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
  ...udpVectors,
  ...bothProtocolVectors,
  ...errorVectors,
  ...exceededVectors,
  ...sixPlainVectors,
  ...sixNextVectors,
  ...sixChainVectors,
  ...sixFragmentVectors,
  ...sixChoiceVectors,
  ...sixHashVectors,
  ...sixLinkVectors,
  ...sixErrorVectors,
  ...tableVectors,
  ...rangeVectors,
  ...egressVectors,
  ...hairpinVectors,
  ...turnVectors,
  ...virtualVectors,
  ...acceptVectors,
  ...defenceVectors,
]
