// What clients lose while roles change: a pair with its daemons, 1,000 connections that stay open and ask again and again, half
// of them by nat, half by dsr, and requests over new connections beside them. A connection counts as broken when it ended, was
// answered by another server, or had no answer for ten seconds. The goal is 0.

import { nodesOf } from '../../src/lab/topology.ts'
import { TrafficClient } from '../../src/lab/traffic-client.ts'
import { brokenOf, type HeldFlows, holdConnections } from '../../test/scenario/support/flows.ts'
import { otherNode, type PairNode } from '../../test/scenario/support/pair.ts'
import {
  type Cause,
  changeRole,
  DIRECT,
  LOAD,
  steadyPair,
  TURNED,
} from '../../test/scenario/support/role-changes.ts'
import type { Row } from '../runner/row.ts'

const [CONNECTIONS, EVERY_MS] = [1_000, 500] as const

/** underLoad: for each cause, `runs` of it, how many connections broke by each forward, and how many requests were lost. */
export async function underLoad(causes: readonly Cause[], runs: number): Promise<readonly Row[]> {
  await using pair = await steadyPair('load')
  const { lab } = pair
  const hold = (address: readonly string[]) =>
    holdConnections(lab, { address, port: 80, count: CONNECTIONS / 2, everyMs: EVERY_MS })
  await using turned = await hold(TURNED)
  await using direct = await hold(DIRECT)
  await using traffic = await TrafficClient.start(nodesOf(lab.topology, 'client')[0]!.namespace, LOAD)
  const brokenIn = async (held: HeldFlows<'report', Parameters<typeof brokenOf>[0][number]>) =>
    brokenOf(await held.ask('report')).length
  const rows: Row[] = []
  let active: PairNode = 'lb1'
  for (const cause of causes) {
    const before = { nat: await brokenIn(turned), dsr: await brokenIn(direct), sent: traffic.counts.sent }
    const lost: number[] = []
    for (let run = 0; run < runs; run++) {
      lost.push(await changeRole(pair, cause, active, traffic))
      active = otherNode(active)
    }
    const all = lost.reduce((sum, each) => sum + each, 0)
    const { sent } = traffic.counts
    const rowOf = (
      what: string,
      unit: string,
      value: number,
      isBad: boolean,
      checks: Row['checks'],
    ): Row => ({
      ...{ name: `failover.load.${cause.name}.${what}`, unit, value, min: value, max: value, runs },
      ...(checks && { checks }),
      ...(isBad && { failed: `${value} of ${unit}` }),
    })
    for (const [forward, held] of [['nat', turned] as const, ['dsr', direct] as const]) {
      const broken = (await brokenIn(held)) - before[forward]
      rows.push(rowOf(`${forward}.broken`, 'connections', broken, broken > 0, { open: CONNECTIONS / 2 }))
    }
    rows.push(rowOf('lost', 'requests', all, cause.inOrder && all > 0, { sent: sent - before.sent }))
  }
  return rows
}
