// Which packets of listeners are asked about at all, by what a shape defends with: the others have no instruction for it
// but a look at two words (path-admit.ts).

import type { DefenceShape } from './defence-shape.ts'
import { TCP_RST, TCP_SYN } from './headers.ts'
import { isOfTcp, isOfUdp, type RuleMatch } from './rule.ts'

/** OPENING: flags of segments that open a flow or may prove a source. */
export const OPENING = TCP_SYN | TCP_RST

/** isOpening: every segment that matches has one of these flags. */
const isOpening = ({ flags }: RuleMatch): boolean => ((flags?.set ?? 0) & OPENING) !== 0

/** Asks: of TCP all, or those with flags of OPENING; of UDP all or none. */
export interface Asks {
  readonly tcp: 'all' | 'opening'
  readonly udp: boolean
}

/** asksOf a shape's defence. SYNs are counted in any case. */
export function asksOf({ rules, sources, known }: DefenceShape): Asks {
  const tcp = rules.filter(({ match }) => isOfTcp(match))
  return {
    tcp: tcp.every(({ match }) => isOpening(match)) ? 'opening' : 'all',
    udp: rules.some(({ match }) => isOfUdp(match)) || sources?.udp === true || known !== undefined,
  }
}
