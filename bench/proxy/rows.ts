// The rows of the bench `proxy`, made of whole rounds. Pure.

import { summary } from '../path/cost.ts'
import type { Row } from '../runner/row.ts'
import { WHO } from './contender.ts'
import { CHECKS, type Turn } from './turn.ts'

/** Round: one turn of each contender and of `direct`, by who. */
export type Round = ReadonlyMap<string, Turn>

/** Figure: the end of a row's name, its unit, and its value in one round; `direct` is what it is compared with. */
type Figure = readonly [string, string, (turn: Turn, direct: Turn) => number]

const THOUSAND = 's/1,000'
const compared: readonly Figure[] = [
  ['cps.share', 'of direct', (turn, direct) => turn.connectionsPerSecond / direct.connectionsPerSecond],
  ['latency.p99.added', 'ms', (turn, direct) => turn.latencyMs - direct.latencyMs],
  ['cpu', THOUSAND, (turn, direct) => 1000 * (turn.cpuSeconds - direct.cpuSeconds)],
]
const absolute: readonly Figure[] = [
  ['cps', '1/s', ({ connectionsPerSecond }) => connectionsPerSecond],
  ['latency.p99', 'ms', ({ latencyMs }) => latencyMs],
  ['cpu', THOUSAND, ({ cpuSeconds }) => 1000 * cpuSeconds],
]

/** proxyRows: those who balance, compared with `direct` in the same round; then `direct` itself. */
export const proxyRows = (rounds: readonly Round[]): readonly Row[] => [
  ...WHO.flatMap((who) => rowsOf(who, compared, rounds)),
  ...rowsOf('direct', absolute, rounds),
]

function rowsOf(who: string, figures: readonly Figure[], rounds: readonly Round[]): readonly Row[] {
  const turns = rounds.map((round) => round.get(who)!)
  const sum = (name: (typeof CHECKS)[number]) => turns.reduce((total, { checks }) => total + checks[name], 0)
  const checks = Object.fromEntries(CHECKS.map((name) => [name, sum(name)]))
  const failed = turns.flatMap(({ problem }) => problem ?? [])[0]
  return figures.map(([name, unit, of]) => ({
    ...summary(
      `proxy.${who}.${name}`,
      unit,
      rounds.map((round) => of(round.get(who)!, round.get('direct')!)),
      checks,
    ),
    ...(failed !== undefined && { failed }),
  }))
}
