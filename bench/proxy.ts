// What a balancer between clients and servers costs, side by side: new connections a second as a share of those without
// any (`direct`), what it adds to the time of one connection, and the CPU time that it adds. All contenders take turns in
// each round, in another order every time, and figures are of rounds: a ratio or difference of two turns of
// one round, and the median of these, because the same turn a minute later may be a third faster on a shared machine.
// tenbin has what a file has that says nothing of defence: its clients prove who they are once they are too many.
// Every connection is new, asks once and is closed by the server: what a balancer decides on is all there is to it.

import { Lab } from '../src/lab/held-lab.ts'
import { processesIn } from '../src/lab/processes.ts'
import { type LabNode, nodesOf } from '../src/lab/topology.ts'
import { affinity } from '../src/sys/affinity.ts'
import { namespacePath } from '../src/sys/named-namespace.ts'
import { execute } from '../test/scenario/support/execute.ts'
import { startNginx } from '../test/scenario/support/nginx.ts'
import { proxyPackages, setup } from '../tools/setup.mjs'
import { startContenders, TOPOLOGY } from './proxy/contender.ts'
import { proxyRows, type Round } from './proxy/rows.ts'
import { type Effort, type Turn, turn } from './proxy/turn.ts'
import type { Row } from './runner/row.ts'

/** pin: all processes of these nodes on one CPU. */
async function pin(lab: Lab, nodes: readonly LabNode[], cpu: number): Promise<void> {
  for (const { pid } of processesIn(nodes.map(({ namespace }) => namespacePath(namespace)))) {
    const { code, err } = await execute(lab, 'client', ['taskset', '-acp', `${cpu}`, `${pid}`])
    if (code !== 0) throw new Error(err)
  }
}

/** proxy: the rows of bench.md. Needs root; installs what it compares with. */
export async function proxy({ quick }: { readonly quick: boolean }): Promise<readonly Row[]> {
  await setup(proxyPackages)
  const [count, effort]: [number, Effort] = quick
    ? [4, { windowMs: 800, single: 400 }]
    : [15, { windowMs: 2000, single: 1000 }]
  await using lab = await Lab.hold({ prefix: 'bench', ...TOPOLOGY })
  await startNginx(lab)
  const contenders = await startContenders(lab)
  const cpu = affinity().at(-1)!
  await pin(lab, [...nodesOf(lab.topology, 'server'), ...nodesOf(lab.topology, 'client')], cpu)
  // Whom they do not know they ask for first: MACs, and pages of programs.
  for (const each of contenders) await turn(lab, each, cpu, { windowMs: 100, single: 20 })
  const rounds: Round[] = []
  for (let round = 0; round < count; round++) {
    const turns = new Map<string, Turn>()
    for (let at = 0; at < contenders.length; at++) {
      const contender = contenders[(at + round) % contenders.length]!
      turns.set(contender.who, await turn(lab, contender, cpu, effort))
    }
    rounds.push(turns)
  }
  return proxyRows(rounds)
}
