// `quorum: 2`, `quorum: 50%`, or with hysteresis `quorum: { up: 3, down: 2 }`: how much of a pool has to be up. Numbers are
// sums of weights, as keepalived's; with weights of 1, which is what they are unless said otherwise, that is servers. A
// share is of the weights that the file gives the pool. keepalived's `quorum Q` with `hysteresis H` is { up: Q+H, down: Q-H }.

import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { ServiceShape } from './schema-services.ts'
import { inside, type Place } from './source.ts'

type Shape = NonNullable<ServiceShape['quorum']>

/** Quorum: sums of weights. Below `down` it is lost, at `up` and above it is there again. */
export interface Quorum {
  readonly up: number
  readonly down: number
}

/** QUORUM: lost where nobody is up. */
export const QUORUM: Quorum = { up: 1, down: 1 }

/** resolveQuorum for a pool of so much weight; undefined, and findings at `at`, where it is not right. */
export function resolveQuorum(
  value: Shape,
  total: number,
  at: Place,
  findings: Findings,
): Quorum | undefined {
  const of = (amount: number | string, place: Place): number | undefined => {
    const sum = amountOf(amount, total)
    if (sum === undefined)
      findings.add(place, `${describe(amount)} is not a share: write a sum of weights such as 2, or 50%`)
    else if (sum > total)
      findings.add(place, `a quorum of ${sum} is never reached: the pool's weights are ${total} together`)
    return sum !== undefined && sum <= total ? sum : undefined
  }
  if (typeof value !== 'object') {
    const sum = of(value, at)
    return sum === undefined ? undefined : { up: sum, down: sum }
  }
  const [up, down] = [of(value.up, inside(at, 'up')), of(value.down, inside(at, 'down'))]
  if (up === undefined || down === undefined) return undefined
  if (down <= up) return { up, down }
  findings.add(
    inside(at, 'down'),
    `a quorum is lost below ${down} and back at ${up}: write a down that is not above up`,
  )
  return undefined
}

/** amountOf: `50%` of 3 is 2: a share is rounded up. */
function amountOf(amount: number | string, total: number): number | undefined {
  if (typeof amount === 'number') return amount
  const percent = /^([1-9]\d?|100)%$/.exec(amount)?.[1]
  return percent === undefined ? undefined : Math.ceil((total * Number(percent)) / 100)
}
