// The final order of a function: the hot path first, straight down, cold regions behind it in the order in which
// they opened. A jump from cold code back to the hot path goes backwards but closes no cycle, which the verifier
// accepts (tried on 6.1 and 6.18). Gotos to the very next place are dropped.

import { invariant } from '../base/errors.ts'
import type { AllocatedItem } from './allocate.ts'
import { type Item, isInsn } from './assemble.ts'
import { isInstruction, type VirtualItem } from './code.ts'
import { CALL, EXIT, isGoto } from './isa.ts'

const leaves = (item: VirtualItem | undefined): boolean =>
  item !== undefined && isInstruction(item) && (item.code === EXIT || isGoto(item))

/** hotPathLeaves: whether the last item outside of cold regions leaves, so that nothing behind is fallen into. */
export function hotPathLeaves(items: readonly VirtualItem[]): boolean {
  let depth = 0
  const last = items.findLast((item) => {
    if ('cold' in item) depth += item.cold ? -1 : 1
    return depth === 0 && !('cold' in item)
  })
  return leaves(last)
}

function withoutEmptyGotos(items: readonly Item[]): Item[] {
  return items.filter((item, at) => {
    if (!isInsn(item) || !isGoto(item)) return true
    for (let next = at + 1; next < items.length; next++) {
      const place = items[next]!
      if (isInsn(place)) return true
      if (place.bind === item.to) return false
    }
    return true
  })
}

/** layout moves cold regions to the end. A region that falls through its end is a bug (invariant). */
export function layout(name: string, items: readonly AllocatedItem[]): Item[] {
  invariant(hotPathLeaves(items), `${name}: the hot path runs off the end`)
  const regions: Item[][] = [[]]
  const open = [regions[0]!]
  for (const item of items) {
    if (!('cold' in item)) {
      open.at(-1)!.push(item)
    } else if (item.cold) {
      const region: Item[] = []
      regions.push(region)
      open.push(region)
    } else {
      invariant(leaves(open.pop()!.at(-1)), `${name}: a cold block must end by leaving`)
    }
  }
  invariant(open.length === 1, `${name}: a cold block is still open`)
  return withoutEmptyGotos(regions.flat())
}

/** callees: labels of the functions that the items call. */
export const callees = (items: readonly Item[]) =>
  items.flatMap((item) => (isInsn(item) && item.code === CALL && item.to ? [item.to] : []))
