// The demo of an attack: two networks alike, one whose tenbin has no defence and one whose tenbin has, under the same flood at
// the same time; and what the users of both see, side by side. Their servers are without SYN cookies (tcp_syncookies), so
// that what helps is tenbin alone. Nothing is repeated or left out, and both labs are gone at the end.

import { setTimeout as delay } from 'node:timers/promises'
import { Attack } from './attack.ts'
import type { Shape } from './attack-shape.ts'
import { Balancer } from './balancer.ts'
import { AttackScreen, type SideSample } from './demo-attack-screen.ts'
import { Lab } from './held-lab.ts'
import { interruptible } from './interruptible.ts'
import { labFile, SERVICE_PORT } from './lab-file.ts'
import { writeSysctls } from './run.ts'
import type { LabOutput } from './terminal.ts'
import { nodesOf } from './topology.ts'
import type { TrafficCounts } from './traffic.ts'
import { TrafficClient } from './traffic-client.ts'

/** AttackDemoOptions: `perSecond`: of the flood on each; absent = 40,000. `lookMs`: how long it lasts; absent = 8000. */
export interface AttackDemoOptions {
  readonly perSecond?: number
  readonly lookMs?: number
  readonly out: LabOutput
}

/** AttackSide: what became of one network during the flood. `sentOn`: packets of whatever kind that servers were sent. */
export interface AttackSide {
  readonly asked: number
  readonly answered: number
  readonly p99Ms?: number
  readonly sent: number
  readonly sentOn: number
}

/** AttackDemoResult: `problems`: why it was not good, in sentences; none = good. */
export interface AttackDemoResult {
  readonly without: AttackSide
  readonly defended: AttackSide
  readonly problems: readonly string[]
}

/** NIGHT: the shape of a flood seen in production. */
const NIGHT: Shape = { flood: 'syn', window: 0, noOptions: true, spoof: true }
const [PER_SECOND, LOOK_MS, USERS_PER_SECOND, TIMEOUT_MS] = [40_000, 8000, 100, 2000]
/** GOOD: the share of requests that are to be answered behind a defence. */
const GOOD = 0.99
const SAMPLE_MS = 250

/** DEFENCES: what the file of each says; proof from 1,000 SYNs a second on, because two servers have little room for them. */
const DEFENCES = {
  without: 'defence: off\n',
  defended: 'defence:\n  proof: { above: 1000/s, below: 500/s, hold: 10s }\n',
} as const
type SideName = keyof typeof DEFENCES

/** Side: one network, with tenbin in it and users who ask. */
interface Side {
  readonly lab: Lab
  readonly balancer: Balancer
  readonly users: TrafficClient
}

/** attackDemo runs it. Throws what Lab.hold and Balancer throw, and LAB_INTERRUPTED; the labs are gone then. */
export async function attackDemo(options: AttackDemoOptions): Promise<AttackDemoResult> {
  const result = await interruptible((signal) => demo(options, signal))
  options.out.write('\n   Both labs are removed, nothing of them is left.\n\n')
  return result
}

async function demo(options: AttackDemoOptions, signal: AbortSignal): Promise<AttackDemoResult> {
  const { out, perSecond = PER_SECOND, lookMs = LOOK_MS } = options
  const screen = new AttackScreen(out)
  screen.title()
  await using without = await Lab.hold({ servers: 2 })
  await using defended = await Lab.hold({ servers: 2 })
  const labs = { without, defended }
  const sides = {} as Record<SideName, Side>
  await using usersWithout = await usersOf(without)
  await using usersDefended = await usersOf(defended)
  const users = { without: usersWithout, defended: usersDefended }
  for (const name of ['without', 'defended'] as const) {
    signal.throwIfAborted()
    const balancer = await begin(labs[name], DEFENCES[name])
    sides[name] = { lab: labs[name], balancer, users: users[name] }
  }
  screen.networks(DEFENCES.defended, USERS_PER_SECOND)
  await watch(sides, {}, screen, lookMs / 4, signal)
  screen.flood(perSecond)
  const before = await samples(sides, {})
  await using first = await Attack.start(without, { shapes: [NIGHT], perSecond })
  await using second = await Attack.start(defended, { shapes: [NIGHT], perSecond })
  await watch(sides, { without: first, defended: second }, screen, lookMs, signal)
  await Promise.all(Object.values(sides).map(({ users: each }) => each.pause()))
  const after = await samples(sides, { without: first, defended: second })
  await Promise.all([first.stop(), second.stop()])
  const result = {
    without: sideOf(before.without, after.without),
    defended: sideOf(before.defended, after.defended),
  }
  const problems = problemsOf(result)
  screen.summary(result, problems)
  return { ...result, problems }
}

