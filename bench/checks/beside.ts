// tenbin's checker beside Debian's keepalived, whose own ends at once on a kernel without IPVS: so both run inside
// user-mode-linux, in turn, at the same targets. That kernel is a process, and a system call there takes many times what
// it takes otherwise, and what the host takes from it counts as CPU of whoever runs: these figures are to be compared with
// each other only, and ratios are of turns that followed one another. Proof that the right thing was measured: all targets
// were looked at and are up, and none was left out for long.

import { fileURLToPath } from 'node:url'
import { runInUml, whyNoUml } from '../../test/uml/run-in-uml.ts'
import { summary } from '../path/cost.ts'
import type { Row } from '../runner/row.ts'
import type { Beside, Round, Turn } from './beside-guest.ts'

const GUEST = fileURLToPath(new URL('beside-guest.ts', import.meta.url))
const TIMEOUT_MS = 300_000

/** Figures of a turn: the ends of rows' names, and units. */
const FIGURES: readonly (readonly [string, string, (turn: Turn) => number])[] = [
  ['late.p99', 'ms', ({ lateP99Ms }) => lateP99Ms],
  ['drift', 'ms', ({ driftMs }) => driftMs],
  ['cpu', 'cores', ({ cpu }) => cpu],
  ['rss', 'MB', ({ rssMb }) => rssMb],
]
/** Of which tenbin's is told as a multiple of keepalived's; CPU for one look, because who drifts looks less often. */
const RATIOS: readonly (readonly [string, (turn: Turn) => number])[] = [
  ['late.p99', ({ lateP99Ms }) => lateP99Ms],
  ['cpu', ({ cpu, looks }) => cpu / looks],
  ['rss', ({ rssMb }) => rssMb],
]
/** The share of looks that may be missing before a row is called wrong; lateness is what is measured. */
const MISSING = 0.25

/**
 * beside: `checks.keepalived.uml.*`, `checks.tenbin.uml.*` and `checks.tenbin.uml.*.ratio`; none, and the reason on standard
 * error, where there is no user-mode-linux. Needs root.
 */
export async function beside(): Promise<Row[]> {
  const why = whyNoUml()
  if (why !== undefined) {
    console.error(`bench checks: checks.keepalived.uml.* and checks.tenbin.uml.* are left out: ${why}`)
    return []
  }
  const modules = ['ip_vs', 'ip_vs_rr']
  const { status, output, result } = await runInUml({ script: GUEST, timeoutMs: TIMEOUT_MS, modules })
  if (status !== 0 || result === undefined) throw new Error(`bench checks: the guest failed: ${output}`)
  return besideRows(result as Beside)
}

/** besideRows: of what the guest found. */
export function besideRows({ count, seconds, rounds }: Beside): Row[] {
  const whos = ['keepalived', 'tenbin'] as const
  const failedOf = (who: keyof Round) => {
    const wrong = rounds.map((round) => round[who]).find((turn) => !isRight(turn, count, seconds))
    return wrong ? { failed: `not what was to be measured: ${JSON.stringify(wrong)}` } : {}
  }
  const rows = whos.flatMap((who) => {
    const turns = rounds.map((round) => round[who])
    const looks = turns.reduce((sum, turn) => sum + turn.looks, 0)
    const checks = {
      targets: count,
      up: Math.min(...turns.map(({ up }) => up)),
      looks,
      seconds: seconds * turns.length,
    }
    return FIGURES.map(([name, unit, of]) => ({
      ...summary(`checks.${who}.uml.${name}`, unit, turns.map(of), checks),
      ...failedOf(who),
    }))
  })
  const ratios = RATIOS.map(([name, of]) => ({
    ...summary(
      `checks.tenbin.uml.${name}.ratio`,
      'of keepalived',
      rounds.map(({ tenbin, keepalived }) => of(tenbin) / of(keepalived)),
    ),
    ...failedOf('keepalived'),
    ...failedOf('tenbin'),
  }))
  return [...rows, ...ratios]
}

const isRight = ({ targets, up, looks }: Turn, count: number, seconds: number): boolean =>
  targets === count && up === count && Math.abs(looks / (count * seconds) - 1) < MISSING
