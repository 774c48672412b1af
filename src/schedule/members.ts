// Who a table is made for: names and weights, in an order that does not depend on that of the file.

import { invariant } from '../base/errors.ts'

/** Member: a server of a pool. `weight` 0..65,535; with 0 it is known but owns no slot. */
export interface Member {
  readonly name: string
  readonly weight: number
}

export const MAX_WEIGHT = 65_535
/** Member ids have 15 bits in a slot's word, 0 is nobody, and the last one is no server's either. */
export const MAX_MEMBERS = 32_766

/** sortMembers: by the bytes of their names in UTF-8, which must differ. The order of a table's member indexes. */
export function sortMembers(members: readonly Member[]): readonly Member[] {
  const keyed = members.map((member) => ({ member, key: Buffer.from(member.name) }))
  keyed.sort((a, b) => Buffer.compare(a.key, b.key))
  for (const [i, { member, key }] of keyed.entries()) {
    const { name, weight } = member
    invariant(Number.isInteger(weight) && weight >= 0 && weight <= MAX_WEIGHT, `weight ${weight} of ${name}`)
    invariant(i === 0 || !key.equals(keyed[i - 1]!.key), `two members are named ${name}`)
  }
  invariant(members.length <= MAX_MEMBERS, `${members.length} members`)
  return keyed.map(({ member }) => member)
}
