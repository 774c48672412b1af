// A row of a bench from its runs, and how a bench ends that measured the wrong thing.

import type { Row } from './runner/row.ts'

/** row of the values of all runs. */
export function row(
  name: string,
  unit: string,
  values: readonly number[],
  checks: Record<string, number>,
): Row {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { name, value: median, unit, min: sorted[0]!, max: sorted.at(-1)!, runs: values.length, checks }
}

/** must ends the bench when what it measured is not what it says. */
export function must(truth: boolean, what: string): void {
  if (!truth) throw new Error(`bench table: ${what}`)
}
