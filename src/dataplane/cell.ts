// Where a fact of a packet is kept on its way from the parsing to the common end: nowhere when all packets of the
// file have the same, in a register on the straight path, on the stack on the ways behind it, so that these hold no
// register while the straight path runs.

import type { Builder } from '../bpf/builder.ts'
import type { Stashed } from '../bpf/emitter.ts'
import type { Val } from '../bpf/values.ts'
import type { OutcomeName } from './outcomes.ts'

export type Path = Builder<OutcomeName>
export type CellKind = 'u32' | 'u64'

/** Cell: a constant, a register or a stack slot. */
export type Cell<K extends CellKind = 'u32'> = number | Val<K> | Stashed<K>

/** Home: where the cells of a way are. */
export type Home = 'register' | 'stack'

/** cell makes one, for values up to `max`. */
export const cell = <K extends CellKind>(p: Path, home: Home, kind: K, max: number): Val<K> | Stashed<K> =>
  home === 'register' ? p.variable(kind, max) : p.slot(kind, max)

const isSlot = <K extends CellKind>(cell: Cell<K>): cell is Stashed<K> =>
  typeof cell === 'object' && 'offset' in cell

/** put a value into a cell; a constant cell has it already. */
export function put<K extends CellKind>(p: Path, cell: Cell<K>, value: Val<K> | number): void {
  if (typeof cell === 'number') return
  if (isSlot(cell)) p.setSlot(cell, value)
  else p.set(cell as Val<'u32'>, value as Val<'u32'>)
}

/** take what is in a cell. */
export const take = <K extends CellKind>(p: Path, cell: Cell<K>): Val<K> | number =>
  isSlot(cell) ? p.unstash(cell) : cell

/** move what is in one cell into another of the same kind. */
export function move<K extends CellKind>(p: Path, from: Cell<K>, to: Cell<K>): void {
  if (typeof from === 'number' || from === to) return
  put(p, to, take(p, from) as Val<K>)
}
