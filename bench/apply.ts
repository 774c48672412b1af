// What a change costs at 1,000 services of 100 servers each: from the request to the answer that a file is applied in which
// one server has another weight (plan, single words of what runs, keep as a revision), or in which there is one server more
// (maps, program, verifier, test, swap), the same of the weight on both nodes of a pair, the same from nothing (`tenbin run`
// to the first "applied"), `tenbin check` of the file, and what the daemon holds of memory then. Each service has a pool of
// its own, and no two pools have the same servers: 65 million slots.

import { join } from 'node:path'
import { Lab } from '../src/lab/held-lab.ts'
import { execute } from '../test/scenario/support/execute.ts'
import { tenbin as command } from '../test/scenario/support/tenbin.ts'
import { bulkFile, INVENTORY, WEIGHT } from './apply/bulk-file.ts'
import { BulkNode, connectServers } from './apply/bulk-node.ts'
import { limited } from './apply/limits.ts'
import { pair } from './apply/pair.ts'
import { summary } from './path/cost.ts'
import type { Row } from './runner/row.ts'

const SIZE = { services: 1_000, servers: 100 } as const

/** apply: `apply.one-change`, `.one-server`, `.cold`, `.rss`, `.check`, `.pair.one-change` of bench.md. Needs root. */
export async function apply({ quick }: { readonly quick: boolean }): Promise<readonly Row[]> {
  const runs = quick ? 3 : 11
  return limited([...(await alone(runs, quick ? 1 : 3)), await pair(SIZE, runs)])
}

async function alone(runs: number, starts: number): Promise<Row[]> {
  await using lab = await Lab.hold({ prefix: 'bench', servers: 1 })
  await connectServers(lab, ['lb1'], INVENTORY + 1)
  const node = new BulkNode(lab, 'lb1')
  const fileOf = (weight: number, more = 0) => bulkFile(lab.topology, { ...SIZE, weight, more })
  node.write(fileOf(WEIGHT))
  const colds: number[] = []
  for (let run = 0; run < starts; run++) {
    if (run > 0) await node.stop()
    colds.push(await node.cold())
  }
  let [weight, more, amended, replaced] = [WEIGHT, 0, 0, 0]
  const again = async (count: number, edit: () => void): Promise<number[]> => {
    const times: number[] = []
    for (let run = 0; run < count; run++) {
      edit()
      const { ms, answer } = await node.change(fileOf(weight, more))
      times.push(ms)
      if (answer.reloaded?.change === 'amended') amended++
      if (answer.reloaded?.change === 'replaced') replaced++
    }
    return times
  }
  const weigh = () => void weight++
  const add = () => {
    more = 1 - more
  }
  // The first ones are compiled while they run.
  await again(2, add)
  await again(2, weigh)
  amended = replaced = 0
  const changes = await again(runs, weigh)
  const servers = await again(runs, add)
  const { services, pools, reached, rss } = await node.facts()
  const checks: number[] = []
  for (let run = 0; run < runs; run++) {
    const start = performance.now()
    const { code, out, err } = await execute(lab, 'lb1', command(['check', join(lab.directory, 'next.yaml')]))
    if (code !== 0) throw new Error(`${out}${err}`)
    checks.push(performance.now() - start)
  }
  const facts = { services, pools, reached, amended, replaced }
  const isWhole =
    [services, pools].every((count) => count === SIZE.services) &&
    reached === INVENTORY + more &&
    [amended, replaced].every((count) => count === runs)
  return [
    summary('apply.one-change', 'ms', changes, facts),
    summary('apply.one-server', 'ms', servers, facts),
    summary('apply.cold', 'ms', colds, facts),
    summary('apply.rss', 'MB', [rss], facts),
    summary('apply.check', 'ms', checks, facts),
  ].map((row) =>
    isWhole ? row : { ...row, failed: `not what was to be measured: ${JSON.stringify(facts)}` },
  )
}
