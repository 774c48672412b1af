// Where a fact of a packet is kept on its way from the parsing to the common end: nowhere when all packets of the
// file have the same, in a register on the straight path, on the stack on the ways behind it, so that these hold no
// register while the straight path runs. The function of the slow path reaches its caller's stack by a pointer.

import { invariant } from '../base/errors.ts'
import type { Builder } from '../bpf/builder.ts'
import { maxOf, type Stashed } from '../bpf/emitter.ts'
import type { Place, Val } from '../bpf/values.ts'
import type { OutcomeName } from './outcomes.ts'

export type Path = Builder<OutcomeName>
export type CellKind = 'u32' | 'u64'

/** Lent: a stack slot of the caller. */
interface Lent<K extends CellKind> {
  readonly lent: Place<'u32' | 'u64'>
  readonly kind: K
  readonly max: number
}

/** Cell: a constant, a register or a stack slot. */
export type Cell<K extends CellKind = 'u32'> = number | Val<K> | Stashed<K> | Lent<K>

/** Home: where the cells of a way are. */
export type Home = 'register' | 'stack'

/** cell makes one, for values up to `max`. */
export const cell = <K extends CellKind>(p: Path, home: Home, kind: K, max: number): Val<K> | Stashed<K> =>
  home === 'register' ? p.variable(kind, max) : p.slot(kind, max)

const isSlot = <K extends CellKind>(cell: Cell<K>): cell is Stashed<K> =>
  typeof cell === 'object' && 'offset' in cell
const isLent = <K extends CellKind>(cell: Cell<K>): cell is Lent<K> =>
  typeof cell === 'object' && 'lent' in cell

/** Lender: a pointer into the caller's stack, `origin` bytes from its frame pointer. */
export interface Lender {
  readonly pointer: Val<'u64'>
  readonly origin: number
}

/** lend: a cell of the caller's, where it is on the stack; a constant is known anyway. */
export function lend<K extends CellKind>(cell: Cell<K>, { pointer, origin }: Lender): Cell<K> {
  if (!isSlot(cell)) return cell
  const place = {
    base: { is: 'register', reg: pointer.reg },
    offset: cell.offset - origin,
    type: cell.isVague ? 'u32' : 'u64',
  } as const
  return { lent: place, kind: cell.kind as K, max: cell.max }
}

/** put a value into a cell; a constant cell has it already. */
export function put<K extends CellKind>(p: Path, cell: Cell<K>, value: Val<K> | number): void {
  if (typeof cell === 'number') return
  if (isLent(cell)) p.store<'u32' | 'u64'>(cell.lent, value as Val<'u64'> | number)
  else if (isSlot(cell)) p.setSlot(cell, value)
  else p.set(cell as Val<'u32'>, value as Val<'u32'>)
}

/** putHalves of a word into a cell of the caller's. */
export function putHalves(p: Path, cell: Cell<'u64'>, lower: Val<'u32'>, upper: Val<'u32'>): void {
  invariant(isLent(cell), 'halves are put into cells of the caller')
  const { base, offset } = cell.lent
  p.store<'u32'>({ base, offset, type: 'u32' }, lower)
  p.store<'u32'>({ base, offset: offset + 4, type: 'u32' }, upper)
}

/** putUpper: the upper half of a word of the caller's. */
export function putUpper(p: Path, cell: Cell<'u64'>, upper: Val<'u32'>): void {
  invariant(isLent(cell), 'a half is put into a cell of the caller')
  const { base, offset } = cell.lent
  p.store<'u32'>({ base, offset: offset + 4, type: 'u32' }, upper)
}

/** take what is in a cell. */
export function take<K extends CellKind>(p: Path, cell: Cell<K>): Val<K> | number {
  if (isLent(cell)) {
    const value = p.widen(p.load<'u32' | 'u64'>(cell.lent))
    if (cell.kind === 'u64') return value as Val<K>
    // what bounds an index is a mask, which the verifier knows of the caller's slot too
    const mask = 2 ** Math.ceil(Math.log2(cell.max + 1)) - 1
    return (mask < maxOf('u32') ? p.alu('and', p.narrow(value), mask) : p.narrow(value)) as Val<K>
  }
  return isSlot(cell) ? p.unstash(cell) : cell
}

/** move what is in one cell into another of the same kind. */
export function move<K extends CellKind>(p: Path, from: Cell<K>, to: Cell<K>): void {
  if (typeof from === 'number' || from === to) return
  put(p, to, take(p, from) as Val<K>)
}
