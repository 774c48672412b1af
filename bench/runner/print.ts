// Runs as tables for people: pure, text out. Columns are as wide as what is in them.

import type { Machine, Row, Run } from './row.ts'

/** number: about four digits that mean something: 52.13, 1021, 0.0067. */
export const number = (value: number): string =>
  Math.abs(value) >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(4)))

/** columns aligns cells, the first column to the left, all others to the right. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const machineLine = ({ cpu, cpus, kernel, node, commit }: Machine): string =>
  `${cpu}, ${cpus} CPUs, Linux ${kernel}, Node ${node}, commit ${commit}`

const checksOf = ({ checks = {} }: Row): string =>
  Object.entries(checks)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

/** runTable: a run, with the machine above and what is wrong below. */
export function runTable({ bench, machine, rows }: Run): string {
  const head = ['row', 'median', 'unit', 'min', 'max', 'runs', 'checks']
  const body = rows.map((row) => [
    row.name,
    ...[number(row.value), row.unit, number(row.min), number(row.max), String(row.runs), checksOf(row)],
  ])
  const wrong = rows.flatMap(({ name, failed }) =>
    failed === undefined ? [] : [`WRONG: ${name}: ${failed}`],
  )
  return [`${bench}: ${machineLine(machine)}`, columns([head, ...body]), ...wrong].join('\n')
}

const REFERENCE = 'packet.reference'

/**
 * comparison: rows of both runs side by side with B as a multiple of A; where both measured packet.reference, also with
 * times divided by it, which takes the difference of machines away.
 */
export function comparison(a: Run, b: Run): string {
  const find = (run: Run, name: string): Row | undefined => run.rows.find((row) => row.name === name)
  const [referenceA, referenceB] = [find(a, REFERENCE)?.value, find(b, REFERENCE)?.value]
  const names = [...new Set([...a.rows, ...b.rows].map(({ name }) => name))]
  const body = names.map((name) => {
    const [left, right] = [find(a, name), find(b, name)]
    const unit = (left ?? right)?.unit ?? ''
    const ratio = left && right && left.value !== 0 ? right.value / left.value : undefined
    const scaled =
      ratio !== undefined && referenceA && referenceB && unit === 'ns'
        ? (ratio * referenceA) / referenceB
        : undefined
    const cell = (value: number | undefined): string => (value === undefined ? '-' : number(value))
    return [name, cell(left?.value), cell(right?.value), unit, cell(ratio), cell(scaled)]
  })
  return [
    `A: ${machineLine(a.machine)}`,
    `B: ${machineLine(b.machine)}`,
    columns([['row', 'A', 'B', 'unit', 'B/A', 'B/A by reference'], ...body]),
  ].join('\n')
}
