// How many slots a table has: so many for each member that shares are even, and sizes that nest. A slot is a piece of the
// hash's range, 1/slots of it; a cell is 1/2,048 of it in a table of any size, so what is decided by cell stays where it
// is when a pool grows out of its size (owners.ts).
//
//   0                                 hash                                 2^32
//   |    cell 0     |    cell 1     |    cell 2     |    cell 3     |   ...  |     2,048 cells
//   |   0   |   1   |   2   |   3   |   4   |   5   |   6   |   7   |   ...  |     4,096 slots, 2 a cell
//   | 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | . | . | . | . | . | . |   ...  |     8,192 slots, 4 a cell

/** CELLS of every table, but of that of a single member, which has half as many. */
export const CELLS = 2_048

/** tableSizes: what a table's size is one of: whole cells, or half of them. */
export const tableSizes = [
  1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144, 524_288, 655_360,
] as const
/** isTableSize: whether this version makes tables of so many slots. */
export const isTableSize = (slots: number): boolean => (tableSizes as readonly number[]).includes(slots)
/** How many slots there are at least for a member, up to 1,008 members. */
export const SLOTS_PER_MEMBER = 650

/**
 * tableSize: the smallest size that gives each member 650 slots; the largest one for more than 1,008 members.
 * Members without weight count, so that taking one's weight away changes no size.
 */
export const tableSize = (members: number): number =>
  tableSizes.find((size) => size >= members * SLOTS_PER_MEMBER) ?? tableSizes.at(-1)!
