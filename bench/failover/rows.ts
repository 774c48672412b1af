// Rows of the bench `failover` (bench.md), of what was measured: pure. The median and the worst of each cause, beside how
// often the service was away and how finely it was looked; a cause's way back is told as a check, that of `orderly` as
// `failback`. Tenbin's are held to keepalived's of the same interval and cause, where there are enough runs to tell. Left out:
// that changes in order lose no request (under-load.ts): a packet of theirs may have to be sent twice.

import { median } from '../../src/engine/measure.ts'
import { within } from '../runner/limit.ts'
import type { Row } from '../runner/row.ts'
import type { Change, Failure } from './scene.ts'
import type { Cause } from './setting.ts'

/** Told: a failure, brought about so often before while the probe was silent. */
export interface Told extends Failure {
  readonly again: number
}

/** Measured: all failures of one cause, of one contender at one interval. */
export interface Measured {
  readonly who: string
  readonly advert: string
  readonly cause: Cause
  readonly failures: readonly Told[]
}

/** COARSEST_MS: the probe asks each millisecond; a longer silence of its own makes an outage of as much unseen. */
export const COARSEST_MS = 20

/** isBlind: it cannot be told what happened. */
export const isBlind = ({ changed, back }: Failure): boolean =>
  Math.max(changed.coarsestMs, back.coarsestMs) > COARSEST_MS

/** JUDGED: from so many runs on; a median of two says where in an advert's interval they fell. */
const JUDGED = 10

/** LIMITS of tenbin's rows: as multiples of keepalived's, or so many ms more. */
export const LIMITS = { p50: { times: 1.05, moreMs: 3 }, worst: { times: 1.25, moreMs: 0 } } as const

/** failoverRows: two for each that was measured, and two more for the way back from an orderly end. */
export function failoverRows(all: readonly Measured[]): readonly Row[] {
  const rows = measuredRows(all)
  return rows.map((row) => {
    const [, who, advert, cause, of] = row.name.split('.')
    if (who !== 'tenbin' || of === undefined || row.runs < JUDGED) return row
    const other = rows.find(({ name }) => name === `failover.keepalived.${advert}.${cause}.${of}`)
    if (!other) return row
    const { times, moreMs } = LIMITS[of as keyof typeof LIMITS]
    const most = Math.max(other.value * times, other.value + moreMs)
    return within(row, most, `keepalived has ${round(other.value)}`)
  })
}

const measuredRows = (all: readonly Measured[]): readonly Row[] =>
  all.flatMap(({ who, advert, cause, failures }) => {
    const back = failures.map((failure) => failure.back)
    const name = (of: string) => `failover.${who}.${advert}.${of}`
    const changed = failures.map((failure) => failure.changed)
    const backWorst = Math.max(...back.map(({ ms }) => ms))
    const again = failures.reduce((sum, failure) => sum + failure.again, 0)
    const repeated = again > 0 ? { again } : {}
    const rows = rowsOf(name(cause), changed, { 'back worst': round(backWorst), ...repeated })
    return cause === 'orderly' ? [...rows, ...rowsOf(name('failback'), back, repeated)] : rows
  })

function rowsOf(
  name: string,
  changes: readonly Change[],
  more: Readonly<Record<string, number>> = {},
): readonly Row[] {
  const all = changes.map(({ ms }) => ms)
  const coarsest = Math.max(...changes.map(({ coarsestMs }) => coarsestMs))
  const checks = {
    outages: changes.reduce((sum, { outages }) => sum + outages, 0),
    coarsest: round(coarsest),
    ...more,
  }
  const range = { unit: 'ms', min: Math.min(...all), max: Math.max(...all), runs: all.length, checks }
  const failed = coarsest > COARSEST_MS && {
    failed: `the probe itself was silent for ${round(coarsest)} ms`,
  }
  return [
    { name: `${name}.p50`, value: median(all), ...range, ...failed },
    { name: `${name}.worst`, value: range.max, ...range, ...failed },
  ]
}

const round = (ms: number): number => Math.round(ms * 100) / 100
