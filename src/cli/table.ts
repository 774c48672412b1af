// Aligned columns of text for people. Widths are counted without colour codes; the last column is not padded, so
// that no line ends in spaces.

import { stripVTControlCharacters } from 'node:util'
import type { Paint } from './context.ts'

/** Align: per column, left (text) or right (numbers). */
export type Align = 'left' | 'right'

/** table lays rows out in columns two spaces apart. Rows may be shorter than `align`. */
export function table(rows: readonly (readonly string[])[], align: readonly Align[]): string[] {
  const width = (text: string) => stripVTControlCharacters(text).length
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => width(row[column] ?? ''))))
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const space = ' '.repeat(Math.max(0, widths[column]! - width(cell)))
        return align[column] === 'right' ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd(),
  )
}

/** section: a table with a line of heads, and an empty line before it. */
export function section(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly Align[],
  paint: Pick<Paint, 'faint'>,
): string[] {
  const [head, ...body] = table([heads, ...rows], align)
  return ['', paint.faint(head!), ...body]
}

/** wrap breaks a list of words into lines of at most `columns`, joined by ", ". A longer word stays whole. */
export function wrap(words: readonly string[], columns: number): string[] {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 2 + word.length <= columns)
      lines[lines.length - 1] = `${last}, ${word}`
    else lines.push(word)
  }
  return lines.map((line, i) => (i < lines.length - 1 ? `${line},` : line))
}

/** countText writes a count with thousands apart: 12,345. */
export const countText = (count: bigint | number | string): string => BigInt(count).toLocaleString('en-US')

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** bytesText writes bytes in three digits or so: 950 B, 12.3 MB (decimal units). */
export function bytesText(bytes: bigint | number | string): string {
  let value = Number(bytes)
  let unit = 0
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)} ${byteUnits[unit]}`
}

/** shareText writes a part of a whole: 33.3 %. */
export const shareText = (share: number): string => `${(share * 100).toFixed(1)} %`

/** agoText writes a length of time in two units at most: 45s, 12m, 3h12m, 5d. */
export function agoText(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000))
  const [d, h, m] = [Math.floor(s / 86_400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60]
  if (d > 0) return h > 0 ? `${d}d${h}h` : `${d}d`
  if (h > 0) return m > 0 ? `${h}h${m}m` : `${h}h`
  if (m >= 10 || s % 60 === 0) return m > 0 ? `${m}m` : `${s}s`
  return m > 0 ? `${m}m${s % 60}s` : `${s}s`
}

const rateUnits = ['', 'k', 'M', 'G', 'T']

/** rateText writes a rate in three digits or so: 0.3, 42, 12.3k, 1.2M; - where it is not known yet. */
export function rateText(rate: number | undefined): string {
  if (rate === undefined) return '-'
  if (rate === 0) return '0'
  let value = rate
  let unit = 0
  while (value >= 999.5 && unit < rateUnits.length - 1) {
    value /= 1000
    unit++
  }
  const isRound = value >= 99.95 || (unit === 0 && value >= 9.95)
  return `${isRound ? value.toFixed(0) : value.toFixed(1)}${rateUnits[unit]}`
}
