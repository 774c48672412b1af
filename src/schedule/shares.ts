// How many slots each member owns. As if members took slots in turns, in iterations: the heaviest one takes one in each,
// another one as often as its weight says, and all of them in the first, so that none with a weight goes empty-handed.
// Who has had how many turns after so many iterations is a division, so no turn is gone through.

import { invariant } from '../base/errors.ts'
import type { Member } from './members.ts'

/**
 * sharesOf the slots, by member: within one slot and members/slots of its fair part. Some member must have a weight, and
 * there must be a slot for each that has.
 */
export function sharesOf(members: readonly Member[], slots: number): Uint32Array<ArrayBuffer> {
  const heaviest = members.reduce((max, { weight }) => Math.max(max, weight), 0)
  const takers = members.filter(({ weight }) => weight > 0).length
  invariant(takers > 0 && slots >= takers, `${members.length} members for ${slots} slots`)
  // A member's k-th turn, from 0 on, is due in iteration ceil(k * heaviest / weight). Below 2^36: exact.
  const turns = (weight: number, iteration: number): number =>
    weight > 0 ? Math.floor((iteration * weight) / heaviest) + 1 : 0
  const all = (iteration: number): number =>
    members.reduce((sum, { weight }) => sum + turns(weight, iteration), 0)
  // the last iteration that ends within the slots: the first one does, and the heaviest alone fills one of so many
  let [last, beyond] = [0, slots]
  while (beyond - last > 1) {
    const middle = (last + beyond) >>> 1
    if (all(middle) <= slots) last = middle
    else beyond = middle
  }
  const shares = Uint32Array.from(members, ({ weight }) => turns(weight, last))
  let left = slots - all(last)
  // of the iteration that is cut short the first ones have their turn
  for (const [member, { weight }] of members.entries()) {
    if (left === 0) break
    if (turns(weight, last + 1) === shares[member]) continue
    shares[member]!++
    left--
  }
  return shares
}
