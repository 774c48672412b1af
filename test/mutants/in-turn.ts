// The items of a suite, one after the other, to the first that is not as it should be. One may go first: what noticed a
// mutant before notices it again nearly always (noticed-by.json), and the programs of all others need not be loaded.

/** Differs: an item of a suite is not as it should be; `cause` says how. */
export class Differs extends Error {
  readonly item: string

  constructor(item: string, cause: unknown) {
    super(`${item}: ${cause instanceof Error ? cause.message : cause}`, { cause })
    this.item = item
  }
}

/** inTurn looks at every item, at the one called `first` before the others. Throws Differs at the first that throws. */
export function inTurn<T extends { readonly name: string }>(
  items: readonly T[],
  first: string | undefined,
  look: (item: T) => void,
): void {
  const isFirst = ({ name }: T): boolean => name === first
  for (const item of [...items.filter(isFirst), ...items.filter((each) => !isFirst(each))])
    try {
      look(item)
    } catch (error) {
      throw new Differs(item.name, error)
    }
}
