// Names of the file's own: what a name is, and who has what.

import { didYouMean } from '../base/nearest.ts'
import { isName } from '../base/ranges.ts'
import { describe } from './check-shape.ts'
import type { Findings } from './findings.ts'
import type { Entry, Merged } from './merge.ts'
import { keyOf, type Place } from './source.ts'

/** NAME_RULE: what a name is, for messages. */
export const NAME_RULE = 'a name is a letter, then letters, digits, "-", "_" and ".", at most 63'

/** named: an entry's name is one; otherwise a finding. */
export function named({ name, place }: Entry<unknown>, findings: Findings): boolean {
  if (!isName(name)) findings.add(keyOf(place), `${describe(name)} is not a name: ${NAME_RULE}`)
  return isName(name)
}

/** Owner: what has an address, in words, and where the file says so. */
export interface Owner {
  readonly what: string
  readonly place: Place
}

/** checkRole: that interfaces has it. */
export function checkRole(
  role: string,
  place: Place,
  { interfaces, incomplete }: Pick<Merged, 'interfaces' | 'incomplete'>,
  findings: Findings,
): void {
  const roles = interfaces.map((entry) => entry.name)
  if (roles.includes(role) || incomplete.has('interfaces')) return
  const remedy = didYouMean(role, roles) || `: add it, for example ${role}: eth0`
  findings.add(place, `${describe(role)} is no role of interfaces${remedy}`)
}
