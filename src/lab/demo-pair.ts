// The demo's third stage: a second balancer, and failover (VRRP). A daemon is killed, and nothing comes of it; the machine dies,
// and the other one has its addresses; it comes back. What is measured is what the client sees: the longest time without any
// answer, and how long the open connection waited.

import { setTimeout as delay } from 'node:timers/promises'
import { TenbinError } from '../base/errors.ts'
import { between, change, type DemoContext, look } from './demo-context.ts'
import { type LabFileOptions, labFile } from './lab-file.ts'
import { findNode } from './topology.ts'
import type { TrafficCounts } from './traffic.ts'
import type { Waits } from './traffic-client.ts'
import { cutNode, healNode, killNode } from './trouble.ts'
import { held, movingAddresses } from './view.ts'

/** PAIR: what the file is like from then on. */
export const PAIR: LabFileOptions = { forward: 'nat', kept: true }

/**
 * RoleChange: how long until the other node had all addresses, and what clients saw of it. `failed`: of requests that began
 * before it was over; `underWay`: those of them that had begun when it was brought about.
 */
export interface RoleChange extends Waits {
  readonly what: 'died' | 'returned'
  readonly tookMs: number
  readonly failed: number
  readonly underWay: number
}

const [POLL_MS, PATIENCE_MS] = [5, 60_000]

/**
 * pair: the changes of roles. A request is under way for milliseconds, and lb2 is told of its flow within five: of those that
 * are when lb1 dies, the answer may be lost with lb1, and nobody asks lb2 for it. Throws LAB_PROCESS_FAILED.
 */
export async function pair(context: DemoContext): Promise<readonly [died: RoleChange, returned: RoleChange]> {
  const { lab, lb1, lb2, screen, traffic, lookMs, signal } = context
  const text = labFile(lab.topology, PAIR)
  screen.stage('Two balancers: one has the addresses, the other one waits')
  await change(context, text, ['lb2'])
  await hasAll(context, 'lb1')
  lb2.write(text)
  await lb2.start()
  screen.say('lb2 runs the same, and takes over after three adverts that it did not hear.')

  screen.step('The daemon of lb1 is killed (SIGKILL)')
  const before = await traffic.fresh()
  const { pid } = await lb1.kill()
  await delay(lookMs / 4, undefined, { signal })
  screen.say(`Process ${pid} is dead. Its program goes on: ${between(before, await traffic.fresh())}.`)
  await lb1.start()

  screen.step('lb1 dies: its cables are out, all of its processes are killed')
  const died = await roleChange(context, 'died', 'lb2', async () => {
    await cutNode(lab, 'lb1')
    await killNode(lab, 'lb1')
  })
  await look(context, lookMs / 2)

  screen.step('lb1 comes back')
  const returned = await roleChange(context, 'returned', 'lb1', async () => {
    await healNode(lab, 'lb1')
  })
  await look(context, lookMs / 4)
  return [died, returned]
}

/** roleChange brings one about, and measures until `to` has all addresses. */
async function roleChange(
  context: DemoContext,
  what: RoleChange['what'],
  to: string,
  bringAbout: () => Promise<void>,
): Promise<RoleChange> {
  const { traffic, screen, signal } = context
  const before: TrafficCounts = await traffic.fresh()
  traffic.waits()
  const startedAt = performance.now()
  const moved = hasAll(context, to).then(() => performance.now() - startedAt)
  const brought = bringAbout().then(() => performance.timeOrigin + performance.now())
  const [tookMs, broughtAt] = await Promise.all([moved, brought])
  await delay(SETTLE_MS, undefined, { signal })
  // What is under way when a node dies may fail seconds later.
  const after = await traffic.decided()
  const failed = after.failed - before.failed
  const began = after.failedBegan.slice(Math.max(0, after.failedBegan.length - failed))
  const underWay = began.filter((at) => at < broughtAt).length
  const change = { what, tookMs, failed, underWay, ...traffic.waits() }
  screen.roleChange(to, change, between(before, after))
  return change
}

/** A connection attempt whose first packet was lost is repeated after a second. */
const SETTLE_MS = 1200

/** hasAll resolves when a node's kernel has all addresses that move. */
async function hasAll({ lab: { topology }, signal }: DemoContext, name: string): Promise<void> {
  const { namespace } = findNode(topology, name)
  const wanted = movingAddresses(topology).length
  for (const end = performance.now() + PATIENCE_MS; performance.now() < end; ) {
    if (held(topology, namespace).length === wanted) return
    await delay(POLL_MS, undefined, { signal })
  }
  throw new TenbinError('LAB_PROCESS_FAILED', 'move addresses', {
    detail: `${name} did not have the addresses within ${PATIENCE_MS / 1000} s`,
  })
}
