// Carpet bombing: packets spread over a whole network of which services have a few addresses. Those of services are judged with
// them; of the others, which the node's kernel gets and finds nobody for, nothing is recorded, but the kernel counts them.
// What does not come here costs nothing: the remedy is the router's. Pure.

import type { Verdict } from './verdict.ts'
import { countText, NOBODY, perSecond } from './verdict-words.ts'

/** LEAST: packets a second that are much, TIMES what is usual. */
const LEAST = 1_000
const TIMES = 4
/** TAU_S: how long what is usual takes to become something else; LEARNED_S: seconds after which it is known. */
const [TAU_S, LEARNED_S] = [1_800, 60]

/** Strays: packets to what nobody has: how many a second, and what is usual. */
export class Strays {
  #seconds = 0
  #average = 0

  /** judge a second. */
  judge(perS: number): Verdict {
    const usual = this.#seconds < LEARNED_S ? undefined : this.#average
    const isMuch = perS >= Math.max(LEAST, TIMES * (usual ?? 0))
    const known = usual === undefined ? [] : [`usual are ${perSecond(usual)}`]
    const verdict = { service: NOBODY, perS, sources: 0 }
    if (!isMuch) {
      this.#seconds++
      this.#average += (perS - this.#average) / Math.min(this.#seconds, TAU_S)
      return {
        ...verdict,
        kind: 'calm',
        reasons: known,
        text: [`${NOBODY}: calm, ${perSecond(perS)}`, ...known].join(', '),
      }
    }
    const reasons = [
      'to addresses and UDP ports that nobody has here',
      ...known,
      "it is this node's kernel that they keep busy: have the router send only the services' addresses here",
    ]
    return {
      ...verdict,
      kind: 'carpet',
      reasons,
      text: `${NOBODY}: carpet, ${[`${countText(perS)}/s`, ...reasons].join(', ')}`,
    }
  }
}
