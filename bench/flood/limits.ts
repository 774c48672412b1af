// What tenbin's defences have to keep in the bench `flood`, at every rate: pure.

import { within } from '../runner/limit.ts'
import type { Row } from '../runner/row.ts'
import type { Who } from './contender.ts'

/** ANSWERED: the least share of requests. TIMES_IDLE: of how long 99 of 100 take without a flood, with the same defence. */
const [ANSWERED, TIMES_IDLE] = [0.99, 2]

/** DEFENCES: those that have limits. */
const DEFENCES: readonly Who[] = ['rule', 'proof-dsr', 'proof-nat']

/** COSTS_NS: what a packet may cost, by row. */
const COSTS_NS: Readonly<Record<string, number>> = {
  'flood.cost.rule-drop': 20,
  'flood.cost.limit-drop': 40,
  'flood.cost.proof-drop': 150,
  'flood.cost.syn-ack': 150,
}

/**
 * limited: rows, failed where a defence answers too few, takes too long beside what it takes at rate 0, or costs too much a
 * packet.
 */
export const limited = (rows: readonly Row[]): readonly Row[] =>
  rows.map((row) => {
    const cost = COSTS_NS[row.name]
    if (cost !== undefined) return within(row, cost, 'of the median')
    const [, who, , what] = row.name.split('.')
    if (!DEFENCES.some((defence) => defence === who)) return row
    if (what === 'ok') return enough(row)
    const idle = rows.find(({ name }) => name === `flood.${who}.0.p99`)
    return idle ? within(row, TIMES_IDLE * idle.value, `${TIMES_IDLE} times that without a flood`) : row
  })

const enough = (row: Row): Row =>
  row.failed !== undefined || row.value >= ANSWERED
    ? row
    : { ...row, failed: `${row.value} of 1 were answered, at least ${ANSWERED} have to be` }
