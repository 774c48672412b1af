// How long a service address is away when the node that has it fails, side by side with keepalived: the same network, version
// 3 by multicast, priorities 200 and 100, the same interval. A client asks the address each millisecond; failures begin at
// given phases of the adverts, the same for all, because a failure just before an advert is found an interval sooner than one
// just after. Contenders take turns in each round, each alone on the machine. Then tenbin alone, with its daemons and packet
// path: what clients lose (under-load.ts).

import { CAUSES } from '../test/scenario/support/role-changes.ts'
import { build, isStale } from '../tools/build.mjs'
import { setup, testPackages } from '../tools/setup.mjs'
import { carryOut, type Plan } from './failover/carry-out.ts'
import { failoverRows, type Measured } from './failover/rows.ts'
import { underLoad } from './failover/under-load.ts'
import type { Row } from './runner/row.ts'

const FULL: readonly Plan[] = [
  { advert: '10ms', advertMs: 10, runs: 20, lanes: 1 },
  { advert: '100ms', advertMs: 100, runs: 20, lanes: 1 },
  { advert: '1s', advertMs: 1000, runs: 20, lanes: 2 },
]
const QUICK: readonly Plan[] = [
  { advert: '100ms', advertMs: 100, runs: 3, lanes: 1 },
  { advert: '10ms', advertMs: 10, runs: 2, lanes: 1 },
]

/** failover: the rows of bench.md. Needs root; installs keepalived. */
export async function failover({ quick }: { readonly quick: boolean }): Promise<readonly Row[]> {
  await setup(testPackages.filter((name) => name === 'keepalived'))
  if (isStale()) await build()
  const measured: Measured[] = []
  for (const plan of quick ? QUICK : FULL) measured.push(...(await carryOut(plan)))
  return [
    ...failoverRows(measured),
    ...(await (quick ? underLoad(CAUSES.slice(0, 2), 1) : underLoad(CAUSES, 3))),
  ]
}
