// The part of the `apply` bench with two nodes that share the file: from the request to one of them to the answer that both
// run it, checked on both, tried on the backup and then on the active one. Both run on this machine.

import { writeClusterKeys } from '../../src/lab/cluster-keys.ts'
import { Lab } from '../../src/lab/held-lab.ts'
import { summary } from '../path/cost.ts'
import type { Row } from '../runner/row.ts'
import { type BulkFile, bulkFile, WEIGHT } from './bulk-file.ts'
import { BulkNode, connectServers } from './bulk-node.ts'

const NODES = ['lb1', 'lb2'] as const
/** INVENTORY_OF_EACH: both nodes and the machine of the servers share the kernel's room for neighbours. */
const INVENTORY_OF_EACH = 200

/** pair: `apply.pair.one-change`: another weight of one server. */
export async function pair(file: BulkFile, runs: number): Promise<Row> {
  const size = { ...file, inventory: INVENTORY_OF_EACH }
  await using lab = await Lab.hold({ prefix: 'bench', balancers: NODES.length, servers: 1 })
  await connectServers(lab, NODES, size.inventory)
  writeClusterKeys(lab.topology)
  const nodes = NODES.map((name) => new BulkNode(lab, name))
  const [first] = nodes
  for (const node of nodes) node.write(bulkFile(lab.topology, size))
  await Promise.all(nodes.map((node) => node.cold()))
  let weight = WEIGHT
  const change = () => first!.change(bulkFile(lab.topology, { ...size, weight: ++weight }))
  // until they have met, a change is refused
  await first!.until(() => change().then(...isDone))
  // The first ones are compiled while they run.
  for (let run = 0; run < 2; run++) await change()
  const times: number[] = []
  let both = 0
  for (let run = 0; run < runs; run++) {
    const { ms, answer } = await change()
    times.push(ms)
    if (answer.changed && answer.nodes.length === 2 && answer.unheard.length === 0) both++
  }
  const row = summary('apply.pair.one-change', 'ms', times, { both })
  return both === runs ? row : { ...row, failed: `${both} of ${runs} changes came to both nodes` }
}

const isDone = [() => true, () => false] as const
