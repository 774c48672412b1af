// What follows where a pool's new flows went over to its sorry servers, or back: client networks come back only to those
// that take new flows (`shut`). Its idea: whoever changes slots notes each pool's side before, and has the bits follow
// afterwards; a flow that begins between words and bits is as one that came before the change.

import type { Live } from './status.ts'

/** sidesOf: by pool, whether its sorry servers take what is new. */
export const sidesOf = ({ prepared, assignment }: Live): readonly boolean[] =>
  prepared.plan.pools.map((_, pool) => assignment.poolAt(pool).isSorry)

/** followSides: bits of all servers of pools that are on another side than `before`: those that close come first. */
export function followSides(live: Live, before: readonly boolean[]): void {
  for (const [pool, wasSorry] of before.entries()) followSide(live, pool, wasSorry)
}

/** followSide: the same of one pool. */
export function followSide(live: Live, pool: number, wasSorry: boolean): void {
  const { prepared, generation, assignment, known } = live
  if (assignment.poolAt(pool).isSorry === wasSorry) return
  const { ids } = prepared.plan.pools[pool]!
  const isOpen = ids.map((_, member) => assignment.isOpen(pool, member, known))
  for (const opens of [false, true])
    for (const [member, id] of ids.entries())
      if (isOpen[member] === opens) generation.storeBit(prepared, 'shut', pool, id, !opens)
}