/** begin: servers without SYN cookies, who prefer nobody, and tenbin. */
async function begin(lab: Lab, defence: string): Promise<Balancer> {
  for (const { namespace } of nodesOf(lab.topology, 'server'))
    writeSysctls(namespace, { 'net/ipv4/tcp_syncookies': '0', 'net/ipv4/tcp_no_metrics_save': '1' })
  await lab.startWebServers()
  const balancer = new Balancer(lab)
  balancer.write(`${labFile(lab.topology)}${defence}`)
  await balancer.start()
  return balancer
}

const usersOf = ({ topology }: Lab): Promise<TrafficClient> =>
  TrafficClient.start(nodesOf(topology, 'client')[0]!.namespace, {
    ...{ address: topology.serviceAddresses[0]!, port: SERVICE_PORT, path: '/page' },
    ...{ ratePerSecond: USERS_PER_SECOND, timeoutMs: TIMEOUT_MS },
    concurrency: (USERS_PER_SECOND * TIMEOUT_MS) / 1000 + 50,
  })

type Attacks = Partial<Readonly<Record<SideName, Attack>>>
type Samples = Readonly<Record<SideName, SideSample>>

/** watch shows both sides for so long. */
async function watch(
  sides: Readonly<Record<SideName, Side>>,
  attacks: Attacks,
  screen: AttackScreen,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  for (const { users } of Object.values(sides)) {
    users.forget()
    users.resume()
  }
  for (const end = performance.now() + ms; performance.now() < end; ) {
    await delay(SAMPLE_MS, undefined, { signal })
    screen.draw(await samples(sides, attacks))
  }
  screen.leave()
  if (Object.keys(attacks).length === 0)
    await Promise.all(Object.values(sides).map(({ users }) => users.pause()))
}

async function samples(sides: Readonly<Record<SideName, Side>>, attacks: Attacks): Promise<Samples> {
  const one = async (name: SideName): Promise<SideSample> => {
    const { balancer, users } = sides[name]
    const outcomes = (await balancer.status())?.outcomes ?? {}
    return {
      atMs: performance.now(),
      users: users.counts,
      sent: attacks[name]?.counts.sent ?? 0,
      sentOn: Number(outcomes.forwarded ?? 0),
    }
  }
  const [without, defended] = await Promise.all([one('without'), one('defended')])
  return { without, defended }
}

/** sideOf: users' counts began anew with the flood. */
function sideOf(before: SideSample, after: SideSample): AttackSide {
  const { sent: asked, answered, latencyMs }: TrafficCounts = after.users
  return {
    ...{ asked, answered, sent: after.sent, sentOn: after.sentOn - before.sentOn },
    ...(latencyMs && { p99Ms: latencyMs.p99 }),
  }
}

function problemsOf({ defended }: Pick<AttackDemoResult, 'without' | 'defended'>): readonly string[] {
  const { asked, answered } = defended
  if (asked > 0 && answered >= GOOD * asked) return []
  return [`behind the defence ${asked - answered} of ${asked} requests were not answered`]
}
