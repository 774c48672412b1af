// Whether a pool's sorry servers take its new flows. The rule is here alone, for slots and for schedulers that count: they
// do where no member can, whatever keeps them (a check, the neighbour table, an operator), or where whoever watches the
// pool says that too few are left; but never where no sorry server can, for then what is left is better than nobody.

/**
 * usesSorry: `counts` is what counts of each server now (a part, or a weight): of members up to `members`, of sorry
 * servers from there on. `isLost`: the pool has lost its quorum.
 */
export function usesSorry(counts: ArrayLike<number>, members: number, isLost: boolean): boolean {
  const isAny = (from: number, to: number): boolean => {
    for (let at = from; at < to; at++) if (counts[at]! > 0) return true
    return false
  }
  return isAny(members, counts.length) && (isLost || !isAny(0, members))
}
