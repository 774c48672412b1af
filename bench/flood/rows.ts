// Rows of the bench `flood` (bench.md), of the turns of all rounds: pure. A success at a rate that was not reached is no
// success, and is told as wrong; who fails at less than the rate fails.

import { summary } from '../path/cost.ts'
import type { Row } from '../runner/row.ts'
import type { Rate, Turn } from './turn.ts'

/** Measured: all turns of one contender at one rate. */
export interface Measured {
  readonly who: string
  readonly rate: Rate
  readonly turns: readonly Turn[]
}

/** GOOD: the share of requests that a defence is to have answered. REACHED: the least of a rate that stands for it. */
const [GOOD, REACHED] = [0.99, 0.8]

/** floodRows: two for each that was measured. */
export const floodRows = (all: readonly Measured[]): readonly Row[] =>
  all.flatMap(({ who, rate, turns }) => {
    const sum = (of: (turn: Turn) => number) => turns.reduce((total, turn) => total + of(turn), 0)
    const mean = (of: (turn: Turn) => number) => Math.round(sum(of) / turns.length)
    const arrived = mean(({ arrivedKpps }) => arrivedKpps)
    const checks = {
      asked: sum(({ asked }) => asked),
      answered: sum(({ answered }) => answered),
      'sent kpps': mean(({ sentKpps }) => sentKpps),
      'arrived kpps': arrived,
    }
    const isShort =
      rate !== 'max' && turns.some(({ ok, arrivedKpps }) => ok >= GOOD && arrivedKpps < REACHED * rate)
    const failed = isShort && { failed: `the flood was ${arrived} kpps, not ${rate}` }
    const name = `flood.${who}.${rate}`
    return [
      {
        ...summary(
          `${name}.ok`,
          'of 1',
          turns.map(({ ok }) => ok),
          checks,
        ),
        ...failed,
      },
      {
        ...summary(
          `${name}.p99`,
          'ms',
          turns.map(({ p99Ms }) => p99Ms),
          checks,
        ),
        ...failed,
      },
    ] // prettier-ignore
  })
