// How keys are exchanged without a moment in which two nodes do not know each other, and without anybody who is in charge:
// each node does what follows from its own keys and from what the others say of theirs, so a rotation that is cut off at
// any step goes on when the nodes see each other again.
//
//   {current A}  ->  {current A, next B}  ->  {current B, previous A}  ->  {current B}
//        offered: all get B         all have B             all show B
//
// Trusted is whatever a node has. So two nodes do not know each other only where one has A alone and the other B alone,
// which the two conditions rule out.
//
// A node that does not come back holds all of it up, unless somebody says that the exchange goes on `without` it: then it is
// not waited for, gets nothing, and is in the cluster again when it has joined anew. Nodes tell each other whom they leave.

/** KeyIds: ids of the authorities that a node has. */
export interface KeyIds {
  readonly current: string
  readonly next?: string | undefined
  readonly previous?: string | undefined
  /** without: nodes that are left without the newest of these. */
  readonly without?: readonly string[] | undefined
}

/** OtherKeys: those of another node, as it said last; `isConnected`: it said so within the last seconds. */
export interface OtherKeys {
  readonly node: string
  readonly isConnected: boolean
  readonly keys?: KeyIds | undefined
}

/** Step: what to do now. `offer`: hand the next seed to these nodes; `promote`: sign with it; `forget` the one before. */
export type Step =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'offer'; readonly to: readonly string[] }
  | { readonly kind: 'promote' }
  | { readonly kind: 'forget' }

/** rotationStep follows from `own` and all other nodes of the file. */
export function rotationStep(own: KeyIds, all: readonly OtherKeys[]): Step {
  const { current, next, previous, without = [] } = own
  const others = all.filter(({ node }) => !without.includes(node))
  const every = (holds: (keys: KeyIds) => boolean) =>
    others.every(({ isConnected, keys }) => isConnected && keys !== undefined && holds(keys))
  if (next !== undefined) {
    const has = (keys: KeyIds) => keys.next === next || keys.current === next
    if (every(has)) return { kind: 'promote' }
    const to = others.flatMap(({ node, isConnected, keys }) =>
      isConnected && keys && !has(keys) ? [node] : [],
    )
    return to.length > 0 ? { kind: 'offer', to } : { kind: 'nothing' }
  }
  if (previous !== undefined && every((keys) => keys.current === current)) return { kind: 'forget' }
  return { kind: 'nothing' }
}

/** takes: whether a node with `own` takes an authority that is offered as the next one. Of two the greater id wins. */
export const takes = ({ current, next, previous }: KeyIds, offered: string): boolean =>
  offered !== current && offered !== previous && (next === undefined || offered > next)

/**
 * leftOut: who is left without the newest key from now on, of the other nodes of the file: whom this node leaves, and whom those
 * leave that exchange for the same key; until the exchange is over and it has that key all the same. Before, what one that is
 * left says of its keys counts for nothing: whoever has the old one is connected, and could say so to be offered the new one.
 */
export function leftOut(own: KeyIds, others: readonly OtherKeys[]): readonly string[] {
  const newest = newestOf(own)
  const isOver = own.next === undefined && own.previous === undefined
  const isHeard = (node: string) => isOver || !own.without?.includes(node)
  const same = others.flatMap(({ node, isConnected, keys }) =>
    isConnected && keys && newestOf(keys) === newest && isHeard(node) ? [{ node, keys }] : [],
  )
  const left = new Set([...(own.without ?? []), ...same.flatMap(({ keys }) => keys.without ?? [])])
  if (isOver) for (const { node, keys } of same) if (keys.current === own.current) left.delete(node)
  return others.flatMap(({ node }) => (left.has(node) ? [node] : []))
}

const newestOf = ({ current, next }: KeyIds): string => next ?? current
