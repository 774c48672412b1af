// The demo: what tenbin does, in half a minute, on a network inside this machine. Its steps are real and so are its
// numbers: the client counts what it sent and what came back, and nothing is repeated or left out. It is good when every
// request was answered but those that a server had or got which failed and was not found yet, and every server had some; it
// removes the lab, unless it is asked to leave it up.

import { setTimeout as delay } from 'node:timers/promises'
import { invariant } from '../base/errors.ts'
import { Balancer } from './balancer.ts'
import { type ByteCounts, byteCounts, bytesBetween } from './byte-counts.ts'
import { countText, type Sample } from './chart.ts'
import { costOf } from './cost.ts'
import { type Failure, failures } from './demo-failures.ts'
import { DemoScreen } from './demo-screen.ts'
import { Lab } from './held-lab.ts'
import { interruptible } from './interruptible.ts'
import { labFile, SERVICE_PORT } from './lab-file.ts'
import type { LabOutput } from './terminal.ts'
import { nodesOf, type TopologyOptions } from './topology.ts'
import type { TrafficCounts } from './traffic.ts'
import { TrafficClient } from './traffic-client.ts'

/** LabDemoOptions: `ask`: a person is there to answer yes or no. */
export interface LabDemoOptions extends Pick<TopologyOptions, 'servers' | 'ipv6' | 'forward'> {
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
    ...(options.forward && { forward: options.forward }),
  })
  signal.throwIfAborted()
  const { hand } = await lab.startWebServers()
  const { topology } = lab
  const servers = nodesOf(topology, 'server').map(({ name }) => name)
  const services = [topology.serviceAddresses[0]!, ...topology.serviceAddresses6.slice(0, 1)]
  screen.network(topology, (performance.now() - startedAt) / 1000)
  signal.throwIfAborted()

  const balancer = new Balancer(lab)
  balancer.write(labFile(topology))
  screen.step('One short file says what to balance')
  screen.block(balancer.text())
  screen.step('tenbin makes an XDP program for exactly this file, the kernel loads it')
  const { program, interfaces } = await balancer.start()
  const [nic] = interfaces
  invariant(program && nic, 'a daemon that forwards tells of its program')
  screen.program(program, nic, costOf(balancer.file, { interfaces }))
  signal.throwIfAborted()

  const client = nodesOf(topology, 'client')[0]!.namespace
  await using traffic = await TrafficClient.start(client, {
    address: services,
    port: SERVICE_PORT,
    path: '/page',
    ratePerSecond,
    // As many as a server that hangs may hold before it is found.
    concurrency: 1024,
  })
  const bytesBefore = byteCounts(topology)
  const sample = (counts: TrafficCounts): Sample => ({ ...counts, bytes: byteCounts(topology) })
  const look = async (ms: number) => {
    const since = sample(traffic.counts)
    traffic.onCounts = (now) => screen.progress(sample(now))
    await delay(ms, undefined, { signal })
    traffic.onCounts = () => undefined
    screen.result(since, sample(traffic.counts))
  }

  screen.step(`HTTP to ${services.join(' and ')}: every request is a new connection`)
  traffic.resume()
  await look(lookMs)

  const leaving = servers[Math.floor(servers.length / 2)]!
  if (servers.length > 1) {
    screen.step(`${leaving} leaves the file, tenbin reloads it`)
    await change(balancer, traffic, screen, labFile(topology, [leaving]))
    screen.aboutFlows(leaving)
    await look(lookMs / 2)
    screen.step(`${leaving} comes back`)
    await change(balancer, traffic, screen, labFile(topology))
    await look(lookMs / 2)
  }

  const failed: Failure[] = []
  if (servers.length > 1) {
    screen.step('Servers fail: their checks find it, take them out, and let them in again')
    const watchMs = lookMs / 8
    const failing = servers.slice(0, Math.min(3, servers.length - 1))
    const told = failures(failing, { lab, hand, balancer, traffic, watchMs, signal })
    screen.failuresBegin()
    for await (const each of told) {
      failed.push(each)
      screen.failure(each)
    }
  }

  screen.step('The daemon is killed (SIGKILL) while requests come in')
  const before = traffic.counts
  const killed = await balancer.kill()
  await delay(lookMs / 4, undefined, { signal })
  const alone = traffic.counts
  screen.say(`Process ${killed.pid} is dead. Its program goes on: ${between(before, alone)}.`)
  const restartedAt = performance.now()
  const after = await balancer.start()
  const seconds = ((performance.now() - restartedAt) / 1000).toFixed(1)
  screen.say(
    `Process ${after.pid} took it over after ${seconds} s; meanwhile ${between(alone, traffic.counts)}.`,
  )
  await look(lookMs / 2)

  const counts = await traffic.stop()
  const bytes = bytesBetween(bytesBefore, byteCounts(topology))
  const result = { ...judge(counts, servers, failed), bytes, failures: failed }
  screen.summary(counts, bytes, result.problems)
  signal.throwIfAborted()
  const isKept = (await ask?.('\n   Leave the lab up, to look around in it? [y/N] ', signal)) ?? false
  if (isKept) {
    lab.keep()
    screen.kept(lab.state)
  }
  return { result, isKept }
}

/** change applies another file while requests come in: those that are open keep their server. */
async function change(
  balancer: Balancer,
  traffic: TrafficClient,
  screen: DemoScreen,
  text: string,
): Promise<void> {
  screen.difference(balancer.text(), text)
  const before = traffic.counts
  const startedAt = performance.now()
  balancer.write(text)
  const status = await balancer.reload()
  const ms = performance.now() - startedAt
  screen.reloaded(status.program?.generation, ms, between(before, await traffic.fresh()))
}

function judge(
  counts: TrafficCounts,
  servers: readonly string[],
  failures: readonly Failure[],
): Omit<LabDemoResult, 'bytes' | 'failures'> {
  const { sent, answered, failed } = counts
  const excused = failures.reduce((sum, { lost }) => sum + lost, 0)
  const perServer = Object.fromEntries(servers.map((name) => [name, counts.perServer[name] ?? 0]))
  const reasons = Object.entries(counts.reasons).map(([reason, count]) => `${reason} ${count}`)
  const strangers = Object.keys(counts.perServer).filter((name) => !servers.includes(name))
  const problems = [
    ...(failed > excused
      ? [`${countText(failed - excused)} of ${countText(sent)} requests failed: ${reasons.join(', ')}`]
      : []),
    ...servers.filter((name) => perServer[name] === 0).map((name) => `${name} got no request`),
    ...strangers.map((name) => `an answer came from "${name}", which is no server`),
  ]
  return { sent, answered, failed, perServer, problems }
}

const between = (from: TrafficCounts, to: TrafficCounts): string =>
  `${countText(to.answered - from.answered)} answered, ${countText(to.failed - from.failed)} failed`
