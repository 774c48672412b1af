// Numbers that outlive a generation: slots and records of flows name servers and services by number, so who is in the
// generation before keeps the number it had there. Whoever is new gets the lowest one that neither has: a number is
// free only in the generation after the one that lost it, when no record names it any more.

import { TenbinError } from '../base/errors.ts'
import { MAX_INTERFACES } from '../dataplane/shape.ts'

/** Ids: by number, what has it; undefined: nobody. */
export type Ids = readonly (string | undefined)[]

/** What numbers are for, how many there are, and the first one. */
interface Kind {
  readonly what: string
  readonly first: number
  readonly limit: number
}
/** Server ids have 15 bits: 0 is nobody, the last one means "ask the table of before". */
export const SERVER_IDS: Kind = { what: 'servers', first: 1, limit: 0x7fff }
/** Service indexes have 16 bits in a listener's entry. */
export const SERVICE_IDS: Kind = { what: 'services', first: 0, limit: 0x10000 }
/** Interface numbers have a byte in a server's entry. */
export const INTERFACE_IDS: Kind = { what: 'interfaces', first: 0, limit: MAX_INTERFACES }

/** keepIds numbers `names`, which differ. Throws IDS_EXHAUSTED. */
export function keepIds(names: readonly string[], before: Ids, { what, first, limit }: Kind): Ids {
  const known = new Map(before.flatMap((name, id) => (name === undefined ? [] : [[name, id] as const])))
  const ids: (string | undefined)[] = []
  const fresh: string[] = []
  for (const name of names) {
    const id = known.get(name)
    if (id === undefined) fresh.push(name)
    else ids[id] = name
  }
  let id = first
  for (const name of fresh) {
    while (ids[id] !== undefined || before[id] !== undefined) id++
    if (id >= limit) {
      throw new TenbinError('IDS_EXHAUSTED', `number ${names.length} ${what}`, {
        detail:
          names.length > limit - first
            ? `the file has ${names.length} ${what}, and ${limit - first} can be told apart`
            : `${fresh.length} of the file's ${names.length} ${what} are new, ${known.size} were there before, and together they may be ${limit - first}`,
      })
    }
    ids[id] = name
  }
  // a hole in the middle of an array is not an element: make it one
  return Array.from({ length: Math.max(first, ids.length) }, (_, at) => ids[at])
}
