// A row beside the limit that its figure has to keep. Pure.

import type { Row } from './row.ts'

/** within: the row, failed where its value is above the limit; one that has failed already stays as it is. */
export function within(row: Row, limit: number, of: string): Row {
  if (row.failed !== undefined || row.value <= limit) return row
  return { ...row, failed: `${round(row.value)} ${row.unit}, the limit is ${round(limit)}: ${of}` }
}

const round = (value: number): number => Math.round(value * 100) / 100
