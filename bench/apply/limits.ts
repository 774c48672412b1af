// What rows of the bench `apply` have to keep at 1,000 services of 100 servers: pure.

import { within } from '../runner/limit.ts'
import type { Row } from '../runner/row.ts'

/** LIMITS_MS: of medians, by row. */
const LIMITS_MS: Readonly<Record<string, number>> = {
  'apply.one-change': 1_000,
  'apply.pair.one-change': 2_000,
  'apply.check': 2_000,
  'apply.cold': 5_000,
}

/** limited: rows, failed where they are above their limits. */
export const limited = (rows: readonly Row[]): readonly Row[] =>
  rows.map((row) => within(row, LIMITS_MS[row.name] ?? Number.POSITIVE_INFINITY, 'of the median'))
