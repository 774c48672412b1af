// Whether two specs are defended by the same program and lists. What differs beside is live (EngineDefence.set).

import type { Prefix } from '../base/prefix.ts'
import type { DefenceSpec } from '../engine/defence-spec.ts'

interface Defended {
  readonly defence?: DefenceSpec
}

/** isDefendedAlike: rules, whether proof is asked for at all, and lists are the same. */
export const isDefendedAlike = (a: Defended, b: Defended): boolean =>
  a.defence?.only === b.defence?.only &&
  areAlike(a.defence?.allow, b.defence?.allow) &&
  areAlike(a.defence?.deny, b.defence?.deny) &&
  textOf(a) === textOf(b)

/** areAlike: the same networks in the same order; a list may be long. */
const areAlike = (a: readonly Prefix[] = [], b: readonly Prefix[] = []): boolean =>
  a === b ||
  (a.length === b.length &&
    a.every(({ address, length }, i) => address === b[i]!.address && length === b[i]!.length))

const textOf = ({ defence }: Defended): string =>
  JSON.stringify([defence?.rules, defence?.proof], (_, each) =>
    typeof each === 'bigint' ? `${each}n` : each,
  )
