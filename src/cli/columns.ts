// Tables that fit a width: columns that may be cut are cut, the widest first, and columns that are merely welcome are there
// only if the rest keeps enough. Its idea: a line that wraps is worse than a name whose middle is missing. Off a
// terminal there is no width, and nothing is cut. Pure.

import type { Paint } from './context.ts'
import { type Align, section } from './table.ts'

/** Cell: its text, and how it is painted once it has been cut. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string }

/**
 * Column: `min`: it may be cut to so many characters. `isOptional`: it is there only where the others have what they need:
 * all of their text, or `enough` of it.
 */
export interface Column {
  readonly head: string
  readonly align: Align
  readonly min?: number
  readonly enough?: number
  /** Where it is cut; names often differ at their ends. */
  readonly cut?: 'middle' | 'end'
  readonly isOptional?: boolean
}

const GAP = 2

/** cutEnd: text of at most `width` characters, the last of them … where some are missing. */
export const cutEnd = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1)).trimEnd()}…`

/** cutMiddle: the same, with beginning and end. */
export function cutMiddle(text: string, width: number): string {
  if (text.length <= width) return text
  const end = Math.floor((width - 1) / 2)
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text)

/** fitted: a section of rows (table.ts), no line of it longer than `width`, as far as the columns' `min` allow. */
export function fitted(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
  paint: Pick<Paint, 'faint'>,
): string[] {
  const natural = columns.map(({ head }, at) =>
    Math.max(head.length, ...rows.map((row) => textOf(row[at] ?? '').length)),
  )
  const needed = natural.map((each, at) => Math.min(each, columns[at]!.enough ?? each))
  const kept = keptColumns(columns, needed, width)
  const widths = cutWidths(columns, natural, kept, width)
  const cells = (row: readonly Cell[]) =>
    kept.map((at) => {
      const cell = row[at] ?? ''
      const cut = columns[at]!.cut === 'middle' ? cutMiddle : cutEnd
      const text = cut(textOf(cell), widths[at]!)
      return typeof cell === 'string' || text === '' ? text : cell.paint(text)
    })
  return section(
    kept.map((at) => columns[at]!.head),
    rows.map(cells),
    kept.map((at) => columns[at]!.align),
    paint,
  )
}

/** keptColumns: all that must be there, and of the others, in their order, those with which it fits. */
function keptColumns(columns: readonly Column[], needed: readonly number[], width: number): number[] {
  const used = (kept: ReadonlySet<number>) =>
    [...kept].reduce((sum, at) => sum + needed[at]!, 0) + GAP * (kept.size - 1)
  const kept = new Set(columns.flatMap(({ isOptional }, at) => (isOptional ? [] : at)))
  for (const [at, { isOptional }] of columns.entries())
    if (isOptional && used(new Set([...kept, at])) <= width) kept.add(at)
  return [...kept].sort((a, b) => a - b)
}

/** cutWidths: the widest of those that may be cut gives first. */
function cutWidths(
  columns: readonly Column[],
  natural: readonly number[],
  kept: readonly number[],
  width: number,
): number[] {
  const widths = [...natural]
  const total = () => kept.reduce((sum, at) => sum + widths[at]!, 0) + GAP * (kept.length - 1)
  for (let over = total() - width; over > 0; over--) {
    const able = kept.filter((at) => widths[at]! > (columns[at]!.min ?? Number.POSITIVE_INFINITY))
    if (able.length === 0) break
    const widest = able.reduce((a, b) => (widths[b]! > widths[a]! ? b : a))
    widths[widest]!--
  }
  return widths
}
