// The demo's last stage: servers answer clients directly (dsr), and what the balancers have to carry is a tenth. Servers were
// ready for it all the time: they have the service address on their loopback, and a cable to where clients are.

import { byteCounts, bytesBetween } from './byte-counts.ts'
import { change, type DemoContext, look } from './demo-context.ts'
import { PAIR } from './demo-pair.ts'
import { labFile } from './lab-file.ts'
import type { TrafficCounts } from './traffic.ts'

/**
 * bypass: returns what the client had counted before: a request that is under way when the
 * file changes is of a connection to another address than the one that comes next, and fails. Throws LAB_COMMAND_FAILED.
 */
export async function bypass(context: DemoContext): Promise<TrafficCounts> {
  const { lab, screen, traffic, lookMs } = context
  screen.stage('Answers bypass the balancer (dsr)')
  const text = labFile(lab.topology, { ...PAIR, forward: 'dsr' })
  const counts = await traffic.fresh()
  screen.say('tenbin apply on lb1: lb2 runs the new file first, then lb1; or nobody does.')
  await change(context, text)
  const before = byteCounts(lab.topology)
  await look(context, lookMs / 2)
  screen.ways(bytesBetween(before, byteCounts(lab.topology)))
  return counts
}
