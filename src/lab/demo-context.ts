// What the stages of the demo have at hand: the lab, who sends and who answers, the screen; and what they all do, such as
// looking at the traffic for a while.

import { setTimeout as delay } from 'node:timers/promises'
import type { Balancer } from './balancer.ts'
import { byteCounts } from './byte-counts.ts'
import { countText, type Sample } from './chart.ts'
import type { DemoScreen } from './demo-screen.ts'
import type { Lab } from './held-lab.ts'
import type { TrafficCounts } from './traffic.ts'
import type { TrafficClient } from './traffic-client.ts'
import type { WebHand } from './web-hand.ts'

/** DemoContext: `lookMs`: how long the longest look at the traffic is. */
export interface DemoContext {
  readonly lab: Lab
  readonly hand: WebHand
  readonly traffic: TrafficClient
  readonly screen: DemoScreen
  readonly lb1: Balancer
  readonly lb2: Balancer
  readonly servers: readonly string[]
  readonly lookMs: number
  readonly signal: AbortSignal
}

/** look shows the traffic for so long, live, and leaves the chart of it. */
export async function look({ lab, traffic, screen, signal }: DemoContext, ms: number): Promise<void> {
  const sample = (counts: TrafficCounts): Sample => ({ ...counts, bytes: byteCounts(lab.topology) })
  const since = sample(traffic.counts)
  traffic.onCounts = (now) => screen.progress(sample(now))
  await delay(ms, undefined, { signal })
  traffic.onCounts = () => undefined
  screen.result(since, sample(traffic.counts))
}

/** change applies another file while requests come in: those that are open keep their server. `without`: nodes not there. */
export async function change(
  { lb1, traffic, screen }: DemoContext,
  text: string,
  without: readonly string[] = [],
): Promise<void> {
  screen.difference(lb1.text(), text)
  const before = traffic.counts
  const startedAt = performance.now()
  const status = await lb1.applyToAll(text, without)
  const ms = performance.now() - startedAt
  screen.applied(status?.program?.generation, ms, between(before, await traffic.fresh()))
}

/** between: what became of requests, in words. */
export const between = (from: TrafficCounts, to: TrafficCounts): string =>
  `${countText(to.answered - from.answered)} answered, ${countText(to.failed - from.failed)} failed`
