// The parts of a defence by name, for a plan: what comes, goes or changes of it is said part by part. A file that says nothing
// of it has some, so that taking `off` out of it adds them.

import { formatPrefix, type Prefix } from '../base/prefix.ts'
import type { DesiredState } from '../config/state.ts'

/** rulesOf a state, by name. */
export const rulesOf = ({ defence }: DesiredState): ReadonlyMap<string, unknown> =>
  new Map((defence?.rules ?? []).map((rule) => [rule.name, rule]))

/** defencesOf a state: `proof`, `recorder` and the other keys of the file, each with its fields. */
export function defencesOf({ defence }: DesiredState): ReadonlyMap<string, unknown> {
  if (!defence) return new Map()
  const { allow, deny, only, proof, sources, ceiling, recorder, doubt } = defence
  const parts: readonly (readonly [string, unknown])[] = [
    ['proof', proof],
    ['sources', sources],
    ['ceiling', ceiling === undefined ? undefined : { rate: ceiling }],
    ['allow', networks(allow)],
    ['deny', networks(deny)],
    ['only', only || undefined],
    ['recorder', recorder],
    ['doubt', doubt === undefined ? undefined : { of: `${Math.round(1000 * doubt) / 10}%` }],
  ]
  return new Map(parts.filter(([, part]) => part !== undefined))
}

const networks = (list: readonly Prefix[]): { readonly networks: readonly string[] } | undefined =>
  list.length === 0 ? undefined : { networks: list.map(formatPrefix) }
