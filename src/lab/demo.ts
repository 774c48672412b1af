// The demo: what tenbin does, in less than a minute, on a network inside this machine, in the four stages that everybody goes
// through: one balancer (nat), checks, a second balancer, answers that bypass both (dsr). Its steps are real and so are its
// numbers: the client counts what it sent and what came back, and nothing is repeated or left out; one connection stays open
// from the first stage to the last. It is good when every request was answered but those that a server had or got which failed
// and was not found yet, every server had some, and that connection is open still; it removes the lab, unless it is asked to
// leave it up.

import { Balancer } from './balancer.ts'
import { type ByteCounts, byteCounts, bytesBetween } from './byte-counts.ts'
import { countText } from './chart.ts'
import { balance } from './demo-balance.ts'
import { bypass } from './demo-bypass.ts'
import { checks } from './demo-checks.ts'
import type { DemoContext } from './demo-context.ts'
import type { Failure } from './demo-failures.ts'
import { pair, type RoleChange } from './demo-pair.ts'
import { DemoScreen } from './demo-screen.ts'
import { Lab } from './held-lab.ts'
import { interruptible } from './interruptible.ts'
import type { Kept } from './kept-connection.ts'
import { KEPT_PORT, SERVICE_PORT } from './lab-file.ts'
import type { LabOutput } from './terminal.ts'
import { nodesOf, type TopologyOptions } from './topology.ts'
import type { TrafficCounts } from './traffic.ts'
import { TrafficClient } from './traffic-client.ts'

/** LabDemoOptions: `ask`: a person is there to answer yes or no. */
export interface LabDemoOptions extends Pick<TopologyOptions, 'servers' | 'ipv6'> {
  readonly name?: string
  /** Requests a second; absent = 400. */
  readonly ratePerSecond?: number
  /** How long the longest step looks at the traffic, in ms; absent = 4000. The others take half of it. */
  readonly lookMs?: number
  readonly out: LabOutput
  readonly ask?: (question: string, signal: AbortSignal) => Promise<boolean>
}

/** LabDemoResult: `problems`: why it was not good, in sentences; none = good. */
export interface LabDemoResult {
  readonly sent: number
  readonly answered: number
  readonly failed: number
  readonly perServer: Readonly<Record<string, number>>
  readonly bytes: ByteCounts
  /** Servers that failed and came back. */
  readonly failures: readonly Failure[]
  readonly roleChanges: readonly RoleChange[]
  /** Requests that failed and were under way when lb1 died (demo-pair.ts). */
  readonly underWay: number
  /** Requests that were under way when answers took another way (demo-bypass.ts). */
  readonly cutShort: number
  /** The connection that stayed open. */
  readonly kept: Omit<Kept, 'waitMs'>
  readonly problems: readonly string[]
}

/** labDemo runs the demo. Throws what Lab.hold and Balancer throw, and LAB_INTERRUPTED; the lab is gone then. */
export async function labDemo(options: LabDemoOptions): Promise<LabDemoResult> {
  const { result, isKept } = await interruptible((signal) => demo(options, signal))
  // Said when it is true: demo() has ended, and with it the lab.
  if (!isKept) options.out.write('\n   The lab is removed, nothing of it is left.\n\n')
  return result
}

async function demo(options: LabDemoOptions, signal: AbortSignal) {
  const { out, ratePerSecond = 400, lookMs = 4000, ask } = options
  const screen = new DemoScreen(out)
  screen.title()
  const startedAt = performance.now()
  await using lab = await Lab.hold({
    ...(options.name && { name: options.name }),
    ...(options.servers && { servers: options.servers }),
    ...(options.ipv6 && { ipv6: options.ipv6 }),
    pair: true,
  })
  signal.throwIfAborted()
  const { hand } = await lab.startWebServers()
  const { topology } = lab
  const servers = nodesOf(topology, 'server').map(({ name }) => name)
  const [service] = topology.serviceAddresses as [string]
  screen.network(topology, (performance.now() - startedAt) / 1000)
  signal.throwIfAborted()
  await using traffic = await TrafficClient.start(nodesOf(topology, 'client')[0]!.namespace, {
    address: [service, ...topology.serviceAddresses6.slice(0, 1)],
    port: SERVICE_PORT,
    path: '/page',
    ratePerSecond,
    // As many as a server that hangs may hold before it is found.
    concurrency: 1024,
    kept: { address: service, port: KEPT_PORT, everyMs: 50 },
  })
  const [lb1, lb2] = [new Balancer(lab, 'lb1'), new Balancer(lab, 'lb2')]
  const context: DemoContext = { lab, hand, traffic, screen, lb1, lb2, servers, lookMs, signal }
  const bytesBefore = byteCounts(topology)

  await balance(context)
  const failed = await checks(context)
  const roleChanges = await pair(context)
  const [{ underWay }] = roleChanges
  const beforeBypass = await bypass(context)

  const counts = await traffic.stop()
  const cutShort = counts.failed - beforeBypass.failed
  screen.underWay(underWay)
  screen.cutShort(cutShort)
  const bytes = bytesBetween(bytesBefore, byteCounts(topology))
  const result = {
    ...judge(counts, servers, failed, { underWay, cutShort }),
    bytes,
    failures: failed,
    roleChanges,
    underWay,
    cutShort,
  }
  screen.summary(counts, result.problems)
  signal.throwIfAborted()
  const isKept = (await ask?.('\n   Leave the lab up, to look around in it? [y/N] ', signal)) ?? false
  if (isKept) {
    lab.keep()
    screen.kept(lab.state)
  }
  return { result, isKept }
}

/** More requests than that are not under way at a time, if answers come: when lb1 dies; when answers take another way. */
const UNDER_WAY_MOST = 40
const CUT_SHORT_MOST = 20
const upTo = (most: number, count: number): number => (count <= most ? count : 0)

function judge(
  counts: TrafficCounts,
  servers: readonly string[],
  failures: readonly Failure[],
  { underWay, cutShort }: Pick<LabDemoResult, 'underWay' | 'cutShort'>,
): Pick<LabDemoResult, 'sent' | 'answered' | 'failed' | 'perServer' | 'kept' | 'problems'> {
  const { sent, answered, failed } = counts
  const { waitMs: _, ...kept } = counts.kept!
  const justThen = upTo(UNDER_WAY_MOST, underWay) + upTo(CUT_SHORT_MOST, cutShort)
  const excused = failures.reduce((sum, { lost }) => sum + lost, justThen)
  const perServer = Object.fromEntries(servers.map((name) => [name, counts.perServer[name] ?? 0]))
  const reasons = Object.entries(counts.reasons).map(([reason, count]) => `${reason} ${count}`)
  const strangers = Object.keys(counts.perServer).filter((name) => !servers.includes(name))
  const problems = [
    ...(failed > excused
      ? [`${countText(failed - excused)} of ${countText(sent)} requests failed: ${reasons.join(', ')}`]
      : []),
    ...servers.filter((name) => perServer[name] === 0).map((name) => `${name} got no request`),
    ...strangers.map((name) => `an answer came from "${name}", which is no server`),
    ...(kept.broken === undefined ? [] : [`the connection that was to stay open broke: ${kept.broken}`]),
  ]
  return { sent, answered, failed, perServer, kept, problems }
}
