// What runs inside user-mode-linux for checks/beside.ts: tenbin's checker and keepalived, one after the other and again,
// look at the same targets; nothing else does anything meanwhile.

import { setTimeout as delay } from 'node:timers/promises'
import { writeResult } from '../../test/guest/result.ts'
import { type Pace, pace, watched } from './beginnings.ts'
import { startKeepalived } from './keepalived.ts'
import { Targets } from './targets.ts'
import { UsageMeter, type Used } from './used.ts'

/** Turn: of one contender; `up`: how many targets it held for up at the end. */
export interface Turn extends Pace, Used {
  readonly up: number
}

/** Round: a turn of each. */
export interface Round {
  readonly tenbin: Turn
  readonly keepalived: Turn
}

/** Beside: all rounds. */
export interface Beside {
  readonly count: number
  readonly seconds: number
  readonly rounds: readonly Round[]
}

/** With 500 the guest falls behind where its host is busy: its one CPU is also the servers' and tcpdump's. */
const COUNT = 250
const SECONDS = 10
const ROUNDS = 3
/** As long as Looking.settled() waits. */
const SETTLE_MS = 3000

async function turn(targets: Targets, pid: number, up: () => number): Promise<Turn> {
  const meter = new UsageMeter(pid)
  let used: Used | undefined
  const beginnings = await watched(targets, async () => {
    meter.used()
    await delay(SECONDS * 1000)
    used = meter.used()
  })
  return { ...pace(beginnings, 1000), ...used!, up: up() }
}

async function tenbin(targets: Targets): Promise<Turn> {
  await using looking = await targets.looking(COUNT, { kind: 'tcp' })
  return await turn(targets, looking.pid, () => looking.up)
}

async function keepalived(targets: Targets): Promise<Turn> {
  await using looking = await startKeepalived(targets, COUNT)
  await delay(SETTLE_MS)
  return await turn(targets, looking.pid, looking.up)
}

await using targets = await Targets.start()
const rounds: Round[] = []
for (let round = 0; round < ROUNDS; round++)
  rounds.push({ tenbin: await tenbin(targets), keepalived: await keepalived(targets) })
writeResult({ count: COUNT, seconds: SECONDS, rounds } satisfies Beside)
