// What users see during a flood of SYNs, by who stands between: nothing, the servers' own SYN cookies, the kernel's SYNPROXY,
// tenbin's defences. Each has a lab of its own; at each rate they take turns, in another order in every round, and rates
// rise from none at all, which says what is usual on this machine. And what tenbin's defences cost a packet.

import { Cleanup } from '../src/daemon/cleanup.ts'
import type { TrafficClient } from '../src/lab/traffic-client.ts'
import { affinity, setAffinity } from '../src/sys/affinity.ts'
import { build, isStale } from '../tools/build.mjs'
import { floodPackages, setup } from '../tools/setup.mjs'
import { type Contender, startContender, WHO } from './flood/contender.ts'
import { limited } from './flood/limits.ts'
import type { Cpus } from './flood/placement.ts'
import { floodRows, type Measured } from './flood/rows.ts'
import { type Rate, startClients, type Turn, turn } from './flood/turn.ts'
import type { Effort as CostEffort } from './path/cost.ts'
import { defenceRows } from './path/defence.ts'
import { proofRows } from './path/proof.ts'
import type { Row } from './runner/row.ts'

interface Effort {
  readonly rates: readonly Rate[]
  readonly rounds: number
  readonly windowMs: number
}
const FULL: Effort = { rates: [0, 10, 100, 500, 'max'], rounds: 3, windowMs: 4000 }
const QUICK: Effort = { rates: [10, 100], rounds: 1, windowMs: 800 }
/** COST: of what one packet costs. */
const COST = { full: { rounds: 21, packets: 1_000_000 }, quick: { rounds: 7, packets: 200_000 } } as const

/** flood: the rows of bench.md. Needs root; installs what it compares with. */
export async function flood({ quick }: { readonly quick: boolean }): Promise<readonly Row[]> {
  await setup(floodPackages)
  if (isStale()) await build()
  const seen = await whatUsersSee(quick ? QUICK : FULL)
  return limited([...floodRows(seen), ...costRows(quick ? COST.quick : COST.full)])
}

async function whatUsersSee({ rates, rounds, windowMs }: Effort): Promise<readonly Measured[]> {
  const all = affinity()
  const cpus: Cpus = { ends: all[0]!, network: all.at(-1)! }
  await using made = new Cleanup()
  const starts = await Promise.allSettled(WHO.map((who) => startContender(who, cpus)))
  const contenders: (readonly [Contender, TrafficClient])[] = []
  for (const start of starts) if (start.status === 'fulfilled') made.use(start.value.lab)
  for (const start of starts) {
    if (start.status === 'rejected') throw start.reason
    contenders.push([start.value, made.use(await startClients(start.value, cpus))])
  }
  const measured = WHO.flatMap((who) => rates.map((rate) => ({ who, rate, turns: [] as Turn[] })))
  for (let round = 0; round < rounds; round++)
    for (const rate of rates)
      for (let at = 0; at < contenders.length; at++) {
        const [contender, clients] = contenders[(at + round) % contenders.length]!
        const mine = measured.find((each) => each.who === contender.who && each.rate === rate)!
        mine.turns.push(await turn(contender, clients, rate, windowMs, cpus))
      }
  return measured
}

/** costRows: of one packet, on one CPU. */
function costRows(effort: CostEffort): readonly Row[] {
  const cpus = affinity()
  setAffinity([cpus.at(-1)!])
  try {
    return [...defenceRows(effort), ...proofRows(effort)]
  } finally {
    setAffinity(cpus)
  }
}
