// The demo's second stage: servers fail, each in another way, and nobody tells tenbin.

import type { DemoContext } from './demo-context.ts'
import { type Failure, failures } from './demo-failures.ts'

/** checks: what became of each server that failed; none where there is but one. */
export async function checks(context: DemoContext): Promise<readonly Failure[]> {
  const { lab, hand, lb1, traffic, screen, servers, lookMs, signal } = context
  if (servers.length === 1) return []
  screen.stage('Checks: servers fail, are taken out, and let in again')
  // The last one has the connection that stays open.
  const failing = servers.slice(0, Math.min(3, servers.length - 1))
  const told = failures(failing, { lab, hand, balancer: lb1, traffic, watchMs: lookMs / 8, signal })
  const failed: Failure[] = []
  screen.failuresBegin()
  for await (const each of told) {
    failed.push(each)
    screen.failure(each)
  }
  return failed
}
