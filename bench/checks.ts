// How late checks begin, and what they cost, of one checker on one core: 10,000 TCP connects a second, and 2,500 HTTP
// requests. The checker is the real process, told by its socket and telling by it; its targets are addresses of one web
// server on the other core. Proof that the right thing was measured: all targets are up, none stands still, and as many
// looks a second as there are targets. Left out: keepalived beside it, whose checker ends at once on a kernel without IPVS.

import type { SingleProbe } from '../src/config/check-spec.ts'
import type { Alive } from '../src/health/protocol.ts'
import { change } from './checks/change.ts'
import { detection } from './checks/detection.ts'
import { Targets, type Used } from './checks/targets.ts'
import { summary } from './path/cost.ts'
import type { Row } from './runner/row.ts'

const TCP: SingleProbe = { kind: 'tcp' }
const HTTP: SingleProbe = {
  ...{ kind: 'http', version: '1.1', method: 'GET', path: '/', headers: {} },
  status: [{ from: 200, to: 200 }],
  body: 'ok',
}

/** checks: `checks.change.*`, `checks.detection.*`, `checks.10k.*` and `checks.http.2500.*` of bench.md. Needs root. */
export async function checks({ quick }: { readonly quick: boolean }): Promise<readonly Row[]> {
  const seconds = quick ? 8 : 60
  await using targets = await Targets.start()
  const rows: Row[] = [...(await change(1_000, 10, quick ? 7 : 51)), ...(await detection())]
  for (const [name, count, probe] of [
    ['10k', 10_000, TCP],
    ['http.2500', 2500, HTTP],
  ] as const) {
    await using looking = await targets.looking(count, probe)
    const { alive, used } = await looking.seconds(seconds)
    rows.push(...rowsOf(`checks.${name}`, count, alive, used, looking.up))
  }
  return rows
}

function rowsOf(name: string, count: number, alive: readonly Alive[], used: Used, up: number): Row[] {
  const looks = alive.reduce((sum, each) => sum + each.looks, 0)
  const overdue = Math.max(...alive.map((each) => each.overdue.count))
  const counts = { targets: count, up, looks, seconds: alive.length, overdue }
  const isRight = up === count && overdue === 0 && Math.abs(looks / alive.length / count - 1) < 0.05
  const failed = isRight ? {} : { failed: `not what was to be measured: ${JSON.stringify(counts)}` }
  const late = summary(
    `${name}.late.p99`,
    'ms',
    alive.map(({ lateP99Ms }) => lateP99Ms),
    counts,
  )
  return [
    { ...late, ...failed },
    { ...summary(`${name}.cpu`, 'cores', [used.cpu], counts), ...failed },
    { ...summary(`${name}.rss`, 'MB', [used.rssMb], counts), ...failed },
  ]
}
