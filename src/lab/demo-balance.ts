// The demo's first stage: one balancer, which is the servers' router too (nat), made from a short file; a server leaves the
// file and comes back.

import { invariant } from '../base/errors.ts'
import { costOf } from './cost.ts'
import { change, type DemoContext, look } from './demo-context.ts'
import { type LabFileOptions, labFile } from './lab-file.ts'

/** ALONE: what the file is like while there is one balancer. */
export const ALONE: LabFileOptions = { forward: 'nat', failover: false, kept: true }

/** balance: begins to send; resolves when all servers have had requests. Throws what Balancer.start and reload throw. */
export async function balance(context: DemoContext): Promise<void> {
  const { lab, lb1, screen, traffic, servers, lookMs, signal } = context
  const { topology } = lab
  screen.stage('One balancer')
  screen.block(labFile(topology, ALONE))
  lb1.write(labFile(topology, ALONE))
  const { program, interfaces } = await lb1.start()
  const [nic] = interfaces
  invariant(program && nic, 'a daemon that forwards tells of its program')
  screen.program(program, nic, costOf(lb1.file, { interfaces }))
  signal.throwIfAborted()

  screen.step('Every request is a new connection; one more stays open from now on')
  // Reports that came while the cost was measured are past.
  await traffic.fresh()
  traffic.resume()
  await look(context, lookMs)
  if (servers.length === 1) return
  const leaving = servers[Math.floor(servers.length / 2)]!
  screen.step(`${leaving} leaves the file, and comes back`)
  await change(context, labFile(topology, { ...ALONE, without: [leaving] }))
  screen.aboutFlows(leaving)
  await look(context, lookMs / 2)
  await change(context, labFile(topology, ALONE))
}
